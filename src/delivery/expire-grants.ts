/**
 * Ends time-bound access: for each grant whose time is over a revoke is proposed in the case that granted it, and a
 * provisioning carries it out. The issuer decides whether it is over.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { AppError } from '../domain/errors.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { planLeaver } from '../domain/plan-leaver.ts';
import type { Item } from '../schemas/item.ts';
import { justifiedNow, planAccess, readPersonContext, type PersonContext } from '../store/person-context.ts';
import { sha256Hex } from '../store/sha256.ts';
import { uuidV7 } from '../store/uuid.ts';
import type { WorkerDeps } from '../activities/worker-deps.ts';
import * as wire from '../workflows/wire.ts';

/** Ends of grants are numbered apart from the route groups of a case, which count from 1. */
const FIRST_EXPIRY_K = 1_000;
const RETRY_AFTER_MS = 6 * 3_600_000;

/** One pass. Answers how many revocations were started. */
export async function expireGrants(deps: WorkerDeps): Promise<number> {
  const now = deps.now();
  const due = await deps.db
    .selectFrom('person_grant as g')
    .innerJoin('account as a', (join) =>
      join.onRef('a.person_id', '=', 'g.person_id').onRef('a.system_id', '=', 'g.system_id'),
    )
    .innerJoin('usher_case as c', (join) => join.onRef('c.person_id', '=', 'g.person_id').onRef('c.n', '=', 'g.case_n'))
    .select([
      'g.person_id',
      'g.system_id',
      'g.vendor_entitlement_id',
      'g.entitlement_id',
      'g.case_n',
      'g.expiry_attempts',
      'a.account_id',
      'c.spell_n',
    ])
    .where('g.state', '=', 'held')
    .where('g.expires_at', '<=', now)
    .where((eb) =>
      eb.or([
        eb('g.expiry_started_at', 'is', null),
        eb('g.expiry_started_at', '<', new Date(now.getTime() - RETRY_AFTER_MS)),
      ]),
    )
    .limit(100)
    .execute();
  for (const row of due) {
    try {
      await expireOne(deps, row, now);
    } catch (error) {
      // Nobody whom Usher knows may decide about this person: that must not keep the access of others alive.
      if (!(error instanceof AppError)) throw error;
      deps.log.warn({ personId: row.person_id, code: error.code }, 'the end of an access could not be judged');
    }
  }
  return due.length;
}

interface DueGrant {
  person_id: string;
  system_id: string;
  vendor_entitlement_id: string;
  entitlement_id: string | null;
  case_n: number | null;
  expiry_attempts: number;
  account_id: string;
  spell_n: number;
}

async function expireOne(deps: WorkerDeps, row: DueGrant, now: Date): Promise<void> {
  const context = await readPersonContext(deps.db, deps, row.person_id);
  if (!context || row.case_n === null) return;
  const { index, policyHash } = context;
  const end = endOf(row, context, now);
  if (end !== 'over') {
    // The plan counted from its own moment; the term runs from the grant, which people may have decided days later. Policy
    // may also have changed the term since, or ended it.
    await updateGrant(deps, row, { expires_at: end });
    return;
  }
  const account = {
    systemId: row.system_id,
    accountId: row.account_id,
    vendorEntitlementIds: [row.vendor_entitlement_id],
  };
  const planned = planLeaver({
    personId: row.person_id,
    spellN: row.spell_n,
    index,
    accounts: [account],
    sha256Hex,
  });
  const item = planned.find((candidate) => candidate.action === 'revoke');
  if (!item) return;
  await proposeExpiry(deps, row, { ...item, reasons: ['the time of this access is over'] }, policyHash, now);
  const k = await expiryK(deps, row.person_id, row.case_n);
  await startRevocation(deps, row, item.itemDigest, k);
  await updateGrant(deps, row, { expiry_started_at: now, expiry_attempts: row.expiry_attempts + 1 });
}

/**
 * When the right ends by the one rule that says so, `justified`; null where nothing bounds it any more, `over` where nothing
 * justifies it now. Of several reasons the one that lasts longest counts.
 */
function endOf({ entitlement_id: id }: DueGrant, context: PersonContext, now: Date): Date | null | 'over' {
  const at = now.toISOString();
  const mine = justifiedNow(context, planAccess(context, at), at).filter((entry) => entry.entitlementId === id);
  if (id === null || mine.length === 0) return 'over';
  const ends = mine.map(({ expiresAt }) => (expiresAt === null ? null : Date.parse(expiresAt)));
  return ends.includes(null) ? null : new Date(Math.max(...ends.map(Number)));
}

async function updateGrant(
  deps: WorkerDeps,
  row: DueGrant,
  values: { expires_at: Date | null } | { expiry_started_at: Date; expiry_attempts: number },
): Promise<void> {
  await deps.db
    .updateTable('person_grant')
    .set(values)
    .where('person_id', '=', row.person_id)
    .where('system_id', '=', row.system_id)
    .where('vendor_entitlement_id', '=', row.vendor_entitlement_id)
    .execute();
}

/**
 * The number of this end: each one proposed more than the one before. Operations do not tell it: an end that was refused
 * left none, and one that was started a moment ago has none yet; its number would be taken for started and never run.
 */
async function expiryK(deps: WorkerDeps, personId: string, n: number): Promise<number> {
  const { count } = await deps.db
    .selectFrom('proposal')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .executeTakeFirstOrThrow();
  return FIRST_EXPIRY_K + Number(count);
}

async function proposeExpiry(
  deps: WorkerDeps,
  row: DueGrant,
  item: Item,
  policyHash: string,
  now: Date,
): Promise<void> {
  const snapshot = await deps.db
    .selectFrom('snapshot')
    .select('snapshot_id')
    .where('person_id', '=', row.person_id)
    .orderBy('observed_at', 'desc')
    .executeTakeFirstOrThrow();
  await deps.db
    .insertInto('proposal')
    .values({
      proposal_id: uuidV7(now),
      person_id: row.person_id,
      n: row.case_n ?? 0,
      spell_n: row.spell_n,
      snapshot_id: snapshot.snapshot_id,
      policy_hash: policyHash,
      planned_at: now,
      input_hash: sha256Hex(canonicalJson({ item, at: now.toISOString() })),
      items: JSON.stringify([item]),
    })
    .execute();
}

async function startRevocation(deps: WorkerDeps, row: DueGrant, itemDigest: string, k: number): Promise<void> {
  const n = row.case_n ?? 0;
  const item = { itemDigest, systemId: row.system_id, action: 'revoke' as const, isFirst: false };
  try {
    await deps.temporal.workflow.start(wire.workflowTypes.provisioning, {
      workflowId: wire.provisioningWorkflowId(row.person_id, n, k),
      taskQueue: wire.queues.cases,
      args: [{ personId: row.person_id, n, k, items: [item] } satisfies wire.ProvisioningInput],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      typedSearchAttributes: [
        { key: wire.searchAttributes.UsherPersonId, value: row.person_id },
        { key: wire.searchAttributes.UsherCaseId, value: wire.caseWorkflowId(row.person_id, n) },
      ],
      staticSummary: 'End of a time-bound access',
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
