/**
 * Everything that rules need to know about one person at one moment, read from signed rows: facts, policy, decisions,
 * grants. The plan (worker) and the issuer (server) stand on the same reading, so that they cannot disagree.
 */
import type { Selectable } from 'kysely';
import { itemOutcome } from '../domain/item-outcome.ts';
import {
  chosenProfileIds,
  justified,
  keptIdsOf,
  type DecidedItem,
  type FoundGrant,
  type GrantStart,
  type JustifiedInput,
} from '../domain/justified.ts';
import { mayHaveAccess } from '../domain/employment.ts';
import { planJoiner } from '../domain/plan-joiner.ts';
import { indexPolicy, type PolicyIndex } from '../domain/policy-index.ts';
import type { PeopleByRef } from '../domain/route.ts';
import { separationsOf } from '../domain/separation.ts';
import type { Decision } from '../schemas/decision.ts';
import type { Snapshot } from '../schemas/facts.ts';
import type { Item } from '../schemas/item.ts';
import type { Policy } from '../schemas/policy.ts';
import { openDeparture, standingCutoff } from './cases.ts';
import type { Db, Tx } from './db.ts';
import { decisionOf, decisionsOfSpell } from './decisions.ts';
import { readManagerEdge } from './manager-edge.ts';
import { peopleWhoMayDecide, readManagerLine } from './manager-line.ts';
import { getPerson, type PersonRow } from './people.ts';
import type { PersonVault } from './person-vault.ts';
import type { PolicyReader } from './policies.ts';
import { sha256Hex } from './sha256.ts';
import type { Verifier } from './signing-key.ts';
import { baselineSystemIds } from './system-modes.ts';
import type { PersonGrantTable } from './tables.ts';

export interface ContextKeys {
  vault: PersonVault;
  verifier: Verifier;
  policies: PolicyReader;
}

export interface PersonContext {
  person: PersonRow;
  spellN: number;
  snapshot: Snapshot;
  policyHash: string;
  index: PolicyIndex;
  people: PeopleByRef;
  /** The managers as references, next level first; read only where the direct one cannot decide. */
  managerLine: string[];
  decisions: Decision[];
  grants: GrantStart[];
  /** Held before Usher, on systems in baseline. */
  found: FoundGrant[];
  /** Catalogue ids of all that the store knows to be held and verified, however it came about. */
  heldIds: ReadonlySet<string>;
  /** Since when the manager of today is the manager, where there was another before; else null. */
  managerSince: string | null;
  /** The manager's own manager; null where HR names none or the manager did not change. */
  nextManagerRef: string | null;
  /** When a departure of this person takes or took effect; null without one. */
  departsAt: string | null;
}

const indexes = new WeakMap<Policy, PolicyIndex>();

/** The index of a policy version, made once per version object. */
export function indexOf(policy: Policy): PolicyIndex {
  const known = indexes.get(policy) ?? indexPolicy(policy);
  indexes.set(policy, known);
  return known;
}

/**
 * Reads the context. Null for a person who is unknown, was erased, or has no spell or policy yet. With `policyHash` the
 * version of that hash, else the active one.
 */
export async function readPersonContext(
  db: Db | Tx,
  keys: ContextKeys,
  personId: string,
  policyHash?: string,
): Promise<PersonContext | null> {
  const person = await getPerson(db, personId);
  if (!person || person.spell_n === null) return null;
  const line = await readManagerEdge(db, keys, personId);
  const version =
    policyHash === undefined ? await keys.policies.active(db) : await keys.policies.byHash(policyHash, db);
  if (!line || !version) return null;
  const { snapshot, managerSince, nextManagerRef } = line;
  const index = indexOf(version.policy);
  const refs = policyRefs(version.policy);
  if (snapshot.facts.managerKey !== null) refs.push(`${snapshot.source}/${snapshot.facts.managerKey}`);
  if (nextManagerRef !== null) refs.push(nextManagerRef);
  const { people, managerLine } = await readDeciders(db, keys, snapshot, refs);
  const cutoff = await standingCutoff(db, personId, person.fence);
  const departure = cutoff ? openDeparture(cutoff, keys.verifier) : null;
  return {
    person,
    spellN: person.spell_n,
    snapshot,
    policyHash: version.policyHash,
    index,
    people,
    managerLine,
    decisions: await readDecisions(db, keys.verifier, personId, person.spell_n),
    ...(await readGrants(db, personId, person.spell_n)),
    managerSince,
    nextManagerRef,
    departsAt: departure?.departure.effectiveAt ?? null,
  };
}

