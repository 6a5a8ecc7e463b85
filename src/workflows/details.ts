/** What the Temporal UI shows of a workflow, in Markdown. It goes through the payload codec, like every field that explains an item. */
import type { Item } from '../schemas/item.ts';
import type { ApprovalInput } from './wire.ts';

export function approvalDetails(input: ApprovalInput, log: readonly string[]): string {
  const { items } = input;
  const seats = input.seats.map(({ role, approverIds }) =>
    approverIds.length === 1 ? role : `${role} (any one of ${approverIds.length} people)`,
  );
  return [
    `**${items.length} ${items.length === 1 ? 'item waits' : 'items wait'} for a decision** by ${seats.join(' and by ')}.`,
    '',
    itemTable(items),
    '',
    'To decide here: send the signal `decide` with one of the two JSONs from your mail. Without its code it has no vote.',
    ...log.map((line) => `- ${line}`),
  ].join('\n');
}

/** Three columns: the UI shows the table in a narrow place. The mail and the pages show every step of the score. */
export function itemTable(items: readonly Item[]): string {
  return [
    '| item | risk | decided by |',
    '|---|---|---|',
    ...items.map((item) => {
      const name = item.entitlementId ?? item.vendorEntitlementId ?? item.profileId ?? item.systemId;
      return `| ${item.action} ${cell(name)} | ${item.risk} | ${cell(decidedBy(item))} |`;
    }),
  ].join('\n');
}

/** Who decides, and what made that necessary. */
function decidedBy({ route, reasons }: Item): string {
  if (route.kind === 'policy') return 'policy';
  const causes = reasons.flatMap((reason) => /^(?:manager|security and owner): (.+)/.exec(reason)?.[1] ?? []);
  const roles = route.seats.map((seat) => seat.role).join(' and ');
  return causes.length === 0 ? roles : `${roles}: ${causes.join('; ')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
