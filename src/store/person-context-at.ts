/**
 * The context of a person as it was at a moment that is over: the facts read last by then, the policy version active then,
 * the spell, decisions and departure of then. It is read from the same signed rows as the context of now.
 */
import type { PeopleByRef } from '../domain/route.ts';
import { openDeparture, type CutoffRow } from './cases.ts';
import type { Db } from './db.ts';
import { getPerson, openSnapshot, resolvePersonRefs } from './people.ts';
import {
  grantColumns,
  grantsOf,
  indexOf,
  policyRefs,
  readDecisions,
  type ContextKeys,
  type GrantsOfPerson,
  type PersonContext,
} from './person-context.ts';
import { activeHashAt } from './policy-history.ts';
import { baselineSystemIds } from './system-modes.ts';

export interface PastContext extends PersonContext {
  /** The files of the policy version; null where they were not kept. */
  sourceHash: string | null;
  policyActivatedAt: string;
}

/** Why there is no context for that moment. */
export type NoContext = 'unknownPerson' | 'erased' | 'noFacts' | 'noSpell' | 'noPolicy';

/** Throws when a row does not carry the server's signature. */
export async function readPersonContextAt(
  db: Db,
  keys: ContextKeys,
  personId: string,
  at: Date,
): Promise<PastContext | NoContext> {
  const person = await getPerson(db, personId);
  if (!person) return 'unknownPerson';
  if (person.erased_at !== null || keys.vault.isErased(personId)) return 'erased';
  const row = await db
    .selectFrom('snapshot')
    .selectAll()
    .where('person_id', '=', personId)
    .where('observed_at', '<=', at)
    .orderBy('observed_at', 'desc')
    .orderBy('snapshot_id', 'desc')
    .executeTakeFirst();
  const snapshot = row ? openSnapshot(row, keys) : null;
  if (!snapshot) return 'noFacts';
  const spellN = await spellAt(db, personId, at);
  if (spellN === null) return 'noSpell';
  const active = await activeHashAt(db, keys.verifier, at);
  if (!active) return 'noPolicy';
  const version = await keys.policies.byHash(active.policyHash, db);
  const refs = policyRefs(version.policy);
  if (snapshot.facts.managerKey !== null) refs.push(`${snapshot.source}/${snapshot.facts.managerKey}`);
  const decisions = await readDecisions(db, keys.verifier, personId, spellN);
  return {
    person,
    spellN,
    snapshot,
    policyHash: active.policyHash,
    index: indexOf(version.policy),
    people: Object.fromEntries(await resolvePersonRefs(db, refs)) as PeopleByRef,
    decisions: decisions.filter(({ decidedAt }) => Date.parse(decidedAt) <= at.getTime()),
    ...(await grantsAt(db, personId, spellN, at)),
    managerLine: [],
    managerSince: null,
    nextManagerRef: null,
    departsAt: await departureAt(db, keys, personId, at),
    sourceHash: active.sourceHash,
    policyActivatedAt: active.activatedAt,
  };
}

async function spellAt(db: Db, personId: string, at: Date): Promise<number | null> {
  const row = await db
    .selectFrom('usher_case')
    .select('spell_n')
    .where('person_id', '=', personId)
    .where('opened_at', '<=', at)
    .orderBy('n', 'desc')
    .executeTakeFirst();
  return row?.spell_n ?? null;
}

async function grantsAt(db: Db, personId: string, spellN: number, at: Date): Promise<GrantsOfPerson> {
  const rows = await db
    .selectFrom('person_grant')
    .select(grantColumns)
    .where('person_id', '=', personId)
    .where('since', '<=', at)
    .execute();
  return grantsOf(rows, spellN, await baselineSystemIds(db));
}

/** The latest departure that had taken effect by then and that no later case of access had ended. */
async function departureAt(db: Db, keys: ContextKeys, personId: string, at: Date): Promise<string | null> {
  const row: CutoffRow | undefined = await db
    .selectFrom('cutoff')
    .selectAll()
    .where('person_id', '=', personId)
    .where('effective_at', '<=', at)
    .where('state', '=', 'started')
    .orderBy('n', 'desc')
    .executeTakeFirst();
  if (!row) return null;
  const cameBack = await db
    .selectFrom('usher_case')
    .select('n')
    .where('person_id', '=', personId)
    .where('n', '>', row.n)
    .where('kind', 'in', ['joiner', 'rehire', 'rescind', 'return'])
    .where('opened_at', '<=', at)
    .executeTakeFirst();
  if (cameBack) return null;
  return openDeparture(row, keys.verifier)?.departure.effectiveAt ?? null;
}
