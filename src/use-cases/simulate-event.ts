/** Plans an event that did not happen, with the rules that plan the ones that do. Nothing is written. */
import { Temporal } from 'temporal-polyfill';
import { AppError } from '../domain/errors.ts';
import { itemOutcome } from '../domain/item-outcome.ts';
import { matchProfiles } from '../domain/match-profiles.ts';
import { planLeaver } from '../domain/plan-leaver.ts';
import type { PeopleByRef } from '../domain/route.ts';
import type { PersonFacts, Snapshot } from '../schemas/facts.ts';
import type { Item } from '../schemas/item.ts';
import type { PolicyChoice, SimulatedEvent } from '../schemas/policy-trial.ts';
import { resolvePersonRefs } from '../store/people.ts';
import { indexOf, justifiedNow, planAccess, policyRefs, type PersonContext } from '../store/person-context.ts';
import { readPersonContextAt } from '../store/person-context-at.ts';
import type { PolicyVersion } from '../store/policies.ts';
import { readNames, type NameOf } from '../store/read-names.ts';
import { findPersonId } from '../store/read-person.ts';
import { sha256Hex } from '../store/sha256.ts';
import { accessWindow } from './access-window.ts';
import { choosePolicy } from './choose-policy.ts';
import type { ServerDeps } from './server-deps.ts';

export interface SimulatedItem extends Pick<Item, 'action' | 'systemId' | 'entitlementId' | 'profileId' | 'risk'> {
  label: string;
  confidence: number;
  reasons: string[];
  conflicts: string[];
  expiresAt: string | null;
  /** Empty: policy approves. */
  deciders: { role: string; approvers: string[] }[];
  /** What decisions so far say. */
  outcome: 'open' | 'approved' | 'denied';
  isHeld: boolean;
}

export interface SimulatedPlan {
  event: SimulatedEvent['event'];
  /** A name; of somebody invented `(invented)`. */
  person: string;
  policyHash: string;
  at: string;
  profiles: string[];
  items: SimulatedItem[];
}

const inventedId = '00000000-0000-7000-8000-000000000000';

/** Throws AppError notFound (the person, the policy), noApprover, policyInvalid. */
export async function simulateEvent(
  deps: ServerDeps,
  input: { policy: PolicyChoice; event: SimulatedEvent },
): Promise<SimulatedPlan> {
  const version = await choosePolicy(deps, input.policy);
  const { event } = input;
  const context = await contextOf(deps, version, event);
  const at = momentOf(deps, context, event);
  const held = await readHeldRows(deps, context);
  const items =
    event.event === 'leaver' ? await leaverItems(deps, context) : accessItems(context, held, at, event.event);
  const approvers = items.flatMap(({ route }) =>
    route.kind === 'people' ? route.seats.flatMap(({ approverIds }) => approverIds) : [],
  );
  const nameOf = await readNames(deps.db, deps, [...approvers, context.person.person_id]);
  const { facts } = context.snapshot;
  return {
    event: event.event,
    person: context.person.person_id === inventedId ? '(invented)' : nameOf(context.person.person_id),
    policyHash: version.policyHash,
    at,
    profiles: event.event === 'leaver' ? [] : matchProfiles(facts, context.index).map(({ profile }) => profile.id),
    items: items.map((item) => viewOf(item, context, held, at, nameOf)),
  };
}

async function contextOf(deps: ServerDeps, version: PolicyVersion, event: SimulatedEvent): Promise<PersonContext> {
  const known = event.person === undefined ? null : await knownContext(deps, event.person);
  const changes = event.event === 'leaver' ? {} : event.facts;
  const base = known?.snapshot.facts ?? inventedFacts(deps);
  const facts: PersonFacts = { ...base, ...withoutUndefined(changes), endDate: null, isTerminated: false };
  const snapshot: Snapshot = {
    snapshotId: known?.snapshot.snapshotId ?? (inventedId as Snapshot['snapshotId']),
    personId: known?.snapshot.personId ?? (inventedId as Snapshot['personId']),
    source: known?.snapshot.source ?? sourceOf(version),
    observedAt: deps.now().toISOString(),
    window: accessWindow(facts, version.policy.lifecycle, deps.now()),
    facts,
  };
  const refs = policyRefs(version.policy);
  if (facts.managerKey !== null) refs.push(`${snapshot.source}/${facts.managerKey}`);
  const person = known?.person ?? {
    person_id: inventedId,
    last_n: 0,
    fence: 0,
    spell_n: 1,
    spell_state: 'open' as const,
    created_at: deps.now(),
    erased_at: null,
  };
  return {
    person,
    spellN: known?.spellN ?? 1,
    snapshot,
    policyHash: version.policyHash,
    index: indexOf(version.policy),
    people: Object.fromEntries(await resolvePersonRefs(deps.db, refs)) as PeopleByRef,
    decisions: known?.decisions ?? [],
    grants: known?.grants ?? [],
    found: known?.found ?? [],
    heldIds: known?.heldIds ?? new Set(),
    managerLine: [],
    managerSince: null,
    nextManagerRef: null,
    departsAt: null,
  };
}

