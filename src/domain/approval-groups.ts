/** Items that need the same people's yes are decided together: one approval for each group. */
import type { Item, Seat } from '../schemas/item.ts';
import { canonicalJson } from './canonical-json.ts';
import { compareText } from './compare-text.ts';

export interface ApprovalGroup {
  /** The same for the same seats, whatever the order of people in them. */
  key: string;
  seats: readonly Seat[];
  items: readonly Item[];
}

export interface GroupedItems {
  /** Approved by policy: these go on at once. */
  policyItems: Item[];
  /** In the order of their keys, so that a re-plan in another order opens the same groups in the same order. */
  groups: ApprovalGroup[];
}

/** Groups items by identical required seats; the order of items inside a group is that of the input. */
export function groupForApproval(items: readonly Item[]): GroupedItems {
  const policyItems: Item[] = [];
  const groups = new Map<string, { seats: readonly Seat[]; items: Item[] }>();
  for (const item of items) {
    const { route } = item;
    switch (route.kind) {
      case 'policy':
        policyItems.push(item);
        break;
      case 'people': {
        const key = keyOf(route.seats);
        const group = groups.get(key) ?? { seats: route.seats, items: [] };
        group.items.push(item);
        groups.set(key, group);
        break;
      }
      default:
        route satisfies never;
    }
  }
  return {
    policyItems,
    groups: [...groups].map(([key, group]) => ({ key, ...group })).toSorted((a, b) => compareText(a.key, b.key)),
  };
}

function keyOf(seats: readonly Seat[]): string {
  return seats
    .map(({ role, approverIds }) => canonicalJson({ role, approverIds: approverIds.toSorted() }))
    .toSorted()
    .join(';');
}
