/** One mail about many approvals, each with the link that decides it: what an approver gets instead of a flood. */
import { approvalTitle, dueText, itemName, type ApprovalMailInput, type ComposedMail } from './approval-mail.ts';
import { renderMail, type MailBlock } from './mail-layout.ts';

const ITEM_NAMES_MAX = 4;

/** `inputs` holds at least one approval, all of one approver. */
export function digestMail(inputs: readonly ApprovalMailInput[]): ComposedMail {
  const sorted = inputs.toSorted((a, b) => a.dueAt.getTime() - b.dueAt.getTime());
  const [first] = sorted;
  const earliest = first ? ` The most urgent one comes first. ${dueText(first.dueAt)}` : '';
  const title = `${inputs.length} requests for access wait for you`;
  const blocks: MailBlock[] = [
    { kind: 'text', text: `Hello ${first?.approverName ?? ''},` },
    { kind: 'text', text: `${title}. They come in one mail because there were many.${earliest}` },
    {
      kind: 'entries',
      entries: sorted.map((input) => ({
        title: `${approvalTitle(input)}${input.occasion === 'reminder' ? ' (reminder)' : ''}`,
        lines: [
          `${itemNames(input)}; highest risk ${Math.max(...input.items.map((item) => item.risk))} of 10`,
          `${dueText(input.dueAt)} Silence counts as a denial.`,
          `usher approve ${input.approvalId}`,
        ],
        warnings: input.items.flatMap((item) => item.conflicts),
        action: { label: 'Look and decide', url: input.pageUrl },
      })),
    },
    { kind: 'text', text: 'Opening a page decides nothing. Each link works once; a newer mail replaces it.' },
  ];
  return { subject: title, ...renderMail({ preview: title, blocks }) };
}

function itemNames({ items }: ApprovalMailInput): string {
  const names = items.slice(0, ITEM_NAMES_MAX).map(itemName);
  const rest = items.length - names.length;
  return [...names, ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}
