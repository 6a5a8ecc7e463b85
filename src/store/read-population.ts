/**
 * Everybody who has or will have access, read in portions: facts, decisions, grants and departures as the rules take them.
 * What a change of policy means for the company is computed from this without asking for each person on their own.
 */
import type { PeopleByRef } from '../domain/route.ts';
import type { Snapshot } from '../schemas/facts.ts';
import type { Policy } from '../schemas/policy.ts';
import { openDeparture } from './cases.ts';
import type { Db } from './db.ts';
import { decisionOf, signedDecisions, type DecisionRow } from './decisions.ts';
import { openSnapshot, resolvePersonRefs, type PersonRow } from './people.ts';
import { baselineSystemIds } from './system-modes.ts';
import { grantsOf, indexOf, policyRefs, type ContextKeys, type PersonContext } from './person-context.ts';

export interface Inhabitant {
  personId: string;
  snapshot: Snapshot;
  /** Ids of what Usher knows to be held. */
  heldIds: ReadonlySet<string>;
  contextUnder(version: { policyHash: string; policy: Policy }): PersonContext;
}

const PORTION = 500;

/** In the order of person ids. `policies` are those under which contexts will be asked for. */
export async function* readPopulation(
  db: Db,
  keys: ContextKeys,
  policies: readonly Policy[],
): AsyncGenerator<Inhabitant> {
  const named = await resolvePersonRefs(db, policies.flatMap(policyRefs));
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const persons = await db
      .selectFrom('person')
      .selectAll()
      .where('person_id', '>', after)
      .where('spell_state', 'in', ['pending', 'open'])
      .where('spell_n', 'is not', null)
      .where('erased_at', 'is', null)
      .orderBy('person_id')
      .limit(PORTION)
      .execute();
    const last = persons.at(-1);
    if (last === undefined) return;
    after = last.person_id;
    yield* await openPortion(db, keys, persons, named);
  }
}

async function openPortion(
  db: Db,
  keys: ContextKeys,
  persons: readonly PersonRow[],
  named: ReadonlyMap<string, string>,
): Promise<Inhabitant[]> {
  const ids = persons.map(({ person_id }) => person_id);
  const snapshots = await latestSnapshots(db, keys, ids);
  const managers = await resolvePersonRefs(
    db,
    [...snapshots.values()].flatMap(({ source, facts }) =>
      facts.managerKey === null ? [] : [`${source}/${facts.managerKey}`],
    ),
  );
  const people = Object.fromEntries([...named, ...managers]) as PeopleByRef;
  const decisions = Map.groupBy(await decisionsAbout(db, keys, ids), ({ person_id }) => person_id);
  const grants = Map.groupBy(
    await db.selectFrom('person_grant').selectAll().where('person_id', 'in', ids).execute(),
    ({ person_id }) => person_id,
  );
  const departures = await departuresOf(db, keys, ids);
  const inBaseline = await baselineSystemIds(db);
  return persons.flatMap((person): Inhabitant[] => {
    const snapshot = snapshots.get(person.person_id);
    const spellN = person.spell_n;
    if (snapshot === undefined || spellN === null) return [];
    const mine = grants.get(person.person_id) ?? [];
    const known = mine.flatMap((row) => (row.entitlement_id === null ? [] : [{ ...row, id: row.entitlement_id }]));
    const shared = {
      person,
      spellN,
      snapshot,
      people,
      decisions: (decisions.get(person.person_id) ?? []).filter((row) => row.spell_n === spellN).map(decisionOf),
      ...grantsOf(mine, spellN, inBaseline),
      managerLine: [],
      managerSince: null,
      nextManagerRef: null,
      departsAt: departures.get(`${person.person_id} ${person.fence}`) ?? null,
    };
    return [
      {
        personId: person.person_id,
        snapshot,
        heldIds: new Set(known.filter(({ state }) => state === 'held').map(({ id }) => id)),
        contextUnder: ({ policyHash, policy }) => ({ ...shared, policyHash, index: indexOf(policy) }),
      },
    ];
  });
}

async function latestSnapshots(db: Db, keys: ContextKeys, ids: readonly string[]): Promise<Map<string, Snapshot>> {
  const rows = await db
    .selectFrom('snapshot')
    .selectAll()
    .distinctOn('person_id')
    .where('person_id', 'in', ids)
    .orderBy('person_id')
    .orderBy('observed_at', 'desc')
    .orderBy('snapshot_id', 'desc')
    .execute();
  return new Map(
    rows.flatMap((row) => {
      const snapshot = openSnapshot(row, keys);
      return snapshot === null ? [] : [[row.person_id, snapshot] as const];
    }),
  );
}

async function decisionsAbout(db: Db, keys: ContextKeys, ids: readonly string[]): Promise<DecisionRow[]> {
  const rows = await db
    .selectFrom('decision')
    .selectAll()
    .where('person_id', 'in', ids)
    .orderBy('decided_at')
    .execute();
  return signedDecisions(db, keys.verifier, rows);
}

/** By `<person id> <n>`: a departure stands while its number is the fence. */
async function departuresOf(db: Db, keys: ContextKeys, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('cutoff')
    .selectAll()
    .where('person_id', 'in', ids)
    .where('state', '!=', 'rescinded')
    .execute();
  return new Map(
    rows.flatMap((row) => {
      const departure = openDeparture(row, keys.verifier);
      return departure === null ? [] : [[`${row.person_id} ${row.n}`, departure.departure.effectiveAt] as const];
    }),
  );
}
