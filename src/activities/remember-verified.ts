/** Turns confirmed reads into rows: who holds what, which accounts may log in. */
import { sql } from 'kysely';
import type { Item } from '../schemas/item.ts';
import type { Tx } from '../store/db.ts';
import type { WrittenItem } from './read-back.ts';

interface Subject {
  personId: string;
  n: number;
  systemId: string;
}

/** All that one look confirmed. `since` of a grant that is held already stays: a time-bound right does not begin anew by being verified again. */
export async function rememberVerified(
  tx: Tx,
  subject: Subject,
  confirmed: readonly WrittenItem[],
  now: Date,
): Promise<void> {
  const of = (action: Item['action']): WrittenItem[] => confirmed.filter(({ item }) => item.action === action);
  await rememberGrants(tx, subject, of('grant'), now);
  await rememberRevoked(tx, subject, of('revoke'), now);
  await rememberLogins(tx, subject, of('grant'), 'enabled', now);
  await rememberLogins(tx, subject, of('disable'), 'disabled', now);
}

async function rememberRevoked(tx: Tx, subject: Subject, revoked: readonly WrittenItem[], now: Date): Promise<void> {
  if (revoked.length === 0) return;
  const ids = revoked.map(({ item }) => item.vendorEntitlementId ?? '');
  await tx
    .updateTable('person_grant')
    .set({ state: 'revoked', revoked_at: now, verified_at: now })
    .where('person_id', '=', subject.personId)
    .where('system_id', '=', subject.systemId)
    .where('vendor_entitlement_id', 'in', ids)
    .execute();
}

async function rememberGrants(tx: Tx, subject: Subject, granted: readonly WrittenItem[], now: Date): Promise<void> {
  if (granted.length === 0) return;
  const { spell_n } = await tx
    .selectFrom('usher_case')
    .select('spell_n')
    .where('person_id', '=', subject.personId)
    .where('n', '=', subject.n)
    .executeTakeFirstOrThrow();
  // Two entitlements of the policy may stand for one right of the vendor; one statement takes each row once.
  const rows = new Map(
    granted.map(({ item }) => [item.vendorEntitlementId, grantRow(subject, item, spell_n, now)] as const),
  );
  await tx
    .insertInto('person_grant')
    .values([...rows.values()])
    .onConflict((conflict) =>
      conflict.columns(['person_id', 'system_id', 'vendor_entitlement_id']).doUpdateSet((eb) => ({
        spell_n: eb.ref('excluded.spell_n'),
        entitlement_id: eb.ref('excluded.entitlement_id'),
        basis: eb.ref('excluded.basis'),
        item_digest: eb.ref('excluded.item_digest'),
        case_n: eb.ref('excluded.case_n'),
        state: eb.ref('excluded.state'),
        verified_at: eb.ref('excluded.verified_at'),
        revoked_at: eb.ref('excluded.revoked_at'),
        // A new spell begins its time-bound rights anew; within a spell the first grant and its end count.
        expires_at: sql<Date | null>`case when person_grant.spell_n is distinct from excluded.spell_n or excluded.expires_at is null then excluded.expires_at else least(person_grant.expires_at, excluded.expires_at) end`,
        // What was decided after the first grant is used from here on; the same right read once more is nothing new.
        given_again: sql<
          Date[]
        >`case when person_grant.spell_n is distinct from excluded.spell_n then '{}' when person_grant.state = 'revoked' or person_grant.item_digest is distinct from excluded.item_digest then array_append(person_grant.given_again, excluded.since) else person_grant.given_again end`,
        since: sql<Date>`case when person_grant.spell_n is distinct from excluded.spell_n then excluded.since else person_grant.since end`,
      })),
    )
    .execute();
}

function grantRow(subject: Subject, item: Item, spellN: number, now: Date) {
  return {
    person_id: subject.personId,
    system_id: subject.systemId,
    vendor_entitlement_id: item.vendorEntitlementId ?? '',
    since: now,
    spell_n: spellN,
    entitlement_id: item.entitlementId,
    basis: item.route.kind === 'policy' ? ('policy' as const) : ('decision' as const),
    item_digest: item.itemDigest,
    case_n: subject.n,
    state: 'held' as const,
    verified_at: now,
    expires_at: item.expiresAt === null ? null : new Date(item.expiresAt),
    revoked_at: null,
  };
}

async function rememberLogins(
  tx: Tx,
  subject: Subject,
  seen: readonly WrittenItem[],
  login: 'enabled' | 'disabled',
  now: Date,
): Promise<void> {
  const accountIds = [...new Set(seen.map(({ operation }) => operation.account_id ?? ''))];
  if (accountIds.length === 0) return;
  await tx
    .updateTable('account')
    .set({ login, observed_at: now, verified_at: now })
    .where('system_id', '=', subject.systemId)
    .where('account_id', 'in', accountIds)
    .execute();
}
