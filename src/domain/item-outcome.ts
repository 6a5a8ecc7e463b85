/** What the signed decisions of people say about one item. */
import type { Decision, Verdict } from '../schemas/decision.ts';
import type { Item } from '../schemas/item.ts';
import { compareText } from './compare-text.ts';
import { quorum } from './quorum.ts';
import type { QuorumState } from './quorum.ts';

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
  readonly #all: Votes = {};
  /** Votes on questions that were asked again after the item had been approved. */
  #again: Votes = {};
  readonly #decisionIds: string[] = [];
  #approved: { at: string; approvalId: string } | null = null;

  constructor(route: Item['route']) {
    this.#route = route;
  }

  add({ decisionId, approvalId, approverId, decidedAt }: Decision, verdicts: Decision['verdicts']): void {
    this.#decisionIds.push(decisionId);
    const isAgain = this.#approved !== null && this.#approved.approvalId !== approvalId;
    for (const { verdict } of verdicts) {
      vote(this.#all, approverId, verdict);
      if (isAgain) vote(this.#again, approverId, verdict);
    }
    const counted = isAgain ? this.#again : this.#all;
    if ((this.#approved !== null && !isAgain) || quorum(this.#route, counted) !== 'approved') return;
    this.#approved = { at: decidedAt, approvalId };
    this.#again = {};
  }

  outcome(): ItemOutcome {
    const state = quorum(this.#route, this.#all);
    return {
      state,
      decisionIds: this.#decisionIds,
      approvedAt: state === 'approved' ? (this.#approved?.at ?? null) : null,
    };
  }
}

type Votes = Record<string, Verdict>;

function vote(votes: Votes, approverId: string, verdict: Verdict): void {
  if (votes[approverId] !== 'deny') votes[approverId] = verdict;
}

function inOrder(decisions: readonly Decision[]): Decision[] {
  return decisions.toSorted(
    (a, b) => Date.parse(a.decidedAt) - Date.parse(b.decidedAt) || compareText(a.decisionId, b.decisionId),
  );
}
