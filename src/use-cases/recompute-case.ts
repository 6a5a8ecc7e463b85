/**
 * Recomputes every plan of a case from what the store holds: the signed snapshot, the signed policy version, the signed
 * decisions, and the inputs that the log recorded. Changes nothing.
 */
import { AppError } from '../domain/errors.ts';
import { contentDigestOf, isCommittedTo, leafHashOf, type SaltedValues } from '../evidence/evidence-record.ts';
import { readEvidencePages, type StoredEvidence } from '../evidence/evidence-rows.ts';
import { compareItems, difference, recomputePlan, type PlanDifference } from '../evidence/recompute.ts';
import { policyHash } from '../policy/hash.ts';
import type { Snapshot } from '../schemas/facts.ts';
import type { Item } from '../schemas/item.ts';
import type { Policy } from '../schemas/policy.ts';
import { PlannedBody, PlannedValues } from '../schemas/planned.ts';
import { openSnapshot } from '../store/people.ts';
import { readDecisions } from '../store/person-context.ts';
import { PolicyReader } from '../store/policies.ts';
import type { ServerDeps } from './server-deps.ts';

/** `erased`: the facts are gone with the person. `unreadable`: recorded without its inputs, by an earlier version. */
export type PlanVerdict = 'match' | 'differs' | 'erased' | 'unreadable';

export interface RecomputedPlan {
  proposalId: string;
  plannedAt: string;
  verdict: PlanVerdict;
  itemCount: number;
  policyHash: string | null;
  snapshotId: string | null;
  differences: PlanDifference[];
}

export interface Recomputation {
  caseId: string;
  /** The worst of its plans; `nothingPlanned` for a case that ended before a plan. */
  verdict: PlanVerdict | 'nothingPlanned';
  plans: RecomputedPlan[];
}

interface ProposalRow {
  proposal_id: string;
  snapshot_id: string;
  policy_hash: string;
  input_hash: string;
  planned_at: Date;
  items: Item[];
}

/** Throws AppError `notFound` for an unknown case. */
export async function recomputeCase(deps: ServerDeps, caseId: string): Promise<Recomputation> {
  const usherCase = await deps.db
    .selectFrom('usher_case')
    .select(['person_id', 'n'])
    .where('case_id', '=', caseId)
    .executeTakeFirst();
  if (!usherCase) throw new AppError('notFound', `There is no case ${caseId}.`, 'caseId');
  const proposals = (await deps.db
    .selectFrom('proposal')
    .selectAll()
    .where('person_id', '=', usherCase.person_id)
    .where('n', '=', usherCase.n)
    .orderBy('planned_at')
    .execute()) as unknown as ProposalRow[];
  const rows = new Map(proposals.map((row) => [row.proposal_id, row]));
  const plans: RecomputedPlan[] = [];
  for await (const page of readEvidencePages(deps.db, { caseId })) {
    for (const stored of page.filter(({ record }) => record.kind === 'planned')) {
      const proposalId = stored.record.operationKey;
      plans.push(await recomputeOne(deps, usherCase.person_id, stored, rows.get(proposalId) ?? null));
      rows.delete(proposalId);
    }
  }
  for (const row of rows.values()) if (!isExpiry(row)) plans.push(unrecorded(row));
  return { caseId, verdict: worst(plans), plans };
}

/** The end of a time-bound access follows from its date: it is proposed without a plan. */
function isExpiry(row: ProposalRow): boolean {
  return row.items.length === 1 && row.items[0]?.action === 'revoke';
}

async function recomputeOne(
  deps: ServerDeps,
  personId: string,
  stored: StoredEvidence,
  row: ProposalRow | null,
): Promise<RecomputedPlan> {
  const { record } = stored;
  const parsed = PlannedBody.safeParse(record.body);
  const plan: RecomputedPlan = {
    proposalId: record.operationKey,
    plannedAt: record.at,
    verdict: 'unreadable',
    itemCount: parsed.data?.items.length ?? 0,
    policyHash: parsed.data?.policyHash ?? null,
    snapshotId: parsed.data?.snapshotId ?? null,
    differences: recordDifferences(stored),
  };
  if (!parsed.success) return plan.differences.length > 0 ? { ...plan, verdict: 'differs' } : plan;
  const body = parsed.data;
  plan.differences.push(...rowDifferences(body, row));
  const snapshot = await read(() => readSnapshot(deps, personId, body.snapshotId));
  if (snapshot === 'forged')
    plan.differences.push(difference('snapshot', null, body.snapshotId, 'not as it was signed'));
  const policy = await read(() => readPolicy(deps, body.policyHash));
  if (policy === 'forged') plan.differences.push(difference('policy', null, body.policyHash, 'not as it was signed'));
  if (policy === null) plan.differences.push(difference('policy', null, body.policyHash, null));
  const opened = openValues(deps, stored);
  if (snapshot === null || opened === null) return settle(plan, 'erased');
  plan.differences.push(...opened.differences);
  const values = PlannedValues.safeParse(opened.values);
  if (!values.success || snapshot === 'forged' || policy === 'forged' || policy === null)
    return settle(plan, 'unreadable');
  const decisions = await readDecisions(deps.db, deps.verifier, personId, body.inputs.spellN);
  const sources = { personId, snapshot, policy, decisions, recordedAt: record.at };
  plan.differences.push(...recomputePlan(body, values.data, sources));
  return settle(plan, 'match');
}

