/**
 * Who reads the logs, the store or the Temporal database learns no secret and nothing about a person: ids, digests, codes
 * of errors and counts are all that stands there in clear.
 *
 * One thing is in clear by nature: a decision that somebody sends from the Temporal UI. The UI knows no codec, so that
 * Temporal keeps the payload as it was typed: the id of the approval, the id of the approver, item digests, the verdict,
 * the one-time code, which is used up by then, and whatever was written into `reason`. The mail leaves `reason` empty.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { companyEmployees } from '../../sandbox/company.ts';
import { queues } from '../../src/workflows/wire.ts';
import {
  hire,
  mailedSignal,
  openApproval,
  signalLikeTemporalUi,
  untilCase,
  untilSweepIsSet,
} from '../support/case-driver.ts';
import { startOwnTemporal, type OwnTemporal } from '../support/own-temporal.ts';
import { createWorld, eventually, secretsOf, type World } from '../support/world.ts';

const person = {
  firstName: 'Zephyrine',
  lastName: 'Quillfeather',
  jobTitle: 'Quantum Falconer',
  department: 'Falconry Guild',
};
const mailAddress = 'zephyrine.quillfeather@';
/** What a library may put into an error, against all advice. */
const failureText = `no route to ${mailAddress}example.org`;
const decisionReason = 'told me in the tea kitchen';

let temporal: OwnTemporal;
let world: World;
let personId: string;
let serviceToken: string;
const logLines: string[] = [];
/** Codes that travelled in a signal and are used up. */
const usedCodes: string[] = [];

beforeAll(async () => {
  temporal = await startOwnTemporal();
  world = await createWorld({
    logLevel: 'debug',
    logTo: (line) => logLines.push(line),
    policyEdits: [{ file: 'rules.yaml', find: 'incidentAfter: 15m', replace: 'incidentAfter: 1s' }],
  });
  serviceToken = await world.tokenOf(null, ['operate']);
  await liveThrough();
});
afterAll(async () => {
  await world?.close();
  await temporal?.stop();
});

/** A joiner whose manager chooses and decides from the Temporal UI, an outage, an alert, and the departure. */
async function liveThrough(): Promise<void> {
  failTwice();
  world.company.wiki.faults.setDown('503');
  const hired = await hire(world, person);
  personId = hired.personId;
  const choice = await openApproval(world, personId, 1);
  const product = choice.items.find((item) => item.profileId === 'product')?.itemDigest;
  const approve = await mailedSignal(world, choice.approvalId, 'approve');
  const deny = await mailedSignal(world, choice.approvalId, 'deny');
  usedCodes.push(approve.code, deny.code);
  await signalLikeTemporalUi(world, choice.approvalId, { ...approve, code: 'invented-by-somebody' });
  await signalLikeTemporalUi(world, choice.approvalId, {
    ...approve,
    reason: decisionReason,
    verdicts: approve.verdicts.filter((verdict) => verdict.itemDigest === product),
  });
  const others = deny.verdicts.filter((verdict) => verdict.itemDigest !== product);
  await signalLikeTemporalUi(world, choice.approvalId, { ...deny, verdicts: others });
  const { approvalId } = await openApproval(world, personId, 1, choice.approvalId);
  const again = await mailedSignal(world, approvalId, 'approve');
  usedCodes.push(again.code);
  await signalLikeTemporalUi(world, approvalId, again);
  await eventually(() => world.company.servicenow.incidents().length > 0, 'the outage has a ticket');
  world.company.wiki.faults.setDown(null);
  await untilCase(world, personId, 1, 'done');
  world.company.bamboohr.hr.terminate(hired.employee.id);
  await untilSweepIsSet(world, `case_${personId}_2`, 1);
  // The page asks the systems for their accounts; the answers lie in the store.
  const page = (): Promise<string> =>
    fetch(`${world.url}/`, { headers: { authorization: `Bearer ${serviceToken}` } }).then((answer) => answer.text());
  await eventually(async () => (await page()).includes(person.lastName), 'the page shows the account of the person');
}

/** The first attempt to open an approval fails at the server, the second in the worker: both quote the address. */
function failTwice(): void {
  const { server } = world.workerDeps;
  const { vault } = world.serverDeps;
  const realIsErased = vault.isErased;
  const realOpen = server.openApproval;
  let attempt = 0;
  server.openApproval = (request) => {
    attempt += 1;
    if (attempt === 2) return Promise.reject(new Error(failureText));
    if (attempt > 2) return realOpen(request);
    vault.isErased = () => {
      vault.isErased = realIsErased;
      throw new Error(failureText);
    };
    return realOpen(request);
  };
}

function personalValues(): string[] {
  const colleagues = companyEmployees.flatMap((employee) => [
    `${employee.firstName} ${employee.lastName}`,
    employee.workEmail ?? '',
  ]);
  return [...Object.values(person), mailAddress, 'juniperlane.example', ...colleagues].filter((text) => text !== '');
}

