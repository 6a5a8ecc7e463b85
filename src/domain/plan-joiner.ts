/** What a joiner should get and does not hold yet, as items ready to be approved, authorised and written. */
import type { PersonFacts } from '../schemas/facts.ts';
import type { Item } from '../schemas/item.ts';
import type { RoleProfile } from '../schemas/policy.ts';
import { birthrightsOf } from './birthrights.ts';
import type { Birthright } from './birthrights.ts';
import { compareText } from './compare-text.ts';
import { definitionHash } from './definition-hash.ts';
import type { HashText } from './definition-hash.ts';
import { instantAfter } from './instants.ts';
import { itemDigest } from './item-digest.ts';
import { vendorKey } from './policy-index.ts';
import type { PolicyIndex } from './policy-index.ts';
import { requiredTerms } from './required-terms.ts';
import { routeItem } from './route.ts';
import type { PeopleByRef, RouteInput } from './route.ts';

export interface HeldEntitlement {
  systemId: string;
  vendorEntitlementId: string;
}

export interface PlanJoinerInput {
  personId: string;
  spellN: number;
  /** The HRIS system that the facts come from; with the manager's key it names the manager. */
  source: string;
  facts: PersonFacts;
  index: PolicyIndex;
  held: readonly HeldEntitlement[];
  people: PeopleByRef;
  /** References of the managers above, next level first; absent: unknown. */
  managerLine?: readonly string[];
  /** Null until the manager chose; an empty list is the choice "none". */
  chosenProfileIds: readonly string[] | null;
  keptIds?: ReadonlySet<string>;
  ignoresSeparation?: boolean;
  /** The manager's own manager, where the manager is too new to decide alone; else null. */
  nextManagerRef?: string | null;
  at: string;
  sha256Hex: HashText;
}

/**
 * Facts → profiles → entitlements → items, in the order of entitlement ids; what is held already gives no item. When no
 * profile matches and nobody chose, the plan is one `assignProfile` item per profile of the catalogue, for the manager.
 * Entitlements of profiles that exclude each other go to a person with the conflict named: never the last one wins.
 * Throws AppError `noApprover` where Usher knows nobody who may decide.
 */
export function planJoiner(input: PlanJoinerInput): Item[] {
  const { index, held, chosenProfileIds } = input;
  const { keptIds = new Set<string>(), ignoresSeparation = false } = input;
  const options = { chosenProfileIds: chosenProfileIds ?? [], keptIds, ignoresSeparation };
  const { hasProfile, birthrights } = birthrightsOf(input.facts, index, options);
  if (!hasProfile) return chosenProfileIds === null ? profileChoices(input) : [];
  const heldKeys = new Set(held.map((entry) => vendorKey(entry.systemId, entry.vendorEntitlementId)));
  return birthrights
    .filter(({ entitlement }) => !heldKeys.has(vendorKey(entitlement.system, entitlement.vendorId)))
    .map((birthright) => grantItem(birthright, input));
}

function grantItem(birthright: Birthright, input: PlanJoinerInput): Item {
  const { entitlement, profileId, conflicts, roles, expiresAfterSeconds } = birthright;
  const routed = routeItem({
    ...routeContext(input),
    roles,
    ownerRef: entitlement.owner,
    coOwnerRefs: entitlement.coOwners ?? [],
  });
  const target = {
    action: 'grant',
    systemId: entitlement.system,
    entitlementId: entitlement.id,
    vendorEntitlementId: entitlement.vendorId,
    accountId: null,
    profileId,
    definitionHash: definitionHash(entitlement, input.sha256Hex),
    conflicts,
  } as const;
  return {
    ...target,
    itemDigest: itemDigest(
      {
        ...target,
        personId: input.personId,
        spellN: input.spellN,
        expiresAfterSeconds,
        requiredRoles: requiredTerms(roles, input.index.policy.routing.quorum),
      },
      input.sha256Hex,
    ),
    privileged: entitlement.privileged,
    dataClass: entitlement.dataClass,
    description: entitlement.description,
    risk: birthright.risk,
    confidence: birthright.confidence,
    reasons: [...birthright.reasons, ...routed.reasons],
    route: routed.route,
    expiresAt: expiresAfterSeconds === null ? null : instantAfter(input.at, expiresAfterSeconds),
  };
}

function profileChoices(input: PlanJoinerInput): Item[] {
  return input.index.policy.profiles
    .toSorted((a, b) => compareText(a.id, b.id))
    .map((profile) => profileChoice(profile, input));
}

function profileChoice(profile: RoleProfile, input: PlanJoinerInput): Item {
  const roles = ['manager'] as const;
  const routed = routeItem({ ...routeContext(input), roles, ownerRef: null });
  const target = {
    action: 'assignProfile',
    systemId: '',
    entitlementId: null,
    vendorEntitlementId: null,
    accountId: null,
    profileId: profile.id,
    definitionHash: null,
    conflicts: [],
  } satisfies Partial<Item>;
  return {
    ...target,
    itemDigest: itemDigest(
      { ...target, personId: input.personId, spellN: input.spellN, expiresAfterSeconds: null, requiredRoles: roles },
      input.sha256Hex,
    ),
    privileged: false,
    dataClass: 'none',
    description: profile.description,
    risk: 0,
    confidence: 0,
    reasons: [
      'no profile matches: the manager chooses profiles, or none',
      'the choice changes no system: what the profile grants is routed item by item',
      ...routed.reasons,
    ],
    route: routed.route,
    expiresAt: null,
  };
}

function routeContext(input: PlanJoinerInput): Omit<RouteInput, 'roles' | 'ownerRef'> {
  const { policy, ownerRefs } = input.index;
  return {
    beneficiaryId: input.personId,
    requesterId: null,
    managerRef: input.facts.managerKey === null ? null : `${input.source}/${input.facts.managerKey}`,
    nextManagerRef: input.nextManagerRef ?? null,
    managerLine: input.managerLine ?? [],
    routing: policy.routing,
    lastResortRefs: ownerRefs,
    people: input.people,
  };
}
