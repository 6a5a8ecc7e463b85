/**
 * The worker dies at each of its named points and is started again: everything ends as if nothing had happened. All of
 * it dies first, one point after the other: a write that was on its way is tried again only when its time is over.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCompanyProcesses, type CompanyProcesses } from '../support/company-processes.ts';
import { caseStateOf, crashPolicy, hireEngineer, isoDate, traceWhenDone } from '../support/crash-cast.ts';
import type { Trace } from '../support/trace.ts';
import { eventually } from '../support/world.ts';

let usher: CompanyProcesses;
let engineer: Trace;
let leaver: Trace;
/** Who was on the stage when the worker died, by scene. */
const hit = new Map<string, string>();
const failures = new Map<string, unknown>();

interface Scene {
  name: string;
  point: string;
  /** Before the worker that will die is started. Answers the key of the person. */
  prepare?: () => Promise<string>;
  act: (key: string) => string;
}

const engineerThere = async (lastName: string): Promise<string> => {
  const key = hireEngineer(usher, lastName);
  await traceWhenDone(usher, key);
  return key;
};

const scenes: Scene[] = [
  { name: 'write', point: 'afterWriteSent', act: () => hireEngineer(usher, 'Written') },
  { name: 'evidence', point: 'afterEvidence', act: () => hireEngineer(usher, 'Recorded') },
  { name: 'case', point: 'afterCaseStart', act: () => hireEngineer(usher, 'Started') },
  {
    name: 'signal',
    point: 'afterSignal',
    prepare: async () => {
      const key = hireEngineer(usher, 'Sooner', isoDate(20));
      const personId = await usher.personId(key);
      await eventually(async () => (await caseStateOf(usher, personId, 1)) === 'waiting', 'the case waits');
      // The row says `waiting` from the beginning; a date stands there once the case was planned.
      const planned = usher.ownerDb.selectFrom('usher_case').select('due_at').where('person_id', '=', personId);
      await eventually(async () => (await planned.executeTakeFirst())?.due_at, 'the case knows its day');
      return key;
    },
    act: (key) => usher.company.bamboohr.hr.setField(key, 'hireDate', isoDate(-2)).id,
  },
  {
    name: 'cutoff',
    point: 'afterCutoffStart',
    prepare: () => engineerThere('Leaving'),
    act: (key) => usher.company.bamboohr.hr.terminate(key).id,
  },
  {
    name: 'cutoffWrite',
    point: 'afterWriteSent',
    prepare: () => engineerThere('Disabled'),
    act: (key) => usher.company.bamboohr.hr.terminate(key).id,
  },
];

async function play({ name, point, prepare, act }: Scene): Promise<void> {
  if (!usher.worker.isRunning) await usher.worker.start();
  const key = (await prepare?.()) ?? '';
  await usher.worker.stop();
  await usher.worker.start({ USHER_CRASH_POINT: point });
  hit.set(name, act(key));
  await usher.worker.crashed();
}

beforeAll(async () => {
  usher = await startCompanyProcesses({ policyEdits: crashPolicy });
  await usher.worker.start();
  const keys = { engineer: hireEngineer(usher, 'Undisturbed'), leaver: hireEngineer(usher, 'Leaver') };
  await traceWhenDone(usher, keys.leaver);
  usher.company.bamboohr.hr.terminate(keys.leaver);
  engineer = await traceWhenDone(usher, keys.engineer);
  leaver = await traceWhenDone(usher, keys.leaver, 2);
  for (const scene of scenes) await play(scene).catch((error: unknown) => failures.set(scene.name, error));
  if (!usher.worker.isRunning) await usher.worker.start();
}, 240_000);
afterAll(async () => {
  await usher.close();
});

async function endOf(name: string, n = 1): Promise<Trace> {
  if (failures.has(name)) throw failures.get(name);
  return traceWhenDone(usher, hit.get(name) ?? '', n);
}

describe('a worker that dies', () => {
  test('afterCaseStart: the case that was started a moment before is not started again', async () => {
    expect(await endOf('case')).toEqual(engineer);
  });

  test('afterSignal: news that was told a moment before changes nothing when it is told again', async () => {
    expect(await endOf('signal')).toEqual(engineer);
  });

  test('afterCutoffStart: the cut-off that was started a moment before goes on and is not started again', async () => {
    // The case asserts the cut-off once more: whichever of the two is first notes what the other finds done already.
    expect(kindsOnce(await endOf('cutoff', 2))).toEqual(kindsOnce(leaver));
  });

  test('afterWriteSent, cutting off: the login is disabled and the person ends with nothing', async () => {
    // What it says is "disabled already" both times: who disabled it died before noting it. One record less.
    expect(kindsOnce(await endOf('cutoffWrite', 2))).toEqual(kindsOnce(leaver));
  });

  test('afterWriteSent: a write whose answer was never noted makes no second account and no second grant', async () => {
    expect(await endOf('write')).toEqual(engineer);
  });

  test('afterEvidence: a write that was noted is not written again', async () => {
    expect(await endOf('evidence')).toEqual(engineer);
  });
});

const kindsOnce = (trace: Trace): Trace => ({ ...trace, evidence: [...new Set(trace.evidence)] });

describe('after all of it', () => {
  test('the evidence log is whole', async () => {
    expect((await usher.verifyLog()).findings).toEqual([]);
  });
});