function secrets(): string[] {
  const ofSystems = Object.values(secretsOf()).flatMap((values) => Object.values(values));
  const ofMails = world.company.mailbox
    .messages()
    .flatMap(({ text }) => [...text.matchAll(/\/decide\/([\w-]{20,})|"code":"([^"]+)"/g)])
    .map(([, link, code]) => link ?? code ?? '');
  expect(ofMails.length).toBeGreaterThanOrEqual(6);
  const workerToken = readFileSync(join(world.keysDir, 'worker.token'), 'utf8').trim();
  return [...ofSystems, ...ofMails, workerToken, serviceToken].filter((secret) => secret !== 'usher');
}

/** Those of the values that stand there in clear, whatever their case. */
function found(where: string | Buffer, values: readonly string[]): string[] {
  const text = where.toString('latin1').toLowerCase();
  const plain = (value: string): string => Buffer.from(value).toString('latin1').toLowerCase();
  return values.filter((value) => text.includes(plain(value)));
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

describe('the logs of server and worker, at the level debug,', () => {
  test('say what failed and name no person and no secret', () => {
    const log = latin1(logLines.join(''));
    expect(log).toContain('no route to [cut]');
    expect(log).toContain('request failed');
    expect(found(log, [...personalValues(), ...secrets(), decisionReason])).toEqual([]);
  });
});

describe('what Temporal shows of every workflow', () => {
  test('ids, queues, memos and search attributes are opaque', async () => {
    const shown: unknown[] = [];
    for await (const info of world.client.workflow.list()) {
      const { workflowId, taskQueue, memo, typedSearchAttributes } = info;
      shown.push({ workflowId, taskQueue, memo, attributes: typedSearchAttributes.getAll() });
      expect(Object.values(queues) as string[]).toContain(taskQueue);
      expect(workflowId).toMatch(/^(case|cutoff|approval|provisioning)_[0-9a-f-]{36}(_\d+){1,2}$/);
      expect(memo ?? {}).toEqual({});
    }
    expect(shown.length).toBeGreaterThanOrEqual(6);
    expect(found(latin1(JSON.stringify(shown)), [...personalValues(), ...secrets()])).toEqual([]);
  });
});

describe('the store', () => {
  test('holds no secret, and what names a person only sealed', async () => {
    const { rows } = await sql<{ name: string }>`
      select table_name as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE'`.execute(world.ownerDb);
    const withFindings: Record<string, string[]> = {};
    const sizes: Record<string, number> = {};
    for (const { name } of rows) {
      const all = await sql<{ row: string }>`select to_jsonb(t)::text as row from ${sql.table(name)} t`.execute(
        world.ownerDb,
      );
      const text = latin1(all.rows.map(({ row }) => row).join('\n'));
      sizes[name] = text.length;
      const values = found(text, [...personalValues(), ...secrets(), decisionReason]);
      if (values.length > 0) withFindings[name] = values;
    }
    for (const name of ['evidence', 'story', 'alert', 'ledger', 'incident', 'decision', 'snapshot'])
      expect([name, (sizes[name] ?? 0) > 0]).toEqual([name, true]);
    expect(withFindings).toEqual({});
  });

  test('and the tickets at the vendor name nobody', () => {
    const tickets = latin1(JSON.stringify(world.company.servicenow.incidents()));
    expect(tickets).toContain('wiki');
    expect(found(tickets, [...personalValues(), ...secrets()])).toEqual([]);
  });
});

describe('the database file of Temporal', () => {
  test('holds nothing about a person and no secret in clear: inputs, results, summaries, details, failures', () => {
    const bytes = temporal.readBytes();
    // What is in clear by design shows that these bytes are the right ones and readable.
    expect(found(bytes, [`case_${personId}_1`, 'planCase', 'usher-cases'])).toHaveLength(3);
    const unused = secrets().filter((secret) => !usedCodes.includes(secret));
    expect(found(bytes, [...personalValues(), ...unused])).toEqual([]);
    expect(found(bytes, ['approvers: opened', 'items wait for a decision', 'Query how the product'])).toEqual([]);
  });

  test('holds the decision from the Temporal UI as it was typed, with codes that are used up', async () => {
    const bytes = temporal.readBytes();
    expect(found(bytes, [...usedCodes, decisionReason])).toHaveLength(usedCodes.length + 1);
    const used = await world.ownerDb
      .selectFrom('approval_secret')
      .select('kind')
      .where('used_at', 'is not', null)
      .execute();
    expect(used.map(({ kind }) => kind).toSorted()).toEqual(['approve', 'approve', 'deny']);
  });

  test('holds the message of a failed activity encoded: only who has the key reads it', async () => {
    expect(found(temporal.readBytes(), [failureText])).toEqual([]);
    const approval = `approval_${personId}_1_1`;
    const history = await world.client.workflow.getHandle(approval).fetchHistory();
    const failures = (history.events ?? []).flatMap(
      (event) => event.activityTaskStartedEventAttributes?.lastFailure ?? [],
    );
    expect(failures.map(({ message }) => message)).toContain('Encoded failure');
    const payload = failures[0]?.encodedAttributes;
    const [decoded] = (await world.client.options.loadedDataConverter.payloadCodecs[0]?.decode([payload ?? {}])) ?? [];
    expect(Buffer.from(decoded?.data ?? []).toString()).toContain(failureText);
  });
});
