/**
 * Turns calendar dates of the HRIS into instants, once, with the zone data of the moment when the facts were read.
 * Zone data changes within weeks of waiting: what was decided on stays with the snapshot.
 */
import { Temporal } from 'temporal-polyfill';
import type { AccessWindow, PersonFacts } from '../schemas/facts.ts';
import type { LifecyclePolicy } from '../schemas/policy.ts';

/**
 * Access may exist from lead time before the first day of work until the end of the last day, in the zone of the
 * person's location. Someone whom HR marked as no longer employed has no access from the observation on, or from the
 * end of the last day when that lies further back.
 */
export function accessWindow(facts: PersonFacts, lifecycle: LifecyclePolicy, observedAt: Date): AccessWindow {
  const { byLocation, default: elsewhere } = lifecycle.zones;
  // An own entry only: a place may be called "constructor".
  const isMapped = facts.location !== null && Object.hasOwn(byLocation, facts.location);
  const zone = (isMapped ? byLocation[facts.location ?? ''] : undefined) ?? elsewhere;
  const startsAt = startOfDay(facts.startDate, zone);
  const from = startsAt.subtract({ seconds: lifecycle.joiner.leadTime });
  return {
    zone,
    from: instantText(from),
    startsAt: instantText(startsAt),
    until: endOfAccess(facts, zone, observedAt),
  };
}

function endOfAccess(facts: PersonFacts, zone: string, observedAt: Date): string | null {
  const endOfLastDay = facts.endDate === null ? null : startOfDay(nextDay(facts.endDate), zone);
  if (!facts.isTerminated) return endOfLastDay === null ? null : instantText(endOfLastDay);
  const observed = Temporal.Instant.fromEpochMilliseconds(observedAt.getTime());
  if (endOfLastDay === null || Temporal.Instant.compare(observed, endOfLastDay) < 0) return instantText(observed);
  return instantText(endOfLastDay);
}

function startOfDay(date: string, zone: string): Temporal.Instant {
  return Temporal.PlainDate.from(date).toZonedDateTime({ timeZone: zone }).startOfDay().toInstant();
}

function nextDay(date: string): string {
  return Temporal.PlainDate.from(date).add({ days: 1 }).toString();
}

/** Milliseconds, so that the text equals what the database gives back. */
function instantText(instant: Temporal.Instant): string {
  return new Date(instant.epochMilliseconds).toISOString();
}
