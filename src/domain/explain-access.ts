/**
 * Why a person may hold an entitlement at a moment, or why not: each reason and each obstacle with the rule, the decision or
 * the question behind it. Pure: it reads what `justified` and the plan read, and says what they concluded from it.
 */
import type { Decision } from '../schemas/decision.ts';
import type { AccessWindow, PersonFacts } from '../schemas/facts.ts';
import type { Item, RequiredRole } from '../schemas/item.ts';
import type { EntitlementPolicy } from '../schemas/policy.ts';
import type { Birthright } from './birthrights.ts';
import { definitionHash } from './definition-hash.ts';
import type { HashText } from './definition-hash.ts';
import { accessAt } from './employment.ts';
import { explainFilter } from './explain-filter.ts';
import type { FailedClause } from './explain-filter.ts';
import { instantAfter, isAtOrBefore } from './instants.ts';
import { itemOutcome } from './item-outcome.ts';
import type { ItemOutcome } from './item-outcome.ts';
import { unusedApprovalLifeMs } from './justified.ts';
import type { Justification } from './justified.ts';
import type { PolicyIndex } from './policy-index.ts';

/** A question to people about the entitlement, as it stood at the moment. */
export interface AskedAccess {
  approvalId: string;
  item: Item;
  state: 'open' | 'decided' | 'expired' | 'cancelled';
  openedAt: string;
  expiresAt: string;
  closedAt: string | null;
}

export interface ExplainInput {
  personId: string;
  entitlement: EntitlementPolicy;
  facts: PersonFacts;
  window: AccessWindow;
  /** A departure that had taken effect; null without one. */
  departedAt: string | null;
  index: PolicyIndex;
  /** Of this entitlement; null where no profile speaks of it for this person. */
  birthright: Birthright | null;
  chosenProfileIds: readonly string[];
  /** Of this entitlement. */
  justifications: readonly Justification[];
  decisions: readonly Decision[];
  asked: readonly AskedAccess[];
  grantedAt: string | null;
  at: string;
  sha256Hex: HashText;
}

export interface Vote {
  decisionId: string;
  approverId: string;
  verdict: 'approve' | 'deny';
  decidedAt: string;
}

export type AccessReason =
  | { kind: 'rule'; profileId: string; isChosen: boolean; expiresAt: string | null }
  | { kind: 'decision'; approvalIds: string[]; profileId: string | null; votes: Vote[]; expiresAt: string | null }
  | { kind: 'found' };

export type AccessObstacle =
  | { kind: 'outside'; phase: 'before' | 'after' | 'terminated' | 'departed'; at: string | null }
  | { kind: 'filter'; profileId: string; distance: number; conditionCount: number; failed: FailedClause[] }
  | { kind: 'needsPeople'; profileId: string; roles: RequiredRole[]; reasons: string[] }
  | { kind: 'conflict'; profileId: string; text: string }
  | { kind: 'denied'; approvalId: string; votes: Vote[] }
  | { kind: 'waiting'; approvalId: string; seats: { role: RequiredRole; approverIds: string[] }[]; until: string }
  | { kind: 'unanswered'; approvalId: string; at: string }
  | { kind: 'cancelled'; approvalId: string; at: string | null }
  | { kind: 'lapsed'; approvalId: string; approvedAt: string; lapsedAt: string }
  | { kind: 'ended'; at: string }
  | { kind: 'redefined'; approvalId: string }
  | { kind: 'profileGone'; approvalId: string; profileId: string }
  | { kind: 'nobodyAsked' };

export interface AccessExplanation {
  isJustified: boolean;
  reasons: AccessReason[];
  /** The weightiest first; empty when it is justified. */
  obstacles: AccessObstacle[];
}

/** Profiles that are further away than this many conditions tell a reader nothing. */
const NEAR_PROFILES_MAX = 5;

export function explainAccess(input: ExplainInput): AccessExplanation {
  const reasons = input.justifications.map((entry) => reasonOf(entry, input));
  if (reasons.length > 0) return { isJustified: true, reasons, obstacles: [] };
  const people = [...routeObstacles(input), ...input.asked.flatMap((asked) => questionObstacles(asked, input))];
  const obstacles = [...outside(input), ...people, ...ended(input), ...nearProfiles(input)];
  const wasSpokenOf = people.length > 0 || input.birthright !== null || input.asked.length > 0;
  return { isJustified: false, reasons, obstacles: wasSpokenOf ? obstacles : [...obstacles, { kind: 'nobodyAsked' }] };
}

function reasonOf({ because, expiresAt }: Justification, input: ExplainInput): AccessReason {
  switch (because.kind) {
    case 'policy': {
      const { profileId } = because;
      return { kind: 'rule', profileId, isChosen: input.chosenProfileIds.includes(profileId), expiresAt };
    }
    case 'decision': {
      const ids = new Set<string>(because.decisionIds);
      const decisions = input.decisions.filter(({ decisionId }) => ids.has(decisionId));
      return {
        kind: 'decision',
        approvalIds: [...new Set(decisions.map(({ approvalId }) => approvalId))],
        profileId: input.birthright?.profileId ?? null,
        votes: votesIn(decisions, new Set(input.asked.map(({ item }) => item.itemDigest))),
        expiresAt,
      };
    }
    case 'found':
      return { kind: 'found' };
    default:
      return because satisfies never;
  }
}

