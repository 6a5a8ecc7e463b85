/** Writes what a write meant and did: the operation row and its evidence in one transaction, evidence last. */
import { sql } from 'kysely';
import type { AccountView } from '../connectors/kit/contract.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import type { Authorisation } from '../schemas/authorisation.ts';
import type { Tx } from '../store/db.ts';
import { raiseAlert } from '../store/alerts.ts';
import { saveOperation, saveOperations, type OperationPatch } from '../store/operations.ts';
import type { OperationState } from '../store/tables.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface WriteSubject {
  operationKey: string;
  personId: string;
  n: number;
  k: number;
  round: number;
  systemId: string;
  itemDigest: string;
  authorisation: Authorisation;
}

function record(subject: WriteSubject, kind: EvidenceInput['kind'], body: Record<string, unknown>): EvidenceInput {
  const { operationKey, personId, n, systemId, itemDigest, round } = subject;
  return {
    operationKey,
    kind,
    personId,
    caseId: `case_${personId}_${n}`,
    body: { systemId, itemDigest, round, ...body },
    values: null,
  };
}

/** Before the first call: what is about to be written, on which permission. */
export async function noteIntended(deps: WorkerDeps, subjects: readonly WriteSubject[]): Promise<void> {
  const now = deps.now();
  await deps.db.transaction().execute(async (tx) => {
    const changes = subjects.map((key) => ({ key, patch: { state: 'intended' as const } }));
    await saveOperations(tx, changes, now);
    await doubtRemoved(tx, subjects);
    const records = subjects.map((subject) => {
      const { kind, fence, policyHash, item } = subject.authorisation;
      const { action, entitlementId, vendorEntitlementId } = item;
      return record(subject, 'intended', {
        action,
        entitlementId,
        vendorEntitlementId,
        basis: kind,
        fence,
        policyHash,
      });
    });
    await appendEvidence(tx, deps.vault, records, now);
  });
}

/** From here on nobody knows whether it is held, until a read says so: a case that ends in between must not believe the row. */
async function doubtRemoved(tx: Tx, subjects: readonly WriteSubject[]): Promise<void> {
  for (const { personId, systemId, authorisation } of subjects) {
    const { action, vendorEntitlementId } = authorisation.item;
    if (action !== 'revoke' || vendorEntitlementId === null) continue;
    await tx
      .updateTable('person_grant')
      .set({ verified_at: null })
      .where('person_id', '=', personId)
      .where('system_id', '=', systemId)
      .where('vendor_entitlement_id', '=', vendorEntitlementId)
      .execute();
  }
}

export interface OutcomeNote {
  state: Extract<OperationState, 'applied' | 'failed'>;
  outcome: string | null;
  accountId: string | null;
  requestId: string | null;
  errorCode?: string;
}

/** After the calls: what the vendor said. It proves nothing; `verified` comes from an independent read. One transaction. */
export async function noteOutcomes(
  deps: WorkerDeps,
  notes: readonly { subject: WriteSubject; note: OutcomeNote }[],
): Promise<void> {
  if (notes.length === 0) return;
  const now = deps.now();
  await deps.db.transaction().execute(async (tx) => {
    await saveOperations(
      tx,
      notes.map(({ subject, note }) => ({ key: subject, patch: patchOf(note) })),
      now,
    );
    const records = notes.map(({ subject, note }) => {
      const { state, outcome, accountId, requestId, errorCode } = note;
      const body = { outcome, accountId, vendorRequestId: requestId, ...(errorCode ? { errorCode } : {}) };
      return record(subject, state === 'failed' ? 'refused' : state, body);
    });
    await appendEvidence(tx, deps.vault, records, now);
  });
}

function patchOf({ state, outcome, accountId, requestId, errorCode }: OutcomeNote): OperationPatch {
  return {
    state,
    outcome,
    account_id: accountId,
    vendor_request_id: requestId,
    error_code: errorCode ?? null,
  };
}

/** A permission that did not hold at the moment of the call: nothing was written, and security hears of it once. */
export async function noteRefused(deps: WorkerDeps, subject: WriteSubject, because: string): Promise<void> {
  const now = deps.now();
  const caseId = `case_${subject.personId}_${subject.n}`;
  await deps.db.transaction().execute(async (tx) => {
    await saveOperation(tx, subject, { state: 'superseded', error_code: because }, now);
    const text = `A write of ${caseId} at ${subject.systemId} was stopped before the call (${because}). Nothing was written.`;
    await raiseAlert(
      tx,
      { alertKey: `stopped/${caseId}/${subject.k}`, kind: 'stoppedWrite', personId: subject.personId, text },
      now,
    );
    await appendEvidence(tx, deps.vault, [record(subject, 'refused', { because })], now);
  });
}

/** Remembers the account by its immutable id; `isNew` when Usher meets it for the first time. An account that Usher created stays "created" when it is met again. */
export async function noteAccount(
  deps: WorkerDeps,
  subject: Pick<WriteSubject, 'personId' | 'systemId'>,
  account: AccountView,
  origin: 'created' | 'adopted' | 'found',
): Promise<{ isNew: boolean }> {
  const now = deps.now();
  const login = account.canLogIn ? 'enabled' : 'disabled';
  const row = await deps.db
    .insertInto('account')
    .values({
      person_id: subject.personId,
      system_id: subject.systemId,
      account_id: account.accountId,
      origin,
      login,
      observed_at: now,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['system_id', 'account_id'])
        .doUpdateSet({ person_id: subject.personId, login, observed_at: now }),
    )
    // A row that this statement updated carries its transaction in xmax.
    .returning(sql<boolean>`xmax = 0`.as('is_new'))
    .executeTakeFirst();
  return { isNew: row?.is_new ?? false };
}

/** What an adopted account held already is recorded as found; nothing of it is taken away in a joiner. */
export async function noteFoundGrants(
  deps: WorkerDeps,
  subject: WriteSubject,
  vendorEntitlementIds: string[],
): Promise<void> {
  if (vendorEntitlementIds.length === 0) return;
  const now = deps.now();
  await deps.db
    .insertInto('person_grant')
    .values(
      vendorEntitlementIds.map((vendorEntitlementId) => ({
        person_id: subject.personId,
        system_id: subject.systemId,
        vendor_entitlement_id: vendorEntitlementId,
        entitlement_id: null,
        basis: 'found' as const,
        item_digest: null,
        case_n: subject.n,
        state: 'held' as const,
        since: now,
        expires_at: null,
      })),
    )
    .onConflict((conflict) => conflict.columns(['person_id', 'system_id', 'vendor_entitlement_id']).doNothing())
    .execute();
}
