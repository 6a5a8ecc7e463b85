/** The mail that asks one approver: full context, a link whose GET only shows, and both ready JSONs for the Temporal UI. */
import { needsReasonToApprove } from '../domain/assert-reason.ts';
import type { Item } from '../schemas/item.ts';
import { renderMail, type MailBlock, type MailEntry } from './mail-layout.ts';

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

export interface ComposedMail {
  subject: string;
  text: string;
  html: string;
}

export function approvalMail(input: ApprovalMailInput): ComposedMail {
  const subject = `${prefixes[input.occasion]}${approvalTitle(input)} for you`;
  const place = input.isInPlace ? ', in the place of somebody who has not decided or handed it over' : '';
  const asked = input.roles.length === 0 ? '' : ` You are asked as ${input.roles.join(' and ')}${place}.`;
  const blocks: MailBlock[] = [
    { kind: 'text', text: `Hello ${input.approverName},` },
    { kind: 'text', text: `${aboutBeneficiary(input)} starts on ${input.startDate}.${asked}` },
    { kind: 'entries', entries: input.items.map(itemEntry) },
    { kind: 'text', text: `${dueText(input.dueAt)} Silence counts as a denial.` },
    {
      kind: 'button',
      label: 'Look and decide',
      hint: 'Look and decide here (opening the page decides nothing):',
      url: input.pageUrl,
    },
    ...temporalPart(input),
  ];
  return { subject, ...renderMail({ preview: `${approvalTitle(input)}. ${dueText(input.dueAt)}`, blocks }) };
}

/** What is asked, in one line. */
export function approvalTitle({
  beneficiaryName,
  items,
}: Pick<ApprovalMailInput, 'beneficiaryName' | 'items'>): string {
  const count = items.length === 1 ? '1 item waits' : `${items.length} items wait`;
  return `Access for ${beneficiaryName}: ${count}`;
}

function aboutBeneficiary(input: ApprovalMailInput): string {
  const about = [input.beneficiaryTitle, input.beneficiaryDepartment, input.isContractor ? 'contractor' : 'employee'];
  return `${input.beneficiaryName} (${about.filter(Boolean).join(', ')})`;
}

export function dueText(dueAt: Date): string {
  return `Due ${dueAt.toISOString().slice(0, 16).replace('T', ' ')} UTC.`;
}

export function itemName(item: Item): string {
  return item.entitlementId ?? `profile ${item.profileId ?? ''}`;
}

function itemEntry(item: Item): MailEntry {
  return {
    title: `${itemName(item)}: ${item.description}`,
    lines: [
      `risk ${item.risk} of 10${item.privileged ? ', privileged' : ''}, data: ${item.dataClass}`,
      ...item.reasons.map((reason) => `- ${reason}`),
    ],
    warnings: item.conflicts,
  };
}

/** Where a reason is needed the ready answer brings one, so that it works as it stands; the record then shows that. */
const READY_REASON = {
  approve: 'Approved with the ready answer of the mail; put your reason here',
  deny: 'Denied with the ready answer of the mail; put your reason here',
} as const;

function temporalPart(input: ApprovalMailInput): MailBlock[] {
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
    { kind: 'fold', title: 'Or in the Temporal UI' },
    {
      kind: 'text',
      text: 'Open the workflow, "Send a Signal", name "decide", and paste one of these. Each works once. A denial, and the approval of a risk above 6, needs your reason in place of the ready one.',
    },
    ...(input.temporalUrl === null ? [] : [{ kind: 'address' as const, url: input.temporalUrl }]),
    { kind: 'snippet', label: 'To approve all:', text: payload('approve', input.approveCode) },
    { kind: 'snippet', label: 'To deny all:', text: payload('deny', input.denyCode) },
  ];
}
