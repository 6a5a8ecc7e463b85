/** When a decision needs a reason: one rule, for whichever surface the decision comes through. */
import type { ItemVerdict } from '../schemas/decision.ts';
import type { Item } from '../schemas/item.ts';
import { AppError } from './errors.ts';

const REASON_ABOVE_RISK = 6;

/** True for an item whose approval has to be explained. */
export function needsReasonToApprove(item: Pick<Item, 'risk'>): boolean {
  return item.risk > REASON_ABOVE_RISK;
}

/**
 * Throws AppError `invalidInput` when a denial, or the approval of a high risk, comes without a reason, and for a reason
 * that is no text. A profile that was not chosen beside one that was needs none: choosing is the reason.
 */
export function assertReason(
  items: readonly Pick<Item, 'risk' | 'itemDigest' | 'action'>[],
  verdicts: readonly ItemVerdict[],
  reason: string,
): void {
  if (!reason.isWellFormed() || reason.includes('\0'))
    throw new AppError('invalidInput', 'reason: expected text without NUL and without half characters', 'reason');
  if (reason.trim() !== '') return;
  const profiles = new Set<string>(
    items.flatMap(({ action, itemDigest }) => (action === 'assignProfile' ? [itemDigest] : [])),
  );
  const hasChosen = verdicts.some(({ itemDigest, verdict }) => verdict === 'approve' && profiles.has(itemDigest));
  const isDenial = ({ itemDigest, verdict }: ItemVerdict): boolean =>
    verdict === 'deny' && !(hasChosen && profiles.has(itemDigest));
  if (verdicts.some(isDenial)) throw new AppError('invalidInput', 'reason: a denial needs a reason', 'reason');
  const approved = new Set<string>(verdicts.map(({ itemDigest }) => itemDigest));
  if (items.some((item) => approved.has(item.itemDigest) && needsReasonToApprove(item)))
    throw new AppError('invalidInput', 'reason: approving a risk above 6 needs a reason', 'reason');
}
