/**
 * Why a person may hold what at a moment: the one pure function behind joiner, leaver, expiry, sweep, review,
 * reconciliation and simulation. Revoke what is held and not justified; add what is justified and not held.
 */
import type { Decision } from '../schemas/decision.ts';
import type { AccessWindow, PersonFacts } from '../schemas/facts.ts';
import type { Item } from '../schemas/item.ts';
import type { EntitlementPolicy } from '../schemas/policy.ts';
import { birthrightsOf } from './birthrights.ts';
import type { Birthright } from './birthrights.ts';
import { compareText } from './compare-text.ts';
import { definitionHash } from './definition-hash.ts';
import type { HashText } from './definition-hash.ts';
import { mayHaveAccess } from './employment.ts';
import { instantAfter, isAtOrBefore } from './instants.ts';
import { itemOutcome } from './item-outcome.ts';
import type { PolicyIndex } from './policy-index.ts';
import { separationText, shortestTerm } from './separation.ts';

/** An item that people were asked about, with all signed decisions that may name it. */
export interface DecidedItem {
  personId: string;
  spellN: number;
  item: Item;
  decisions: readonly Decision[];
}

/** When Usher gave it in this spell. Kept after the grant ended, or a time-bound right would begin anew. */
export interface GrantStart {
  entitlementId: string;
  grantedAt: string;
  /** Whether policy alone gave it, or people. */
  basis: 'policy' | 'decision';
}

/** Held before Usher enforced on the system, and recorded as such. */
export interface FoundGrant {
  systemId: string;
  entitlementId: string | null;
  vendorEntitlementId: string;
}

export interface JustifiedInput {
  personId: string;
  spellN: number;
  facts: PersonFacts;
  window: AccessWindow;
  index: PolicyIndex;
  decided: readonly DecidedItem[];
  grants: readonly GrantStart[];
  found: readonly FoundGrant[];
  at: string;
  sha256Hex: HashText;
}

export type Because =
  { kind: 'policy'; profileId: string } | { kind: 'decision'; decisionIds: string[] } | { kind: 'found' };

export interface Justification {
  systemId: string;
  /** Null only for what was found and is not in the catalogue. */
  entitlementId: string | null;
  vendorEntitlementId: string;
  because: Because;
  expiresAt: string | null;
}

/** An approval that nobody used ends so long after its last needed vote (architecture, section 3: Decision). */
export const unusedApprovalLifeMs = 30 * 86_400_000;

/**
 * Everything that is justified at `at`, several reasons for one entitlement as several entries, in a stable order.
 * - Nothing outside the access window, nor for a person whom HR marked as terminated.
 * - A profile justifies alone only what policy may approve; what people must decide needs their decision as well.
 * - A decision counts in its own spell, about an unchanged definition, while the profile behind the item still speaks
 *   of the person. Unused it lapses after 30 days: at that instant it is gone.
 * - Time-bound: until the first grant under the reason plus the term, exclusive; not yet granted, the term counts from
 *   `at`. A later decision begins a new term, a rule never does.
 */
export function justified(input: JustifiedInput): Justification[] {
  if (input.facts.isTerminated || !mayHaveAccess(input.window, input.at)) return [];
  const approved = approvedItems(input);
  const { birthrights } = birthrightsOf(input.facts, input.index, {
    chosenProfileIds: chosenProfiles(approved),
    keptIds: keptIdsOf(input.found),
  });
  return [
    ...birthrights.flatMap((birthright) => byPolicy(birthright, input)),
    ...approved.flatMap((entry) => byDecision(entry, birthrights, input)),
    ...input.found.map((found): Justification => ({ ...found, because: { kind: 'found' }, expiresAt: null })),
  ].toSorted(inOrder);
}

/** The profiles that people chose for a person whom no rule matches: approved `assignProfile` items of the spell. */
export function chosenProfileIds(input: Pick<JustifiedInput, 'personId' | 'spellN' | 'decided' | 'at'>): string[] {
  return chosenProfiles(approvedItems(input));
}

interface ApprovedItem {
  item: Item;
  decisionIds: string[];
  approvedAt: string;
}

function approvedItems({
  personId,
  spellN,
  decided,
  at,
}: Pick<JustifiedInput, 'personId' | 'spellN' | 'decided' | 'at'>): ApprovedItem[] {
  return decided.flatMap((entry) => {
    const isOurs = entry.personId === personId && entry.spellN === spellN && entry.item.route.kind === 'people';
    if (!isOurs) return [];
    const { approvedAt, decisionIds } = itemOutcome(entry.item, personId, entry.decisions, at);
    return approvedAt === null ? [] : [{ item: entry.item, decisionIds, approvedAt }];
  });
}

