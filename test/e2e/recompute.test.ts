/** A recorded plan is run again from stored facts, policy and decisions: honest ones match, whatever was bent is named. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { runCli } from '../../src/cli/program.ts';
import { appendEvidence } from '../../src/evidence/log.ts';
import type { Item } from '../../src/schemas/item.ts';
import type { Recomputation } from '../../src/use-cases/recompute-case.ts';
import {
  caseState,
  decideByApi,
  hire,
  openApproval,
  openApprovals,
  untilCase,
  untilSweepWaits,
} from '../support/case-driver.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
let dir: string;
let auditor: string;

beforeAll(async () => {
  world = await createWorld();
  dir = mkdtempSync(join(tmpdir(), 'usher-recompute-'));
  auditor = await world.tokenOf(null, ['audit']);
  writeFileSync(join(dir, 'token'), auditor);
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await world.close();
});

async function recompute(caseId: string): Promise<Recomputation> {
  const { status, json } = await world.api(`/api/v1/audit/cases/${caseId}/recompute`, { token: auditor });
  expect(status).toBe(200);
  return json as Recomputation;
}

async function usher(...args: string[]): Promise<{ exitCode: number; out: string }> {
  let out = '';
  const exitCode = await runCli(['--server', world.url, '--token-file', join(dir, 'token'), ...args], {
    env: {},
    writeOut: (text) => void (out += text),
    writeError: (text) => void (out += text),
  });
  return { exitCode, out };
}

async function plannedItems(personId: string): Promise<{ proposalId: string; items: Item[]; body: object }> {
  const row = await world.ownerDb
    .selectFrom('evidence')
    .select(['operation_key', 'body'])
    .where('person_id', '=', personId)
    .where('kind', '=', 'planned')
    .orderBy('seq')
    .executeTakeFirstOrThrow();
  return { proposalId: row.operation_key, body: row.body, items: (row.body as unknown as { items: Item[] }).items };
}

const fields = ({ plans }: Recomputation): string[] =>
  plans.flatMap((plan) => plan.differences.map(({ field }) => field));

describe('audit recompute', () => {
  let personId: string;
  let caseId: string;

  test('a joiner whom people decided about matches, plan by plan, also after the decisions', async () => {
    ({ personId } = await hire(world, { firstName: 'Rike', lastName: 'Probe', jobTitle: 'Chief Juggler' }));
    caseId = `case_${personId}_1`;
    const choice = await openApproval(world, personId, 1);
    await decideByApi(world, choice, (item) => (item.profileId === 'engineering' ? 'approve' : 'deny'));
    await eventually(async () => {
      for (const { approval_id: approvalId, seats, items } of await openApprovals(world, personId))
        if (approvalId !== choice.approvalId)
          await decideByApi(world, { approvalId, seats, items }).catch(() => undefined);
      return (await caseState(world, personId, 1)) === 'done';
    }, 'everything is decided and the case is done');
    const result = await recompute(caseId);
    expect(fields(result)).toEqual([]);
    expect(result.verdict).toBe('match');
    expect(result.plans.length).toBeGreaterThanOrEqual(2);
    const { exitCode, out } = await usher('audit', 'recompute', caseId);
    expect(out).toContain(`${caseId}: MATCH`);
    expect(exitCode).toBe(0);
  });

  test('a policy that changed since does not matter', async () => {
    const before = await world.serverDeps.policies.active();
    expect(before).not.toBeNull();
    await world.ownerDb.updateTable('policy_version').set({ is_active: false }).execute();
    expect((await recompute(caseId)).verdict).toBe('match');
    await world.ownerDb
      .updateTable('policy_version')
      .set({ is_active: true })
      .where('policy_hash', '=', before?.policyHash ?? '')
      .execute();
  });

  test('a proposal row whose risk was lowered is named, with both values', async () => {
    const { proposalId, items } = await plannedItems(personId);
    const bent = items.map((item, place) => (place === 0 ? { ...item, confidence: 1 } : item));
    const setItems = (value: unknown) =>
      world.ownerDb
        .updateTable('proposal')
        .set({ items: JSON.stringify(value) })
        .where('proposal_id', '=', proposalId)
        .execute();
    await setItems(bent);
    const result = await recompute(caseId);
    expect(result.verdict).toBe('differs');
    expect(fields(result)).toEqual(['proposal.item.confidence']);
    const { exitCode, out } = await usher('audit', 'recompute', caseId);
    expect(exitCode).toBe(1);
    expect(out).toContain('proposal.item.confidence');
    await setItems(items);
    expect((await recompute(caseId)).verdict).toBe('match');
  });

  test('a plan in the log that the rules do not give is named, though the log itself is sound', async () => {
    const other = await hire(world, { firstName: 'Mona', lastName: 'Falsch' });
    await untilCase(world, other.personId, 1, 'done');
    const otherCase = `case_${other.personId}_1`;
    expect((await recompute(otherCase)).verdict).toBe('match');
    const { body, items } = await plannedItems(other.personId);
    const bent = { ...body, items: items.map((item, place) => (place === 0 ? { ...item, risk: 9 } : item)) };
    const about = { operationKey: items[0]?.itemDigest ?? '', personId: other.personId, caseId: otherCase };
    await world.workerDeps.db.transaction().execute(async (tx) => {
      const sealed = await world.ownerDb
        .selectFrom('evidence as e')
        .innerJoin('evidence_value as v', 'v.evidence_id', 'e.evidence_id')
        .select('v.sealed')
        .where('e.person_id', '=', other.personId)
        .where('e.kind', '=', 'planned')
        .executeTakeFirstOrThrow();
      const opened = world.workerDeps.vault.open<{ values: unknown }>(other.personId, sealed.sealed);
      const record = { ...about, kind: 'planned' as const, body: bent, values: opened?.values };
      await appendEvidence(tx, world.workerDeps.vault, [record], world.clock.now());
    });
    const result = await recompute(otherCase);
    expect(result.verdict).toBe('differs');
    expect(fields(result)).toContain('item.risk');
  });

  test('facts that somebody else wrote are named, and an erased person is told apart', async () => {
    const { employee, personId: leaverId } = await hire(world, { firstName: 'Udo', lastName: 'Weg' });
    await untilCase(world, leaverId, 1, 'done');
    world.company.bamboohr.hr.terminate(employee.id);
    await untilSweepWaits(world, leaverId, 2);
    const leaving = await recompute(`case_${leaverId}_2`);
    expect(fields(leaving)).toEqual([]);
    expect(leaving.plans.length).toBeGreaterThan(0);
    await sql`update snapshot set zone = 'Asia/Tokyo' where person_id = ${leaverId}`.execute(world.ownerDb);
    expect(fields(await recompute(`case_${leaverId}_1`))).toContain('snapshot');
    await sql`update snapshot set zone = 'Europe/Berlin' where person_id = ${leaverId}`.execute(world.ownerDb);
    world.serverDeps.vault.erase(leaverId, world.clock.now());
    expect((await recompute(`case_${leaverId}_1`)).verdict).toBe('erased');
  });

  test('an unknown case and a token without the scope are refused', async () => {
    const path = '/api/v1/audit/cases/case_00000000-0000-7000-8000-000000000000_1/recompute';
    expect((await world.api(path, { token: auditor })).status).toBe(404);
    const operator = await world.tokenOf(null, ['operate']);
    expect((await world.api(path, { token: operator })).status).toBe(403);
  });
});