async function knownContext(deps: ServerDeps, idOrRef: string): Promise<PersonContext> {
  const personId = await findPersonId(deps.db, idOrRef);
  const context = personId === null ? 'unknownPerson' : await readPersonContextAt(deps.db, deps, personId, deps.now());
  if (typeof context !== 'string') return context;
  throw new AppError('notFound', 'Usher knows no facts about this person, or they were erased.', 'event.person');
}

function inventedFacts(deps: ServerDeps): PersonFacts {
  return {
    sourceKey: 'invented',
    givenName: '',
    familyName: '',
    displayName: '',
    workEmail: null,
    title: null,
    department: null,
    division: null,
    location: null,
    employmentType: 'employee',
    managerKey: null,
    startDate: deps.now().toISOString().slice(0, 10),
    endDate: null,
    isTerminated: false,
  };
}

/** Somebody invented comes from the HR system that the policy names its people by. */
function sourceOf({ policy }: PolicyVersion): string {
  return policy.routing.fallbackOwner.slice(0, policy.routing.fallbackOwner.indexOf('/'));
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(value: T): Given<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Given<T>;
}

function momentOf(deps: ServerDeps, { snapshot }: PersonContext, { at }: SimulatedEvent): string {
  const { zone, from } = snapshot.window;
  const day = at === undefined ? null : Temporal.PlainDate.from(at).toZonedDateTime({ timeZone: zone }).startOfDay();
  const asked = day === null ? deps.now().getTime() : day.epochMilliseconds;
  return new Date(Math.max(asked, Date.parse(from))).toISOString();
}

type HeldRow = Pick<Item, 'systemId' | 'entitlementId'> & { vendorEntitlementId: string };

async function readHeldRows(deps: ServerDeps, { person }: PersonContext): Promise<HeldRow[]> {
  const rows = await deps.db
    .selectFrom('person_grant')
    .select(['system_id', 'entitlement_id', 'vendor_entitlement_id'])
    .where('person_id', '=', person.person_id)
    .where('state', '=', 'held')
    .orderBy('system_id')
    .orderBy('vendor_entitlement_id')
    .execute();
  return rows.map((row) => ({
    systemId: row.system_id,
    entitlementId: row.entitlement_id,
    vendorEntitlementId: row.vendor_entitlement_id,
  }));
}

/** All that the plan gives; for a mover also what is held and justified no more. */
function accessItems(context: PersonContext, held: readonly HeldRow[], at: string, event: 'joiner' | 'mover'): Item[] {
  const plan = planAccess(context, at);
  if (event === 'joiner') return plan.items;
  const justifiedIds = new Set(justifiedNow(context, plan, at).map(({ entitlementId }) => entitlementId));
  const lost = held.filter(({ entitlementId }) => !justifiedIds.has(entitlementId));
  const accounts = [...Map.groupBy(lost, ({ systemId }) => systemId)].map(([systemId, rows]) => ({
    systemId,
    accountId: '',
    vendorEntitlementIds: rows.map(({ vendorEntitlementId }) => vendorEntitlementId),
  }));
  const revokes = planLeaver({ ...subjectOf(context), accounts }).filter(({ action }) => action === 'revoke');
  return [...plan.items, ...revokes.map((item) => ({ ...item, reasons: ['nothing justifies it any more'] }))];
}

/** As recorded: a real departure looks for accounts in the systems themselves. */
async function leaverItems(deps: ServerDeps, context: PersonContext): Promise<Item[]> {
  const rows = await deps.db
    .selectFrom('account')
    .select(['system_id', 'account_id'])
    .where('person_id', '=', context.person.person_id)
    .execute();
  const held = await readHeldRows(deps, context);
  const accounts = rows.map((row) => ({
    systemId: row.system_id,
    accountId: row.account_id,
    vendorEntitlementIds: held
      .filter(({ systemId }) => systemId === row.system_id)
      .map((each) => each.vendorEntitlementId),
  }));
  return planLeaver({ ...subjectOf(context), accounts });
}

function subjectOf({ person, spellN, index }: PersonContext) {
  return { personId: person.person_id, spellN, index, sha256Hex };
}

function viewOf(
  item: Item,
  context: PersonContext,
  held: readonly HeldRow[],
  at: string,
  nameOf: NameOf,
): SimulatedItem {
  const seats = item.route.kind === 'people' ? item.route.seats : [];
  const { action, systemId, entitlementId, profileId, risk, confidence, reasons, conflicts, expiresAt } = item;
  return {
    action,
    systemId,
    entitlementId,
    profileId,
    label: entitlementId ?? item.vendorEntitlementId ?? profileId ?? systemId,
    risk,
    confidence,
    reasons,
    conflicts,
    expiresAt,
    deciders: seats.map(({ role, approverIds }) => ({ role, approvers: approverIds.map(nameOf) })),
    outcome: seats.length === 0 ? 'approved' : itemOutcome(item, context.person.person_id, context.decisions, at).state,
    isHeld: held.some((row) => entitlementId !== null && row.entitlementId === entitlementId),
  };
}
