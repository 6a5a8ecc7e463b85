/** Turns a confirmed read into rows: who holds what, which accounts may log in. */
import { sql } from 'kysely';
import type { Item } from '../schemas/item.ts';
import type { Tx } from '../store/db.ts';
import type { OperationRow } from '../store/operations.ts';

interface Subject {
  personId: string;
  n: number;
  systemId: string;
}

/** `since` of a grant that is held already stays: a time-bound right does not begin anew by being verified again. */
export async function rememberVerified(
  tx: Tx,
  subject: Subject,
  operation: OperationRow,
  item: Item,
  now: Date,
): Promise<void> {
  const { action } = item;
  switch (action) {
    case 'grant':
      await rememberGrant(tx, subject, item, now);
      return rememberLogin(tx, subject, operation, 'enabled', now);
    case 'revoke':
      await tx
        .updateTable('person_grant')
        .set({ state: 'revoked', revoked_at: now, verified_at: now })
        .where('person_id', '=', subject.personId)
        .where('system_id', '=', subject.systemId)
        .where('vendor_entitlement_id', '=', item.vendorEntitlementId ?? '')
        .execute();
      return;
    case 'disable':
      return rememberLogin(tx, subject, operation, 'disabled', now);
    case 'assignProfile':
      return;
    default:
      return action satisfies never;
  }
}

async function rememberGrant(tx: Tx, subject: Subject, item: Item, now: Date): Promise<void> {
  const basis = item.route.kind === 'policy' ? ('policy' as const) : ('decision' as const);
  const expiresAt = item.expiresAt === null ? null : new Date(item.expiresAt);
  const { spell_n } = await tx
    .selectFrom('usher_case')
    .select('spell_n')
    .where('person_id', '=', subject.personId)
    .where('n', '=', subject.n)
    .executeTakeFirstOrThrow();
  const values = {
    spell_n,
    entitlement_id: item.entitlementId,
    basis,
    item_digest: item.itemDigest,
    case_n: subject.n,
    state: 'held' as const,
    verified_at: now,
    expires_at: expiresAt,
    revoked_at: null,
  };
  await tx
    .insertInto('person_grant')
    .values({
      person_id: subject.personId,
      system_id: subject.systemId,
      vendor_entitlement_id: item.vendorEntitlementId ?? '',
      since: now,
      ...values,
    })
    .onConflict((conflict) =>
      conflict.columns(['person_id', 'system_id', 'vendor_entitlement_id']).doUpdateSet({
        ...values,
        // A new spell begins its time-bound rights anew; within a spell the first grant counts.
        since: sql<Date>`case when person_grant.spell_n is distinct from excluded.spell_n then excluded.since else person_grant.since end`,
      }),
    )
    .execute();
}

async function rememberLogin(
  tx: Tx,
  subject: Subject,
  operation: OperationRow,
  login: 'enabled' | 'disabled',
  now: Date,
): Promise<void> {
  await tx
    .updateTable('account')
    .set({ login, observed_at: now, verified_at: now })
    .where('system_id', '=', subject.systemId)
    .where('account_id', '=', operation.account_id ?? '')
    .execute();
}