function votesIn(decisions: readonly Decision[], digests: ReadonlySet<string>): Vote[] {
  return decisions.flatMap(({ decisionId, approverId, decidedAt, verdicts }) =>
    verdicts
      .filter(({ itemDigest }) => digests.has(itemDigest))
      .map(({ verdict }) => ({ decisionId, approverId, verdict, decidedAt })),
  );
}

function outside({ facts, window, departedAt, at }: ExplainInput): AccessObstacle[] {
  if (departedAt !== null && isAtOrBefore(departedAt, at)) {
    return [{ kind: 'outside', phase: 'departed', at: departedAt }];
  }
  if (facts.isTerminated) return [{ kind: 'outside', phase: 'terminated', at: null }];
  const phase = accessAt(window, at);
  if (phase === 'before') return [{ kind: 'outside', phase, at: window.from }];
  return phase === 'after' ? [{ kind: 'outside', phase, at: window.until }] : [];
}

/** Profiles speak of it, and people have to agree. */
function routeObstacles({ birthright }: ExplainInput): AccessObstacle[] {
  if (birthright === null || birthright.roles.length === 0) return [];
  const { profileId, roles, reasons, conflicts } = birthright;
  return [
    ...conflicts.map((text): AccessObstacle => ({ kind: 'conflict', profileId, text })),
    { kind: 'needsPeople', profileId, roles, reasons },
  ];
}

function questionObstacles(asked: AskedAccess, input: ExplainInput): AccessObstacle[] {
  const { approvalId, item } = asked;
  const outcome = itemOutcome(item, input.personId, input.decisions, input.at);
  const digests = new Set<string>([item.itemDigest]);
  const denials = votesIn(input.decisions, digests).filter(({ verdict }) => verdict === 'deny');
  if (outcome.state === 'denied') return [{ kind: 'denied', approvalId, votes: denials }];
  if (outcome.approvedAt !== null) return afterApproval(asked, outcome.approvedAt, input);
  return unanswered(asked, outcome);
}

function unanswered(asked: AskedAccess, outcome: ItemOutcome): AccessObstacle[] {
  const { approvalId, state, expiresAt, closedAt, item } = asked;
  switch (state) {
    case 'open': {
      const seats = item.route.kind === 'people' ? item.route.seats.map((seat) => ({ ...seat })) : [];
      return [{ kind: 'waiting', approvalId, seats, until: expiresAt }];
    }
    case 'expired':
      return [{ kind: 'unanswered', approvalId, at: closedAt ?? expiresAt }];
    case 'cancelled':
      return [{ kind: 'cancelled', approvalId, at: closedAt }];
    case 'decided':
      return outcome.state === 'open' ? [{ kind: 'unanswered', approvalId, at: closedAt ?? expiresAt }] : [];
    default:
      return state satisfies never;
  }
}

/** It was approved, and yet nothing justifies it: what took the approval away? */
function afterApproval(asked: AskedAccess, approvedAt: string, input: ExplainInput): AccessObstacle[] {
  const { approvalId, item } = asked;
  if (item.definitionHash !== definitionHash(input.entitlement, input.sha256Hex)) {
    return [{ kind: 'redefined', approvalId }];
  }
  if (item.profileId !== null && input.birthright === null) {
    return [{ kind: 'profileGone', approvalId, profileId: item.profileId }];
  }
  const lapsedAt = new Date(Date.parse(approvedAt) + unusedApprovalLifeMs).toISOString();
  const isUsed = input.grantedAt !== null && isAtOrBefore(approvedAt, input.grantedAt);
  return !isUsed && isAtOrBefore(lapsedAt, input.at) ? [{ kind: 'lapsed', approvalId, approvedAt, lapsedAt }] : [];
}

function ended({ entitlement, grantedAt, at }: ExplainInput): AccessObstacle[] {
  if (entitlement.expiresAfter === null || grantedAt === null) return [];
  const end = instantAfter(grantedAt, entitlement.expiresAfter);
  return isAtOrBefore(end, at) ? [{ kind: 'ended', at: end }] : [];
}

/** Profiles that would grant it, the nearest first. */
function nearProfiles({ index, entitlement, facts, chosenProfileIds }: ExplainInput): AccessObstacle[] {
  return index.policy.profiles
    .filter(({ id, grants }) => grants.includes(entitlement.id) && !chosenProfileIds.includes(id))
    .flatMap(({ id }) => {
      const filter = index.filterByProfileId.get(id);
      if (filter === undefined) return [];
      const { isMatch, failed, distance, conditionCount } = explainFilter(filter.node, facts);
      return isMatch ? [] : [{ kind: 'filter' as const, profileId: id, distance, conditionCount, failed }];
    })
    .toSorted(
      (a, b) => a.distance - b.distance || b.conditionCount - a.conditionCount || (a.profileId < b.profileId ? -1 : 1),
    )
    .slice(0, NEAR_PROFILES_MAX);
}