/** Catalogue ids of what was found. */
export function keptIdsOf(found: readonly FoundGrant[]): Set<string> {
  return new Set(found.flatMap(({ entitlementId }) => (entitlementId === null ? [] : [entitlementId])));
}

function chosenProfiles(approved: readonly ApprovedItem[]): string[] {
  return approved
    .filter(({ item }) => item.action === 'assignProfile')
    .flatMap(({ item }) => (item.profileId === null ? [] : [item.profileId]))
    .toSorted(compareText);
}

function byPolicy(birthright: Birthright, input: JustifiedInput): Justification[] {
  const { entitlement, profileId } = birthright;
  const grantedAt = firstGrant(entitlement.id, null, input);
  if (!isPolicys(birthright, givenByPolicy(entitlement.id, input))) return [];
  const expiresAt = endOfTerm(entitlement.expiresAfter, grantedAt, input.at);
  if (isOver(expiresAt, input.at)) return [];
  return [justification(entitlement, { kind: 'policy', profileId }, expiresAt)];
}

function givenByPolicy(entitlementId: string, { grants, at }: JustifiedInput): boolean {
  return grants.some(
    (one) => one.entitlementId === entitlementId && one.basis === 'policy' && isAtOrBefore(one.grantedAt, at),
  );
}

/**
 * A rule that keeps duties apart asks for a decision before something is given. What was given before the rule spoke of it is a
 * standing violation, which people resolve; it must not vanish by itself.
 */
function isPolicys({ roles, separations }: Birthright, isGranted: boolean): boolean {
  if (roles.length === 0) return true;
  return isGranted && separations.length > 0 && roles.every((role) => role === 'security');
}

function byDecision(entry: ApprovedItem, birthrights: readonly Birthright[], input: JustifiedInput): Justification[] {
  const { item, decisionIds, approvedAt } = entry;
  if (item.action !== 'grant' || item.entitlementId === null) return [];
  const entitlement = input.index.entitlementById.get(item.entitlementId);
  if (entitlement === undefined) return [];
  if (item.definitionHash !== definitionHash(entitlement, input.sha256Hex)) return [];
  const birthright = birthrights.find((one) => one.entitlement.id === entitlement.id);
  if (item.profileId !== null && birthright === undefined) return [];
  const grantedAt = firstGrant(entitlement.id, approvedAt, input);
  const separations = birthright?.separations ?? [];
  const isException = separations.map(separationText).every((text) => item.conflicts.includes(text));
  if (!isException && grantedAt === null) return [];
  const hasLapsed = Date.parse(input.at) >= Date.parse(approvedAt) + unusedApprovalLifeMs;
  if (grantedAt === null && hasLapsed) return [];
  const term = isException ? shortestTerm(entitlement.expiresAfter, separations) : entitlement.expiresAfter;
  const expiresAt = endOfTerm(term, grantedAt, input.at);
  if (isOver(expiresAt, input.at)) return [];
  return [justification(entitlement, { kind: 'decision', decisionIds }, expiresAt)];
}

function justification(entitlement: EntitlementPolicy, because: Because, expiresAt: string | null): Justification {
  const { id, system, vendorId } = entitlement;
  return { systemId: system, entitlementId: id, vendorEntitlementId: vendorId, because, expiresAt };
}

/** The first grant at or after `since`, as known at `at`. */
function firstGrant(entitlementId: string, since: string | null, input: JustifiedInput): string | null {
  const starts = input.grants
    .filter((grant) => grant.entitlementId === entitlementId)
    .map(({ grantedAt }) => grantedAt)
    .filter((grantedAt) => isAtOrBefore(grantedAt, input.at) && (since === null || isAtOrBefore(since, grantedAt)));
  return starts.toSorted((a, b) => Date.parse(a) - Date.parse(b))[0] ?? null;
}

function endOfTerm(expiresAfter: number | null, grantedAt: string | null, at: string): string | null {
  return expiresAfter === null ? null : instantAfter(grantedAt ?? at, expiresAfter);
}

function isOver(expiresAt: string | null, at: string): boolean {
  return expiresAt !== null && isAtOrBefore(expiresAt, at);
}

function inOrder(a: Justification, b: Justification): number {
  return (
    compareText(a.systemId, b.systemId) ||
    compareText(a.vendorEntitlementId, b.vendorEntitlementId) ||
    compareText(a.because.kind, b.because.kind) ||
    compareText(JSON.stringify(a.because), JSON.stringify(b.because))
  );
}
