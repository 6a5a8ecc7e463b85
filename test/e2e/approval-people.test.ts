/**
 * Who decides when people are away, leave or pass a decision on, through the real doors; and everything about it that must
 * be refused. What counts is what the systems hold in the end.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { runCli } from '../../src/cli/program.ts';
import { openDb } from '../../src/store/db.ts';
import { alertsOf, decide, evidenceCount, openApprovals, untilCase } from '../support/case-rows.ts';
import { hire, openApproval, type OpenApproval } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

const seller = { jobTitle: 'Account Executive', department: 'Sales', supervisorEId: '105' };
const reliability = { jobTitle: 'Site Reliability Engineer', department: 'Engineering', supervisorEId: '104' };
let hires = 0;

async function anApproval(job: object = seller): Promise<{ personId: string; approval: OpenApproval }> {
  hires += 1;
  const { personId } = await hire(world, { firstName: 'Place', lastName: `Number ${hires}`, ...job });
  return { personId, approval: await openApproval(world, personId, 1) };
}

async function post(personId: string, path: string, body: unknown): Promise<{ status: number; json: unknown }> {
  const token = await world.tokenOf(personId, ['decide']);
  return world.api(path, { method: 'POST', token, body });
}

const handOver = (byId: string, { approvalId }: OpenApproval, to: string) =>
  post(byId, `/api/v1/approvals/${approvalId}/hand-over`, { to, reason: 'knows the team' });

const yes = (approval: OpenApproval, personId: string) => decide(world, approval.approvalId, personId, () => 'approve');

function mailsTo(key: string, approvalId: string): number {
  const address = world.company.bamboohr.hr.get(key).workEmail ?? '';
  return world.company.mailbox.messages(address).filter((mail) => mail.text.includes(approvalId)).length;
}

const today = (): string => world.clock.now().toISOString().slice(0, 10);
const inDays = (days: number): string =>
  new Date(world.clock.now().getTime() + days * 86_400_000).toISOString().slice(0, 10);

async function caseOf(personId: string): Promise<Record<string, unknown>> {
  const token = await world.tokenOf(await world.personId('109'), ['operate']);
  return (await world.api(`/api/v1/cases/case_${personId}_1`, { token })).json as Record<string, unknown>;
}

describe('an approval that is handed over', () => {
  test('is decided by the other person in the place of the first, who has no vote any more', async () => {
    const { personId, approval } = await anApproval();
    const [manager, other] = await Promise.all(['105', '122'].map((key) => world.personId(key)));
    expect((await handOver(manager ?? '', approval, 'bamboohr/122')).status).toBe(201);
    await eventually(() => mailsTo('122', approval.approvalId) === 1, 'the other person has one mail');
    expect((await yes(approval, manager ?? '')).json).toMatchObject({ code: 'notApprover' });
    expect((await caseOf(personId))['canAct']).toMatchObject([
      { who: { personId: other }, command: `usher approve ${approval.approvalId}` },
    ]);
    expect((await yes(approval, other ?? '')).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'crm', [personId]).groupIds).toContain('crm-sales');
    const decision = await world.ownerDb
      .selectFrom('decision')
      .select(['approver_id', 'for_approver_id'])
      .where('approval_id', '=', approval.approvalId)
      .execute();
    expect(decision).toEqual([{ approver_id: other, for_approver_id: manager }]);
  });

  test('cannot go to the beneficiary, to oneself, to a stranger, back, or from somebody without a seat', async () => {
    const { personId, approval } = await anApproval();
    const [manager, other, stranger] = await Promise.all(['105', '122', '124'].map((key) => world.personId(key)));
    const refusedBefore = await evidenceCount(world, 'refused', 'decision');
    expect((await handOver(manager ?? '', approval, personId)).json).toMatchObject({ code: 'selfApproval' });
    expect((await handOver(stranger ?? '', approval, 'bamboohr/122')).json).toMatchObject({ code: 'notApprover' });
    expect(await evidenceCount(world, 'refused', 'decision')).toBe(refusedBefore + 2);
    expect((await handOver(manager ?? '', approval, 'bamboohr/105')).json).toMatchObject({
      code: 'invalidInput',
      field: 'to',
    });
    expect((await handOver(manager ?? '', approval, 'bamboohr/9999')).json).toMatchObject({
      code: 'notFound',
      field: 'to',
    });
    expect((await handOver(manager ?? '', approval, 'somebody')).json).toMatchObject({
      code: 'invalidInput',
      field: 'to',
    });
    expect((await handOver(manager ?? '', approval, 'bamboohr/122')).status).toBe(201);
    expect((await handOver(manager ?? '', approval, 'bamboohr/124')).json).toMatchObject({ code: 'notApprover' });
    expect((await handOver(other ?? '', approval, 'bamboohr/105')).json).toMatchObject({ code: 'conflict' });
    expect((await handOver(other ?? '', approval, 'bamboohr/124')).status).toBe(201);
    expect((await handOver(stranger ?? '', approval, 'bamboohr/122')).json).toMatchObject({ code: 'conflict' });
    const mandates = await world.ownerDb
      .selectFrom('approval_mandate')
      .select('to_id')
      .where('approval_id', '=', approval.approvalId)
      .execute();
    expect(mandates.map((row) => row.to_id).toSorted()).toEqual([other, stranger].toSorted());
    expect(await openApprovals(world, personId)).toHaveLength(1);
  });

  test('does not make one person out of two: who has another seat cannot take this one as well', async () => {
    const { approval } = await anApproval(reliability);
    const owner = await world.personId('102');
    for (const key of ['111', '112']) await handOver(await world.personId(key), approval, 'bamboohr/102');
    expect((await handOver(await world.personId('110'), approval, 'bamboohr/102')).json).toMatchObject({
      code: 'conflict',
    });
    expect((await yes(approval, owner)).status).toBe(201);
    expect((await yes(approval, owner)).json).toMatchObject({ code: 'alreadyDecided' });
    const state = await world.ownerDb
      .selectFrom('approval')
      .select('state')
      .where('approval_id', '=', approval.approvalId)
      .executeTakeFirst();
    expect(state?.state).toBe('open');
  });
});

describe('a deputy', () => {
  test('may decide for the days in question, and only then', async () => {
    const manager = await world.personId('106');
    const deputy = await world.personId('123');
    const later = await post(manager, '/api/v1/deputies', { to: 'bamboohr/123', from: inDays(3), until: inDays(5) });
    expect(later.status).toBe(201);
    const agent = { jobTitle: 'Support Agent', department: 'Customer Support', supervisorEId: '106' };
    const { personId, approval } = await anApproval(agent);
    expect((await yes(approval, deputy)).json).toMatchObject({ code: 'notApprover' });
    const now = await post(manager, '/api/v1/deputies', { to: 'bamboohr/123', from: inDays(-1), until: today() });
    expect(now.status).toBe(201);
    await eventually(async () => {
      const row = await world.ownerDb
        .selectFrom('approval')
        .select('told')
        .where('approval_id', '=', approval.approvalId)
        .executeTakeFirst();
      return row?.told.includes(deputy);
    }, 'the deputy has the mail');
    expect((await yes(approval, deputy)).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'crm', [personId]).groupIds).toContain('crm-support');
  });

  test('is refused for oneself, for days that are over or too many, and somebody else cannot end it', async () => {
    const person = await world.personId('107');
    const add = (body: object) =>
      post(person, '/api/v1/deputies', { to: 'bamboohr/125', from: today(), until: inDays(3), ...body });
    expect((await add({ to: 'bamboohr/107' })).json).toMatchObject({ code: 'invalidInput', field: 'to' });
    expect((await add({ from: inDays(-9), until: inDays(-3) })).json).toMatchObject({ field: 'until' });
    expect((await add({ until: inDays(200) })).json).toMatchObject({ field: 'until' });
    expect((await add({ from: inDays(3), until: inDays(1) })).json).toMatchObject({ field: 'until' });
    expect((await add({ until: 'tomorrow' })).json).toMatchObject({ code: 'invalidInput', field: 'until' });
    const { json } = await add({});
    const { mandateId } = json as { mandateId: string };
    const end = (id: string) => post(id, `/api/v1/deputies/${mandateId}/end`, {});
    expect((await end(await world.personId('124'))).json).toMatchObject({ code: 'notFound' });
    expect((await end(person)).status).toBe(200);
    const token = await world.tokenOf(person, ['decide']);
    expect((await world.api('/api/v1/deputies', { token })).json).toEqual({ deputies: [] });
  });

  test('of each other: neither is a deputy of a deputy, and nobody decides about themselves', async () => {
    const [a, b, c] = await Promise.all(['113', '129', '120'].map((key) => world.personId(key)));
    const days = { from: today(), until: inDays(2) };
    await post(a ?? '', '/api/v1/deputies', { to: b, ...days });
    await post(b ?? '', '/api/v1/deputies', { to: a, ...days });
    await post(b ?? '', '/api/v1/deputies', { to: c, ...days });
    const { personId, approval } = await anApproval({
      jobTitle: 'Chief of Things',
      department: 'Nowhere',
      supervisorEId: '113',
    });
    expect((await yes(approval, c ?? '')).json).toMatchObject({ code: 'notApprover' });
    await post(a ?? '', '/api/v1/deputies', { to: personId, ...days });
    expect((await yes(approval, personId)).json).toMatchObject({ code: 'selfApproval' });
    expect((await decide(world, approval.approvalId, b ?? '', () => 'deny')).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
  });
});

describe('a mandate that the server did not sign', () => {
  test('gives no vote, wherever its row comes from, and the worker cannot write one', async () => {
    const { personId, approval } = await anApproval();
    const [manager, stranger] = await Promise.all(['105', '124'].map((key) => world.personId(key)));
    const asWorker = openDb(world.database.workerUrl, 1);
    const forged = {
      mandate_id: crypto.randomUUID(),
      kind: 'handedOver' as const,
      approval_id: approval.approvalId,
      person_id: personId,
      from_id: manager ?? '',
      to_id: stranger ?? '',
      valid_from: new Date(0),
      valid_until: null,
      created_at: new Date(),
      key_id: 'k-00000000',
      signature: 'AAAA',
    };
    await expect(asWorker.insertInto('approval_mandate').values(forged).execute()).rejects.toThrow(/permission denied/);
    await expect(asWorker.updateTable('approval').set({ actors: '[]' }).execute()).rejects.toThrow(/permission denied/);
    await asWorker.destroy();
    await world.ownerDb.insertInto('approval_mandate').values(forged).execute();
    // One that was signed for another approval, replayed for this one.
    const other = await anApproval();
    await handOver(manager ?? '', other.approval, 'bamboohr/124');
    await sql`insert into approval_mandate select gen_random_uuid(), kind, ${approval.approvalId}, ${personId}::uuid, from_id, to_id,
      valid_from, valid_until, created_at, key_id, signature from approval_mandate
      where approval_id = ${other.approval.approvalId}`.execute(world.ownerDb);
    expect((await yes(approval, stranger ?? '')).json).toMatchObject({ code: 'notApprover' });
    expect((await alertsOf(world, 'decisionRefused')).some(({ alert_key }) => alert_key.includes(stranger ?? ''))).toBe(
      true,
    );
    expect((await yes(approval, manager ?? '')).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
  });

  test('does not count afterwards either: a decision that stands on one is ignored by the issuer', async () => {
    const { personId, approval } = await anApproval(reliability);
    const [security, stranger, owner] = await Promise.all(['111', '124', '102'].map((key) => world.personId(key)));
    expect((await handOver(security ?? '', approval, 'bamboohr/124')).status).toBe(201);
    expect((await yes(approval, stranger ?? '')).status).toBe(201);
    // The mandate loses its signature before the last vote.
    await sql`update approval_mandate set signature = 'AAAA' where approval_id = ${approval.approvalId}`.execute(
      world.ownerDb,
    );
    await world.stopWorker();
    await world.startWorker();
    expect((await yes(approval, owner ?? '')).status).toBe(201);
    const token = await world.tokenOf(null, ['internal']);
    const digest = approval.items[0]?.itemDigest ?? '';
    const { json } = await world.api('/internal/authorisations', {
      method: 'POST',
      token,
      body: { personId, caseN: 1, k: 1, itemDigests: [digest] },
    });
    expect(json).toMatchObject({ results: [{ outcome: 'refused', reason: 'notDecided' }] });
    expect(holdingAt(world, 'okta', [personId]).groupIds).not.toContain('00gdeployproduction0');
  });
});

describe('an approver who leaves while deciding', () => {
  test('gives way to the next manager, who is told and decides; what others decided before stays', async () => {
    const cro = world.company.bamboohr.hr.hire({
      firstName: 'Leaving',
      lastName: 'Manager',
      jobTitle: 'Software Engineer',
      department: 'Engineering',
      location: 'Berlin',
      supervisorEId: '103',
    });
    const leaving = await world.personId(cro.id);
    await untilCase(world, leaving, 1, 'done');
    const { personId, approval } = await anApproval({ ...seller, supervisorEId: cro.id });
    expect(approval.seats).toMatchObject([{ approverIds: [leaving] }]);
    world.company.bamboohr.hr.terminate(cro.id);
    const next = await world.personId('103');
    await eventually(async () => {
      const row = await world.ownerDb
        .selectFrom('approval')
        .select(['seats', 'told'])
        .where('approval_id', '=', approval.approvalId)
        .executeTakeFirst();
      return row?.seats[0]?.approverIds.includes(next as never) && row.told.includes(next);
    }, 'the next manager has the seat');
    await eventually(() => mailsTo('103', approval.approvalId) === 1, 'and the mail');
    expect((await yes(approval, leaving)).json).toMatchObject({ code: 'unauthenticated' });
    expect((await yes(approval, next)).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'crm', [personId]).groupIds).toContain('crm-sales');
  });

  test('and had decided already: the vote counts, and access that stands on it is justified', async () => {
    const { personId, approval } = await anApproval(reliability);
    const leaving = await world.personId('112');
    expect((await yes(approval, leaving)).status).toBe(201);
    world.company.bamboohr.hr.terminate('112');
    await eventually(async () => {
      const row = await world.ownerDb
        .selectFrom('approval')
        .select('seats')
        .where('approval_id', '=', approval.approvalId)
        .executeTakeFirst();
      return row?.seats.every((seat) => !(seat.approverIds as string[]).includes(leaving));
    }, 'the seats changed');
    expect((await yes(approval, await world.personId('102'))).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'okta', [personId]).groupIds).toContain('00gdeployproduction0');
  });
});

describe('the command line', () => {
  test('asks, answers, hands over and names deputies', async () => {
    const { personId, approval } = await anApproval();
    const manager = await world.personId('105');
    const run = async (who: string, ...args: string[]): Promise<{ exitCode: number; out: string; error: string }> => {
      let out = '';
      let error = '';
      const env = {
        USHER_TOKEN: await world.tokenOf(who, ['decide', 'read:own-cases', 'operate']),
        USHER_SERVER_URL: world.url,
      };
      const exitCode = await runCli(args, {
        env,
        writeOut: (text) => (out += text),
        writeError: (text) => (error += text),
      });
      return { exitCode, out, error };
    };
    expect(await run(manager, 'ask', approval.approvalId, 'Which region?', '--of', 'bamboohr/122')).toMatchObject({
      exitCode: 0,
    });
    const victor = await world.personId('122');
    const listed = await run(victor, 'questions', '--json');
    const [question] = (JSON.parse(listed.out) as { questions: { questionId: string; text: string }[] }).questions;
    expect(question?.text).toBe('Which region?');
    const shown = await run(manager, 'case', 'show', `case_${personId}_1`);
    expect(shown.out).toContain(
      `Victor Lang can answer the question of Grace Mbeki: usher answer ${question?.questionId ?? ''}`,
    );
    expect(shown.out).toMatch(/the clock goes on, even without an answer/);
    expect((await run(await world.personId('124'), 'answer', question?.questionId ?? '', 'East')).exitCode).toBe(4);
    expect((await run(victor, 'answer', question?.questionId ?? '', 'East')).exitCode).toBe(0);
    expect((await run(victor, 'answer', question?.questionId ?? '', 'West')).exitCode).toBe(5);
    expect(
      (await run(manager, 'hand-over', approval.approvalId, '--to', 'bamboohr/122', '--reason', 'on leave')).exitCode,
    ).toBe(0);
    expect(
      (await run(manager, 'deputy', 'add', 'bamboohr/122', '--from', today(), '--until', inDays(2))).exitCode,
    ).toBe(0);
    expect((await run(manager, 'deputy', 'list')).out).toContain('Victor Lang');
    expect((await run(victor, 'approve', approval.approvalId)).exitCode).toBe(0);
    await untilCase(world, personId, 1, 'done');
  });
});