/** The line above a manager who is there is not asked, and most managers are there: it is not read for them. */
async function readDeciders(
  db: Db | Tx,
  keys: ContextKeys,
  snapshot: Snapshot,
  refs: readonly string[],
): Promise<Pick<PersonContext, 'people' | 'managerLine'>> {
  const people = await peopleWhoMayDecide(db, refs);
  const { managerKey } = snapshot.facts;
  if (managerKey === null || people[`${snapshot.source}/${managerKey}`] !== undefined)
    return { people, managerLine: [] };
  const managerLine = await readManagerLine(db, keys, snapshot);
  return { people: await peopleWhoMayDecide(db, [...refs, ...managerLine]), managerLine };
}

/** Everybody whom a policy names. */
export function policyRefs(policy: Policy): string[] {
  const owners = [...policy.systems, ...policy.entitlements].map(({ owner }) => owner);
  const coOwners = policy.entitlements.flatMap((entitlement) => entitlement.coOwners ?? []);
  return [...new Set([...owners, ...coOwners, ...policy.routing.security, policy.routing.fallbackOwner])];
}

/** Signed decisions of a spell, oldest first. */
export async function readDecisions(
  db: Db | Tx,
  verifier: Verifier,
  personId: string,
  spellN: number,
): Promise<Decision[]> {
  const rows = await decisionsOfSpell(db, verifier, personId, spellN);
  return rows.map(decisionOf);
}

export const grantColumns = [
  'system_id',
  'vendor_entitlement_id',
  'entitlement_id',
  'since',
  'given_again',
  'basis',
  'spell_n',
  'state',
  'verified_at',
] as const;

type GrantRow = Pick<Selectable<PersonGrantTable>, (typeof grantColumns)[number]>;

async function readGrants(db: Db | Tx, personId: string, spellN: number): Promise<GrantsOfPerson> {
  const rows = await db
    .selectFrom('person_grant')
    .select(grantColumns)
    .where('person_id', '=', personId)
    .orderBy('system_id')
    .orderBy('vendor_entitlement_id')
    .execute();
  return grantsOf(rows, spellN, await baselineSystemIds(db));
}

export type GrantsOfPerson = Pick<PersonContext, 'grants' | 'found' | 'heldIds'>;

/** What the rows of one person say to the rules. What was found counts as a reason only where Usher does not enforce yet. */
export function grantsOf(rows: readonly GrantRow[], spellN: number, inBaseline: ReadonlySet<string>): GrantsOfPerson {
  const held = rows.filter((row) => row.state === 'held');
  return {
    grants: rows
      .filter((row) => row.basis !== 'found' && row.spell_n === spellN)
      .flatMap(({ entitlement_id: entitlementId, since, given_again: again, basis }) => {
        const by = basis === 'policy' ? ('policy' as const) : ('decision' as const);
        if (entitlementId === null) return [];
        return [since, ...again].map((given) => ({ entitlementId, grantedAt: given.toISOString(), basis: by }));
      }),
    found: held
      .filter((row) => row.basis === 'found' && inBaseline.has(row.system_id))
      .map((row) => ({
        systemId: row.system_id,
        entitlementId: row.entitlement_id,
        vendorEntitlementId: row.vendor_entitlement_id,
      })),
    heldIds: new Set(
      held
        .filter((row) => row.basis === 'found' || row.verified_at !== null)
        .flatMap(({ entitlement_id: id }) => (id === null ? [] : [id])),
    ),
  };
}

/** What the pure rules below read of it: of the person the id alone. */
type Known = Omit<PersonContext, 'person'> & { person: Pick<PersonRow, 'person_id'> };

/** Whether the person may have access at `at`: by the dates of the HR system and by no departure that took effect. */
export function mayAccess(context: Known, at: string): boolean {
  const hasDeparted = context.departsAt !== null && Date.parse(context.departsAt) <= Date.parse(at);
  return !hasDeparted && !context.snapshot.facts.isTerminated && mayHaveAccess(context.snapshot.window, at);
}

