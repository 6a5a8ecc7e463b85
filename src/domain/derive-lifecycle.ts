/**
 * What a new snapshot of a person means for their lifecycle: which cases open, and which open case gets news. Pure, and
 * a function of state and snapshot only, so that a repeated event changes nothing.
 */
import type { AccessWindow, PersonFacts } from '../schemas/facts.ts';
import { canonicalJson } from './canonical-json.ts';
import { isAtOrBefore } from './instants.ts';

export interface LifecycleSnapshot {
  window: AccessWindow;
  facts: PersonFacts;
}

/** What is known before the snapshot. Departure and joiner are those of the latest spell; a rescinded one is null. */
export interface LifecycleState {
  /** The latest spell: `pending` until access may begin, `ended` once its departure took effect or its hire was rescinded. */
  spell: { spellN: number; state: 'pending' | 'open' | 'ended' } | null;
  /** The open case that carries the person to what their facts justify (joiner, mover, restore or rehire), or null. */
  joiner: { n: number; isEffective: boolean } | null;
  departure: { n: number; effectiveAt: string; status: 'scheduled' | 'held' | 'started' | 'done' } | null;
  /** The previous snapshot; null for a person who was never seen. */
  snapshot: LifecycleSnapshot | null;
}

export type LifecycleAction =
  /** A new case; access may begin at `effectiveAt`, the lead time included. It opens a new spell. */
  | { kind: 'openJoiner'; effectiveAt: string }
  /** A new case for one who had left for good; it opens a new spell. */
  | { kind: 'openRehire'; effectiveAt: string }
  /** A departure that had taken effect was a mistake; the spell goes on and its decisions count again. */
  | { kind: 'openRestore'; effectiveAt: string }
  | { kind: 'openLeaver'; effectiveAt: string }
  /** Facts of an employed person changed, and no open case carries them. */
  | { kind: 'openMover'; effectiveAt: string }
  /** News for the open case: a moved start date or other facts; it plans again. */
  | { kind: 'tellFactsChanged'; caseN: number }
  /** The person never starts. */
  | { kind: 'rescindJoiner'; caseN: number }
  /** The departure is called off before it took effect. */
  | { kind: 'rescindLeaver'; caseN: number }
  | { kind: 'moveLeaver'; caseN: number; effectiveAt: string };

/**
 * Derives the actions, to be carried out in their order; an empty list means that nothing changed. A held departure
 * has not taken effect. A new start at or after a departure that is still to come leaves the departure in place: it must
 * not be swallowed. Call again with the same snapshot once it took effect, and the rehire opens.
 */
export function deriveLifecycle(state: LifecycleState, next: LifecycleSnapshot, now: string): LifecycleAction[] {
  const endsAt = endOf(next, now);
  const isOver = endsAt !== null && (isAtOrBefore(endsAt, now) || isAtOrBefore(endsAt, next.window.from));
  const { spell, departure } = state;
  if (spell === null || (spell.state === 'ended' && departure === null)) {
    return isOver ? [] : withEnd({ kind: 'openJoiner', effectiveAt: next.window.from }, endsAt);
  }
  if (departure !== null && hasTakenEffect(departure)) {
    return isOver ? [] : withEnd(comeBack(departure.effectiveAt, next.window, now), endsAt);
  }
  if (spell.state === 'ended') return unseenLeaver(departure, next, endsAt, now);
  const { joiner } = state;
  if (spell.state === 'pending' && joiner !== null && !joiner.isEffective && isOver) {
    return [{ kind: 'rescindJoiner', caseN: joiner.n }, ...rescindLeaver(departure)];
  }
  const hasBegun = spell.state === 'open' || joiner?.isEffective === true;
  if (departure !== null && hasBegun && startsAnew(departure, next.window, endsAt)) return [];
  return [...newFacts(state, next, isOver, now), ...endOfSpell(departure, endsAt, now)];
}

type Departure = NonNullable<LifecycleState['departure']>;

