/** The mail that asks one approver: full context, a link whose GET only shows, and both ready JSONs for the Temporal UI. */
import { needsReasonToApprove } from '../domain/assert-reason.ts';
import type { Item } from '../schemas/item.ts';

export interface ApprovalMailInput {
  approvalId: string;
  approverId: string;
  approverName: string;
  beneficiaryName: string;
  beneficiaryTitle: string | null;
  beneficiaryDepartment: string | null;
  isContractor: boolean;
  startDate: string;
  roles: string[];
  items: readonly Item[];
  dueAt: Date;
  /** They decide in the place of somebody else. */
  isInPlace: boolean;
  occasion: 'opened' | 'reminder' | 'escalated' | 'answered';
  pageUrl: string;
  temporalUrl: string | null;
  approveCode: string;
  denyCode: string;
}

const prefixes: Readonly<Record<ApprovalMailInput['occasion'], string>> = {
  opened: '',
  reminder: 'Reminder: ',
  escalated: 'Escalated: ',
  answered: 'Answered: ',
};

export function approvalMail(input: ApprovalMailInput): { subject: string; text: string } {
  const count = input.items.length === 1 ? '1 item waits' : `${input.items.length} items wait`;
  const subject = `${prefixes[input.occasion]}Access for ${input.beneficiaryName}: ${count} for you`;
  const about = [input.beneficiaryTitle, input.beneficiaryDepartment, input.isContractor ? 'contractor' : 'employee'];
  const text = [
    `Hello ${input.approverName},`,
    '',
    `${input.beneficiaryName} (${about.filter(Boolean).join(', ')}) starts on ${input.startDate}. You are asked as ${input.roles.join(' and ')}${input.isInPlace ? ', in the place of somebody who has not decided or handed it over' : ''}.`,
    '',
    ...input.items.flatMap(describeItem),
    `Due ${input.dueAt.toISOString().slice(0, 16).replace('T', ' ')} UTC. Silence counts as a denial.`,
    '',
    'Look and decide here (opening the page decides nothing):',
    `  ${input.pageUrl}`,
    '',
    ...temporalPart(input),
  ].join('\n');
  return { subject, text };
}

function describeItem(item: Item, index: number): string[] {
  const name = item.entitlementId ?? `profile ${item.profileId ?? ''}`;
  return [
    `${index + 1}. ${name}: ${item.description}`,
    `   risk ${item.risk} of 10${item.privileged ? ', privileged' : ''}, data: ${item.dataClass}`,
    ...item.reasons.map((reason) => `   - ${reason}`),
    ...item.conflicts.map((conflict) => `   ! ${conflict}`),
    '',
  ];
}

/** Where a reason is needed the ready answer brings one, so that it works as it stands; the record then shows that. */
const READY_REASON = {
  approve: 'Approved with the ready answer of the mail; put your reason here',
  deny: 'Denied with the ready answer of the mail; put your reason here',
} as const;

function temporalPart(input: ApprovalMailInput): string[] {
  const needsReason = { approve: input.items.some(needsReasonToApprove), deny: true };
  const payload = (verdict: 'approve' | 'deny', code: string): string =>
    JSON.stringify({
      approvalId: input.approvalId,
      approverId: input.approverId,
      verdicts: input.items.map((item) => ({ itemDigest: item.itemDigest, verdict })),
      reason: needsReason[verdict] ? READY_REASON[verdict] : '',
      code,
    });
  return [
    'Or in the Temporal UI: open the workflow, "Send a Signal", name "decide", and paste one of these. Each works once.',
    'A denial, and the approval of a risk above 6, needs your reason in place of the ready one.',
    ...(input.temporalUrl ? [`  ${input.temporalUrl}`] : []),
    '',
    'To approve all:',
    `  ${payload('approve', input.approveCode)}`,
    '',
    'To deny all:',
    `  ${payload('deny', input.denyCode)}`,
    '',
  ];
}
