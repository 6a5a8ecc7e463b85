/** What the Temporal UI shows of a workflow, in Markdown. It goes through the payload codec, like every field that explains an item. */
import type { Item } from '../schemas/item.ts';
import type { ApprovalInput } from './wire.ts';

export function approvalDetails(input: ApprovalInput, log: readonly string[]): string {
  const seats = input.seats.map((seat) => `${seat.role}: any of ${seat.approverIds.join(', ')}`);
  return [
    `**${input.items.length} items wait for a decision.** Each needs ${seats.join('; and ')}.`,
    '',
    itemTable(input.items),
    '',
    'To decide here: send the signal `decide` with one of the two JSONs from your mail. Without its code it has no vote.',
    ...log.map((line) => `- ${line}`),
  ].join('\n');
}

export function itemTable(items: readonly Item[]): string {
  return [
    '| item | action | risk | data | route | why |',
    '|---|---|---|---|---|---|',
    ...items.map((item) => {
      const name = item.entitlementId ?? item.vendorEntitlementId ?? item.profileId ?? item.systemId;
      const route = item.route.kind === 'policy' ? 'policy' : item.route.seats.map((seat) => seat.role).join(' + ');
      return `| ${cell(name)} | ${item.action} | ${item.risk} | ${item.dataClass} | ${route} | ${cell(item.reasons.join('; '))} |`;
    }),
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
