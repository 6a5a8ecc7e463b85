/** What the signed decisions of people say about one item. */
import type { Decision } from '../schemas/decision.ts';
import type { Item, Seat } from '../schemas/item.ts';
import { compareText } from './compare-text.ts';
import type { QuorumState } from './quorum.ts';
import { SeatCount } from './seat-count.ts';

export interface ItemOutcome {
  state: QuorumState;
  /** The decisions that spoke about the item, in the order in which they were made. */
  decisionIds: string[];
  /** When the last needed seat was filled, by the latest question that was answered in full; null unless approved. */
  approvedAt: string | null;
}

/**
 * Reads the decisions in the order of their time, up to and including `at`. A decision counts when it names the item's
 * digest and the item's person. An earlier denial is not undone by a later approval of the same person. Votes on several
 * questions (approvals) about the same item add up until the item is approved; a later question that is answered in full
 * approves it anew, and one that is not takes nothing back.
 */
export function itemOutcome(
  item: Pick<Item, 'itemDigest' | 'route'>,
  personId: string,
  decisions: readonly Decision[],
  at: string,
): ItemOutcome {
  const count = new Count(item.route);
  for (const decision of inOrder(decisions)) {
    if (decision.personId !== personId || Date.parse(decision.decidedAt) > Date.parse(at)) continue;
    const mine = decision.verdicts.filter(({ itemDigest }) => itemDigest === item.itemDigest);
    if (mine.length > 0) count.add(decision, mine);
  }
  return count.outcome();
}

class Count {
  readonly #route: Item['route'];
  readonly #all = new SeatCount();
  /** Votes on questions that were asked again after the item had been approved. */
  #again = new SeatCount();
  readonly #decisionIds: string[] = [];
  #lastAt: string | null = null;
  #approved: { at: string; approvalId: string } | null = null;

  constructor(route: Item['route']) {
    this.#route = route;
  }

  add(decision: Decision, verdicts: Decision['verdicts']): void {
    const { decisionId, approvalId, decidedAt } = decision;
    this.#decisionIds.push(decisionId);
    this.#lastAt = decidedAt;
    const isAgain = this.#approved !== null && this.#approved.approvalId !== approvalId;
    for (const { verdict } of verdicts) {
      this.#all.add({ ...decision, verdict });
      if (isAgain) this.#again.add({ ...decision, verdict });
    }
    const counted = isAgain ? this.#again : this.#all;
    if ((this.#approved !== null && !isAgain) || counted.state(decision.seats ?? this.#seats()) !== 'approved') return;
    this.#approved = { at: decidedAt, approvalId };
    this.#again = new SeatCount();
  }

  /** What was approved once stays so when people change later; only a denial ends it. */
  outcome(): ItemOutcome {
    const today = this.#route.kind === 'policy' ? 'approved' : this.#all.state(this.#route.seats);
    const state = today === 'open' && this.#approved !== null ? 'approved' : today;
    const approvedAt = this.#approved?.at ?? this.#lastAt;
    return { state, decisionIds: this.#decisionIds, approvedAt: state === 'approved' ? approvedAt : null };
  }

  #seats(): readonly Seat[] {
    return this.#route.kind === 'people' ? this.#route.seats : [];
  }
}

function inOrder(decisions: readonly Decision[]): Decision[] {
  return decisions.toSorted(
    (a, b) => Date.parse(a.decidedAt) - Date.parse(b.decidedAt) || compareText(a.decisionId, b.decisionId),
  );
}
