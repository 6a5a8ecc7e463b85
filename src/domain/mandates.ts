/**
 * Who may act for whom in an approval. A mandate lets one person decide in the place of another: handed over for one
 * approval, as a deputy for a time, or because the deadline came near and the next level was asked as well.
 */
import type { RequiredRole, Seat } from '../schemas/item.ts';
import { isAtOrBefore } from './instants.ts';

export type MandateKind = 'handedOver' | 'deputy' | 'escalated';

export interface Mandate {
  mandateId: string;
  kind: MandateKind;
  /** Null for a deputy: in all approvals. */
  approvalId: string | null;
  fromId: string;
  toId: string;
  validFrom: string;
  /** Exclusive; null: as long as the approval is open. */
  validUntil: string | null;
}

export interface Actor {
  personId: string;
  /** Whose seat it is; the person's own id when they sit there themselves. */
  forId: string;
  /** The way from the seat to the person. */
  mandateIds: string[];
}

export interface ActorsInput {
  approvalId: string;
  seats: readonly Seat[];
  mandates: readonly Mandate[];
  at: string;
  /** Beneficiary, requester, and for security the beneficiary's manager. */
  isBarred: (personId: string, role: RequiredRole) => boolean;
  hasLeft: (personId: string) => boolean;
}

/** Longest way from a seat to a person: more hands than that are a game, not a delegation. */
const HANDS_MAX = 4;

/**
 * Everybody who may decide now, by seat holder in the order of seats. Who handed over has no vote until the person with it
 * leaves. A deputy has no deputy: absence of both is what escalation is for. Nobody stands twice on one way, so that
 * deputies of each other do not loop.
 */
export function actorsOf(input: ActorsInput): Actor[] {
  const holders = [...new Set(input.seats.flatMap((seat) => seat.approverIds as string[]))];
  return holders.flatMap((holder) => {
    const roles = input.seats.filter((seat) => (seat.approverIds as string[]).includes(holder)).map(({ role }) => role);
    return actorsFor(holder, roles, input);
  });
}

function actorsFor(holder: string, roles: readonly RequiredRole[], input: ActorsInput): Actor[] {
  const found = new Map<string, Actor>();
  const walk = (personId: string, way: readonly Mandate[]): void => {
    if (found.has(personId) || way.length > HANDS_MAX) return;
    const next = input.mandates.filter((mandate) => mandate.fromId === personId && mayFollow(mandate, way, input));
    const isHandedOver = next.some(({ kind }) => kind === 'handedOver');
    const may = !isHandedOver && !input.hasLeft(personId) && !roles.some((role) => input.isBarred(personId, role));
    if (may) found.set(personId, { personId, forId: holder, mandateIds: way.map(({ mandateId }) => mandateId) });
    for (const mandate of next) {
      // Who handed an approval over did so for their deputy, too.
      if (isHandedOver && mandate.kind === 'deputy') continue;
      walk(mandate.toId, [...way, mandate]);
    }
  };
  walk(holder, []);
  return [...found.values()];
}

function mayFollow(mandate: Mandate, way: readonly Mandate[], input: ActorsInput): boolean {
  const isDeputyOfDeputy = mandate.kind === 'deputy' && way.at(-1)?.kind === 'deputy';
  const wasHere = way.some(({ fromId }) => fromId === mandate.toId) || mandate.toId === mandate.fromId;
  return !isDeputyOfDeputy && !wasHere && isLive(mandate, input.approvalId, input.at) && !input.hasLeft(mandate.toId);
}

/** Whether a mandate speaks of this approval at this moment. */
export function isLive(mandate: Mandate, approvalId: string, at: string): boolean {
  const isOver = mandate.validUntil !== null && isAtOrBefore(mandate.validUntil, at);
  return (
    isAtOrBefore(mandate.validFrom, at) && !isOver && (mandate.approvalId === null || mandate.approvalId === approvalId)
  );
}

export interface WayInput {
  approvalId: string;
  /** Holder of the seat. */
  forId: string;
  approverId: string;
  beneficiaryId: string;
  decidedAt: string;
}

/** Whether the mandates lead, one after the other, from the holder of the seat to who decided, at the time of the decision. */
export function isWay(mandates: readonly Mandate[], input: WayInput): boolean {
  if (mandates.length === 0 || mandates.length > HANDS_MAX) return false;
  let at = input.forId;
  const seen = new Set([at]);
  let before: MandateKind | null = null;
  for (const mandate of mandates) {
    if (mandate.fromId !== at || seen.has(mandate.toId) || !isLive(mandate, input.approvalId, input.decidedAt))
      return false;
    if (mandate.kind === 'deputy' && (before === 'deputy' || mandate.approvalId !== null)) return false;
    if (mandate.kind !== 'deputy' && mandate.approvalId === null) return false;
    at = mandate.toId;
    seen.add(at);
    before = mandate.kind;
  }
  return at === input.approverId && at !== input.beneficiaryId;
}
