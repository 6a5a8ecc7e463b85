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
  /** When the last needed seat was filled; null unless approved. */
  approvedAt: string | null;
}

/**
 * Reads the decisions in the order of their time, up to and including `at`. A decision counts when it names the item's
 * digest and the item's person. An earlier denial is not undone by a later approval of the same person.
 */
export function itemOutcome(
  item: Pick<Item, 'itemDigest' | 'route'>,
  personId: string,
  decisions: readonly Decision[],
  at: string,
): ItemOutcome {
  const atMs = Date.parse(at);
  const verdicts: Record<string, Verdict> = {};
  const decisionIds: string[] = [];
  let approvedAt: string | null = null;
  for (const decision of inOrder(decisions)) {
    if (decision.personId !== personId || Date.parse(decision.decidedAt) > atMs) continue;
    const mine = decision.verdicts.filter(({ itemDigest }) => itemDigest === item.itemDigest);
    if (mine.length === 0) continue;
    decisionIds.push(decision.decisionId);
    for (const { verdict } of mine) {
      if (verdicts[decision.approverId] !== 'deny') verdicts[decision.approverId] = verdict;
    }
    if (approvedAt === null && quorum(item.route, verdicts) === 'approved') approvedAt = decision.decidedAt;
  }
  const state = quorum(item.route, verdicts);
  return { state, decisionIds, approvedAt: state === 'approved' ? approvedAt : null };
}

function inOrder(decisions: readonly Decision[]): Decision[] {
  return decisions.toSorted(
    (a, b) => Date.parse(a.decidedAt) - Date.parse(b.decidedAt) || compareText(a.decisionId, b.decisionId),
  );
}