/** What does not carry the server's signature any more is a finding, not a failure. */
async function read<T>(reading: () => Promise<T>): Promise<T | 'forged'> {
  try {
    return await reading();
  } catch (error) {
    if (error instanceof Error && /is not signed by the server|was changed/.test(error.message)) return 'forged';
    throw error;
  }
}

function settle(plan: RecomputedPlan, otherwise: PlanVerdict): RecomputedPlan {
  return { ...plan, verdict: plan.differences.length > 0 ? 'differs' : otherwise };
}

/** The record as such: `audit verify` proves its place in the log, here only that it was not edited by itself. */
function recordDifferences({ record, leafHash }: StoredEvidence): PlanDifference[] {
  const isWhole =
    leafHashOf(record).toString('hex') === leafHash &&
    contentDigestOf(record, record.commitment) === record.contentDigest;
  return isWhole ? [] : [difference('record', null, 'edited after it was logged', null)];
}

/** The row that decisions and authorisations read, against the record. */
function rowDifferences(body: PlannedBody, row: ProposalRow | null): PlanDifference[] {
  if (!row) return [difference('proposal', null, body.proposalId, null)];
  const pairs = [
    ['proposal.snapshotId', body.snapshotId, row.snapshot_id],
    ['proposal.policyHash', body.policyHash, row.policy_hash],
    ['proposal.inputHash', body.inputHash, row.input_hash],
  ] as const;
  return [
    ...pairs.flatMap(([field, recorded, stored]) =>
      recorded === stored ? [] : [difference(field, null, recorded, stored)],
    ),
    ...compareItems(body.items, row.items).map((found) => ({ ...found, field: `proposal.${found.field}` })),
  ];
}

function unrecorded(row: ProposalRow): RecomputedPlan {
  return {
    proposalId: row.proposal_id,
    plannedAt: row.planned_at.toISOString(),
    verdict: 'differs',
    itemCount: row.items.length,
    policyHash: row.policy_hash,
    snapshotId: row.snapshot_id,
    differences: [difference('record', null, null, 'a proposal that the log does not know')],
  };
}

async function readSnapshot(deps: ServerDeps, personId: string, snapshotId: string): Promise<Snapshot | null> {
  const row = await deps.db
    .selectFrom('snapshot')
    .selectAll()
    .where('snapshot_id', '=', snapshotId)
    .where('person_id', '=', personId)
    .executeTakeFirst();
  return row ? openSnapshot(row, deps) : null;
}

/** Past the memory of the running process: it may hold the version as it was before somebody changed the row. */
async function readPolicy(deps: ServerDeps, hash: string): Promise<Policy | null> {
  const row = await deps.db
    .selectFrom('policy_version')
    .select('policy_hash')
    .where('policy_hash', '=', hash)
    .executeTakeFirst();
  if (!row) return null;
  return (await new PolicyReader(deps.db, deps.verifier, policyHash).byHash(hash)).policy;
}

function openValues(
  deps: ServerDeps,
  { record, value }: StoredEvidence,
): { values: unknown; differences: PlanDifference[] } | null {
  const changed = { values: null, differences: [difference('record', null, 'sealed inputs changed', null)] };
  let opened: SaltedValues | null;
  try {
    opened = value && deps.vault.open<SaltedValues>(value.personId, value.sealed);
  } catch {
    return changed;
  }
  if (!opened) return value ? null : { values: null, differences: [] };
  const isOurs = record.commitment !== null && isCommittedTo(record.commitment, opened);
  return {
    values: opened.values,
    differences: isOurs ? [] : [difference('record', null, 'committed to other inputs', null)],
  };
}

const rank = { match: 0, erased: 1, unreadable: 2, differs: 3 } as const;

function worst(plans: readonly RecomputedPlan[]): Recomputation['verdict'] {
  const [first] = plans.toSorted((a, b) => rank[b.verdict] - rank[a.verdict]);
  return first?.verdict ?? 'nothingPlanned';
}
