/**
 * How processes end. On the first signal they finish what is under way; a second one, or a bound, ends them at once; exit codes
 * tell which. The worker and the server are real processes; the rule itself is tested with signals and a clock of its own.
 */
import { EventEmitter } from 'node:events';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { stopCodes, stopGracefully } from '../../src/graceful-stop.ts';
import { startCompanyProcesses, type CompanyProcesses } from '../support/company-processes.ts';
import { caseStateOf, crashPolicy, hireEngineer, traceWhenDone } from '../support/crash-cast.ts';
import { eventually } from '../support/world.ts';

describe('the rule', () => {
  function staged(stop: () => Promise<void>, boundMs = 60_000) {
    const source = new EventEmitter();
    const codes: number[] = [];
    const events: string[] = [];
    const clock = { ms: 0 };
    stopGracefully(
      {
        stop,
        boundMs,
        say: (event) => events.push(event),
        exit: (code) => codes.push(code),
        nowMs: () => clock.ms,
      },
      source as never,
    );
    return { source, codes, events, clock };
  }
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test('one signal: everything under way is finished, code 0; what fails ends with code 1', async () => {
    const fine = staged(() => Promise.resolve());
    fine.source.emit('SIGTERM');
    await settled();
    expect([fine.events, fine.codes]).toEqual([['stopping', 'stopped'], [stopCodes.orderly]]);
    const failing = staged(() => Promise.reject(new Error('no')));
    failing.source.emit('SIGINT');
    await settled();
    expect([failing.events, failing.codes]).toEqual([['stopping', 'failed'], [stopCodes.unfinished]]);
  });

  test('a second signal ends it at once; the same wish arriving twice is one', () => {
    const { source, codes, events, clock } = staged(() => new Promise(() => undefined));
    source.emit('SIGINT');
    clock.ms = 20;
    source.emit('SIGINT');
    expect(codes).toEqual([]);
    clock.ms = 2_000;
    source.emit('SIGINT');
    expect([events, codes]).toEqual([['stopping', 'forced'], [130]]);
    source.emit('SIGTERM');
    expect(codes.at(-1)).toBe(143);
  });

  test('the bound ends what does not end', () => {
    jest.useFakeTimers();
    try {
      const { source, codes, events } = staged(() => new Promise(() => undefined), 5_000);
      source.emit('SIGTERM');
      jest.advanceTimersByTime(4_999);
      expect(codes).toEqual([]);
      jest.advanceTimersByTime(1);
      expect([events, codes]).toEqual([['stopping', 'bound'], [1]]);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('real processes', () => {
  let usher: CompanyProcesses;
  beforeAll(async () => {
    usher = await startCompanyProcesses({ policyEdits: crashPolicy, env: { USHER_LOG_LEVEL: 'info' } });
    await usher.worker.start();
  }, 120_000);
  afterAll(() => usher?.close());

  const eventsOf = (name: 'server' | 'worker'): unknown[] =>
    usher
      .logOf(name)
      .split('\n')
      .filter((line) => line.includes('"msg":"stop"'))
      .map((line) => (JSON.parse(line) as { event: unknown }).event);

  /** A write at Okta that takes seconds; resolves while it is under way. */
  async function slowWrite(lastName: string): Promise<string> {
    usher.company.okta.faults.add({ kind: 'slow', delayMs: 3_000, method: 'POST', times: 1 });
    const key = hireEngineer(usher, lastName);
    const personId = await usher.personId(key);
    await eventually(
      () =>
        usher.ownerDb
          .selectFrom('operation')
          .select('state')
          .where('person_id', '=', personId)
          .where('state', '=', 'intended')
          .executeTakeFirst(),
      'a write is under way',
      60_000,
    );
    return key;
  }

  test('the worker lets its activities end, exits with 0, and the next one goes on', async () => {
    const key = await slowWrite('Drained');
    const personId = await usher.personId(key);
    await usher.worker.stop();
    expect(usher.worker.exit).toEqual({ code: 0, signal: null });
    expect(eventsOf('worker')).toEqual(['stopping', 'stopped']);
    const stuck = await usher.ownerDb
      .selectFrom('operation')
      .select('operation_key')
      .where('person_id', '=', personId)
      .where('state', '=', 'intended')
      .execute();
    // What was begun was brought to its end before the process went.
    expect(stuck).toEqual([]);
    await usher.worker.start();
    await traceWhenDone(usher, key);
    expect(await caseStateOf(usher, personId, 1)).toBe('done');
  }, 120_000);

  test('the server answers what was asked before it goes, and derives what it acknowledged', async () => {
    const key = hireEngineer(usher, 'Acknowledged');
    await eventually(async () => {
      const row = await usher.ownerDb
        .selectFrom('ledger')
        .select('event_id')
        .where('source_key', '=', key)
        .executeTakeFirst();
      return row;
    }, 'the event lies in the ledger');
    await usher.server.stop();
    expect(usher.server.exit).toEqual({ code: 0, signal: null });
    expect(await usher.underived()).toBe(0);
    await usher.server.start();
    await traceWhenDone(usher, key);
  }, 120_000);

  test('a second signal forces the worker out, with the code of the signal', async () => {
    await slowWrite('Forced');
    const pid = usher.worker.pid ?? 0;
    process.kill(pid, 'SIGTERM');
    await eventually(() => eventsOf('worker').filter((event) => event === 'stopping').length === 2, 'it stops');
    // Repeated until it counts as a second wish; the process is gone after it.
    await eventually(() => {
      if (usher.worker.exit === null) process.kill(pid, 'SIGTERM');
      return usher.worker.exit;
    }, 'it is gone');
    expect(usher.worker.exit).toEqual({ code: 143, signal: null });
    await usher.worker.start();
  }, 120_000);
});