export interface Plan {
  items: Item[];
  decided: DecidedItem[];
  /** Null until the manager chose. */
  chosenProfileIds: string[] | null;
}

/** Everything that should be granted, held or not, with routes to the people of today and the decisions so far. */
export function planAccess(context: Known, at: string): Plan {
  const plan = planWithChoices(context, at);
  if (!plan.items.some((item) => item.conflicts.length > 0)) return plan;
  // What was decided before a rule kept the duties apart was decided about the item without it.
  const before = planJoiner({
    ...planInput(context, at),
    chosenProfileIds: plan.chosenProfileIds,
    ignoresSeparation: true,
  });
  return { ...plan, decided: [...plan.decided, ...decidedItems(context, before)] };
}

function planWithChoices(context: Known, at: string): Plan {
  const first = planJoiner({ ...planInput(context, at), chosenProfileIds: null });
  const choices = first.filter((item) => item.action === 'assignProfile');
  if (choices.length === 0) return { items: first, decided: decidedItems(context, first), chosenProfileIds: null };
  const decidedChoices = decidedItems(context, choices);
  const states = choices.map((item) => itemOutcome(item, context.person.person_id, context.decisions, at).state);
  // One yes is a choice; without any yes the question stands until every profile was refused.
  if (!states.includes('approved') && states.includes('open')) {
    return { items: first, decided: decidedChoices, chosenProfileIds: null };
  }
  const chosen = chosenProfileIds({ ...subject(context), decided: decidedChoices, at });
  const items = planJoiner({ ...planInput(context, at), chosenProfileIds: chosen });
  return { items, decided: [...decidedChoices, ...decidedItems(context, items)], chosenProfileIds: chosen };
}

function subject(context: Known): { personId: string; spellN: number } {
  return { personId: context.person.person_id, spellN: context.spellN };
}

function planInput(context: Known, at: string): Omit<Parameters<typeof planJoiner>[0], 'chosenProfileIds'> {
  const { snapshot, index, people, managerSince, managerLine } = context;
  const settlesMs = index.policy.routing.managerSettlesAfter * 1_000;
  const isNewManager = managerSince !== null && Date.parse(at) < Date.parse(managerSince) + settlesMs;
  return {
    ...subject(context),
    source: snapshot.source,
    facts: snapshot.facts,
    index,
    held: [],
    keptIds: keptIdsOf(context.found),
    nextManagerRef: isNewManager ? context.nextManagerRef : null,
    people,
    managerLine,
    at,
    sha256Hex,
  };
}

/**
 * Items that have to wait: what the person is about to lose must not be held together with them. They are planned again when
 * it is gone.
 */
export function isDeferred(context: Known, plan: Plan, at: string): (item: Item) => boolean {
  const rules = context.index.policy.separationOfDuties;
  if (rules.length === 0) return () => false;
  const staying = new Set(justifiedNow(context, plan, at).map((entry) => entry.entitlementId));
  const going = new Set([...context.heldIds].filter((id) => !staying.has(id)));
  return ({ action, entitlementId }) =>
    action === 'grant' &&
    entitlementId !== null &&
    !context.heldIds.has(entitlementId) &&
    separationsOf(rules, entitlementId, going).length > 0;
}

function decidedItems(context: Known, items: readonly Item[]): DecidedItem[] {
  return items
    .filter((item) => item.route.kind === 'people')
    .map((item) => ({ ...subject(context), item, decisions: context.decisions }));
}

/** What is justified at `at`; empty once a departure took effect. */
export function justifiedNow(context: Known, plan: Plan, at: string): ReturnType<typeof justified> {
  if (!mayAccess(context, at)) return [];
  const input: JustifiedInput = {
    ...subject(context),
    facts: context.snapshot.facts,
    window: context.snapshot.window,
    index: context.index,
    decided: plan.decided,
    grants: context.grants,
    found: context.found,
    at,
    sha256Hex,
  };
  return justified(input);
}

/**
 * Entitlements that a rule or a decision justifies. What was found before Usher may stay; it is no reason to write, and
 * the worker may write its rows: no grant rests on it.
 */
export function grantableIds(justifications: ReturnType<typeof justified>): Set<string | null> {
  return new Set(justifications.filter(({ because }) => because.kind !== 'found').map((entry) => entry.entitlementId));
}
