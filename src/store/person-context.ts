/**
 * Everything that rules need to know about one person at one moment, read from signed rows: facts, policy, decisions,
 * grants. The plan (worker) and the issuer (server) stand on the same reading, so that they cannot disagree.
 */
import { itemOutcome } from '../domain/item-outcome.ts';
import {
  chosenProfileIds,
  justified,
  type DecidedItem,
  type GrantStart,
  type JustifiedInput,
} from '../domain/justified.ts';
import { mayHaveAccess } from '../domain/employment.ts';
import { planJoiner } from '../domain/plan-joiner.ts';
import { indexPolicy, type PolicyIndex } from '../domain/policy-index.ts';
import type { PeopleByRef } from '../domain/route.ts';
import type { Decision } from '../schemas/decision.ts';
import type { Snapshot } from '../schemas/facts.ts';
import type { Item } from '../schemas/item.ts';
import type { Policy } from '../schemas/policy.ts';
import { openDeparture, standingCutoff } from './cases.ts';
import type { Db, Tx } from './db.ts';
import { decisionsOfSpell } from './decisions.ts';
import { getPerson, latestSnapshot, resolvePersonRefs, type PersonRow } from './people.ts';
import type { PersonVault } from './person-vault.ts';
import type { PolicyReader } from './policies.ts';
import { sha256Hex } from './sha256.ts';
import type { Verifier } from './signing-key.ts';

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
  decisions: Decision[];
  grants: GrantStart[];
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
  const snapshot = await latestSnapshot(db, keys, personId);
  const version =
    policyHash === undefined ? await keys.policies.active(db) : await keys.policies.byHash(policyHash, db);
  if (!snapshot || !version) return null;
  const index = indexOf(version.policy);
  const refs = policyRefs(version.policy);
  if (snapshot.facts.managerKey !== null) refs.push(`${snapshot.source}/${snapshot.facts.managerKey}`);
  const people = Object.fromEntries(await resolvePersonRefs(db, refs)) as PeopleByRef;
  const cutoff = await standingCutoff(db, personId, person.fence);
  const departure = cutoff ? openDeparture(cutoff, keys.verifier) : null;
  return {
    person,
    spellN: person.spell_n,
    snapshot,
    policyHash: version.policyHash,
    index,
    people,
    decisions: await readDecisions(db, keys.verifier, personId, person.spell_n),
    grants: await readGrantStarts(db, personId, person.spell_n),
    departsAt: departure?.departure.effectiveAt ?? null,
  };
}

function policyRefs(policy: Policy): string[] {
  const owners = [...policy.systems, ...policy.entitlements].map(({ owner }) => owner);
  return [...new Set([...owners, ...policy.routing.security, policy.routing.fallbackOwner])];
}

/** Decisions of one spell that carry the server's signature, oldest first. */
export async function readDecisions(
  db: Db | Tx,
  verifier: Verifier,
  personId: string,
  spellN: number,
): Promise<Decision[]> {
  const rows = await decisionsOfSpell(db, verifier, personId, spellN);
  return rows.map((row) => ({
    decisionId: row.decision_id as Decision['decisionId'],
    approvalId: row.approval_id as Decision['approvalId'],
    personId: row.person_id as Decision['personId'],
    approverId: row.approver_id as Decision['approverId'],
    surface: row.surface as Decision['surface'],
    verdicts: row.verdicts,
    reason: '',
    decidedAt: row.decided_at.toISOString(),
  }));
}

async function readGrantStarts(db: Db | Tx, personId: string, spellN: number): Promise<GrantStart[]> {
  const rows = await db
    .selectFrom('person_grant')
    .select(['entitlement_id', 'since'])
    .where('person_id', '=', personId)
    .where('basis', '!=', 'found')
    .where('spell_n', '=', spellN)
    .execute();
  return rows.flatMap((row) =>
    row.entitlement_id === null ? [] : [{ entitlementId: row.entitlement_id, grantedAt: row.since.toISOString() }],
  );
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
  const { snapshot, index, people } = context;
  return {
    ...subject(context),
    source: snapshot.source,
    facts: snapshot.facts,
    index,
    held: [],
    people,
    at,
    sha256Hex,
  };
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
    found: [],
    at,
    sha256Hex,
  };
  return justified(input);
}
