/** Whether the votes so far decide an item. The workflow uses it to know when to go on, the issuer to know what counts. */
import type { Verdict } from '../schemas/decision.ts';
import type { Route } from '../schemas/item.ts';
import { fillableSeats } from './max-matching.ts';

export type QuorumState = 'open' | 'approved' | 'denied';

/** The people whose votes count for a route, sorted. */
export function eligibleApprovers(route: Route): string[] {
  switch (route.kind) {
    case 'policy':
      return [];
    case 'people':
      return [...new Set<string>(route.seats.flatMap((seat) => seat.approverIds))].toSorted();
    default:
      return route satisfies never;
  }
}

/**
 * Counts distinct people: one person fills one seat, and the most favourable assignment of people to seats counts. One
 * denial by an eligible person denies; votes of others are ignored. A route that policy decides is approved.
 */
export function quorum(route: Route, verdictsByApprover: Readonly<Record<string, Verdict>>): QuorumState {
  switch (route.kind) {
    case 'policy':
      return 'approved';
    case 'people': {
      const verdictOf = (id: string): Verdict | undefined =>
        Object.hasOwn(verdictsByApprover, id) ? verdictsByApprover[id] : undefined;
      if (eligibleApprovers(route).some((id) => verdictOf(id) === 'deny')) return 'denied';
      // A route without seats asks nobody, which must never read as "everybody agreed".
      if (route.seats.length === 0) return 'open';
      const yesBySeat = route.seats.map((seat) => seat.approverIds.filter((id) => verdictOf(id) === 'approve'));
      return fillableSeats(yesBySeat) === route.seats.length ? 'approved' : 'open';
    }
    default:
      return route satisfies never;
  }
}