/** HR's "no longer employed now" overrules a later last day. */
function endOf({ window, facts }: LifecycleSnapshot, now: string): string | null {
  if (!facts.isTerminated) return window.until;
  return window.until !== null && isAtOrBefore(window.until, now) ? window.until : now;
}

function hasTakenEffect({ status }: Departure): boolean {
  switch (status) {
    case 'scheduled':
    case 'held':
      return false;
    case 'started':
    case 'done':
      return true;
    default:
      return status satisfies never;
  }
}

function withEnd(opening: LifecycleAction, endsAt: string | null): LifecycleAction[] {
  return endsAt === null ? [opening] : [opening, { kind: 'openLeaver', effectiveAt: endsAt }];
}

/** A start after the departure is a new spell; else the departure was taken back. */
function comeBack(departedAt: string, window: AccessWindow, now: string): LifecycleAction {
  return isAtOrBefore(departedAt, window.startsAt)
    ? { kind: 'openRehire', effectiveAt: window.from }
    : { kind: 'openRestore', effectiveAt: now };
}

/**
 * Met for the first time as a leaver, and the departure has not taken effect: back at work they are given what their facts
 * justify, for nobody knows what they held before.
 */
function unseenLeaver(
  departure: Departure | null,
  { window }: LifecycleSnapshot,
  endsAt: string | null,
  now: string,
): LifecycleAction[] {
  if (endsAt !== null) return endOfSpell(departure, endsAt, now);
  return [...rescindLeaver(departure), { kind: 'openJoiner', effectiveAt: window.from }];
}

function rescindLeaver(departure: Departure | null): LifecycleAction[] {
  return departure === null ? [] : [{ kind: 'rescindLeaver', caseN: departure.n }];
}

function newFacts(
  { spell, joiner, snapshot }: LifecycleState,
  next: LifecycleSnapshot,
  isOver: boolean,
  now: string,
): LifecycleAction[] {
  if (isOver) return [];
  if (joiner !== null) {
    const isSame = snapshot !== null && canonicalJson(snapshot) === canonicalJson(next);
    return isSame ? [] : [{ kind: 'tellFactsChanged', caseN: joiner.n }];
  }
  const hasMoved = snapshot !== null && !haveSameRole(snapshot.facts, next.facts);
  return spell?.state === 'open' && hasMoved ? [{ kind: 'openMover', effectiveAt: now }] : [];
}

/**
 * Compares everything about a person that may decide what they hold or that systems show; the dates are another matter. A
 * work address that HR did not have is no move: Usher itself may have written it there.
 */
function haveSameRole(before: PersonFacts, now: PersonFacts): boolean {
  const known = before.workEmail === null ? { workEmail: now.workEmail } : {};
  return canonicalJson({ ...roleOf(before), ...known }) === canonicalJson(roleOf(now));
}

function roleOf({ startDate: _start, endDate: _end, isTerminated: _over, ...role }: PersonFacts): Partial<PersonFacts> {
  return role;
}

/** A person with access whose first day now lies after a departure that is still to come. */
function startsAnew(departure: Departure, { startsAt }: AccessWindow, endsAt: string | null): boolean {
  const isAfterDeparture = isAtOrBefore(departure.effectiveAt, startsAt);
  return isAfterDeparture && !(endsAt !== null && isAtOrBefore(endsAt, startsAt));
}

function endOfSpell(departure: Departure | null, endsAt: string | null, now: string): LifecycleAction[] {
  if (departure === null) return endsAt === null ? [] : [{ kind: 'openLeaver', effectiveAt: endsAt }];
  if (endsAt === null) return rescindLeaver(departure);
  const isSame = Date.parse(endsAt) === Date.parse(departure.effectiveAt);
  // "Now" moves on with every read of a terminated person; two instants that are both past are the same matter.
  const areBothPast = isAtOrBefore(endsAt, now) && isAtOrBefore(departure.effectiveAt, now);
  if (isSame || areBothPast) return [];
  return [{ kind: 'moveLeaver', caseN: departure.n, effectiveAt: endsAt }];
}
