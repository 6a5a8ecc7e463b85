/**
 * Counts votes for the seats of one item. The workflow counts with it to know when to go on, `itemOutcome` (and so the
 * issuer) to know what counts.
 */
import type { Verdict } from '../schemas/decision.ts';
import type { Seat } from '../schemas/item.ts';
import { quorum, type QuorumState } from './quorum.ts';

export interface SeatVote {
  /** Who decided. */
  approverId: string;
  /** In whose place; null or absent: in their own. */
  forApproverId?: string | null | undefined;
  /** Who might have filled which seat at that moment; absent: only the seats of today count. */
  seats?: readonly Seat[] | null | undefined;
  verdict: Verdict;
}

/**
 * A vote fills the seat of the person in whose place it was given, and of that person only: whoever decides for somebody
 * and would decide for another one, or for themselves, too, is still one voice. A vote keeps the role that it had when it
 * was given, whoever leaves or takes over later. A denial is not undone by a later approval.
 */
export class SeatCount {
  readonly #votes: Record<string, Verdict> = {};
  /** Approver to the person in whose place the first vote was given. */
  readonly #placeOf = new Map<string, string>();
  readonly #rolesOf = new Map<string, Set<string>>();

  add(vote: SeatVote): void {
    const asked = vote.forApproverId ?? vote.approverId;
    const place = this.#placeOf.get(vote.approverId) ?? asked;
    this.#placeOf.set(vote.approverId, place);
    if (this.#votes[place] !== 'deny') this.#votes[place] = vote.verdict;
    const roles = this.#rolesOf.get(place) ?? new Set();
    for (const seat of vote.seats ?? []) if (holds(seat, place)) roles.add(seat.role);
    this.#rolesOf.set(place, roles);
  }

  /** What the votes so far say to these seats. */
  state(seats: readonly Seat[]): QuorumState {
    return quorum({ kind: 'people', seats: seats.map((seat) => this.#withEarlierVoters(seat)) }, this.#votes);
  }

  /** Where everybody with a role has to agree, somebody who left neither fills the seat of another nor is missed. */
  #withEarlierVoters(seat: Seat): Seat {
    if (seat.isOfAll === true) return seat;
    const kept = [...this.#rolesOf].filter(([, roles]) => roles.has(seat.role)).map(([id]) => id);
    return { ...seat, approverIds: [...new Set([...seat.approverIds, ...(kept as Seat['approverIds'])])] };
  }
}

const holds = (seat: Seat, personId: string): boolean => (seat.approverIds as string[]).includes(personId);
