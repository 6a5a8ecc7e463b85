/**
 * Writes the mail about approvals at the moment when it is sent: with the facts of that moment, without what was decided
 * meanwhile, and with one-time secrets that are made here and lie nowhere else than in the mail.
 */
import { mintApprovalSecrets } from '../auth/approval-secrets.ts';
import { approvalMail, type ApprovalMailInput, type ComposedMail } from '../notify/approval-mail.ts';
import { digestMail } from '../notify/digest-mail.ts';
import type { Snapshot } from '../schemas/facts.ts';
import { actorsInRow, clockOf } from '../store/approval-standing.ts';
import { decisionsOfApproval, getApproval, type ApprovalRow } from '../store/decisions.ts';
import type { OutgoingMail } from '../store/outgoing-mail.ts';
import { latestSnapshot } from '../store/people.ts';
import type { ServerDeps } from './server-deps.ts';

export interface ComposedApprovals {
  /** Those that still have something to tell. */
  live: OutgoingMail[];
  /** Decided, closed, overdue, or about somebody who was erased. */
  obsolete: OutgoingMail[];
  /** Null when nothing is left to tell, or the approver has no address. */
  mail: ComposedMail | null;
  to: string[];
}

/** `mails` are all for one approver. Each approval gets a new set of secrets: those of earlier mails stop working. */
export async function composeApprovalMail(
  deps: ServerDeps,
  approverId: string,
  mails: readonly OutgoingMail[],
): Promise<ComposedApprovals> {
  const open: { mail: OutgoingMail; approval: ApprovalRow; beneficiary: Snapshot }[] = [];
  const obsolete: OutgoingMail[] = [];
  for (const mail of mails) {
    const about = await openMatter(deps, approverId, mail);
    if (about) open.push({ mail, ...about });
    else obsolete.push(mail);
  }
  const live = open.map(({ mail }) => mail);
  const approver = await latestSnapshot(deps.db, deps, approverId);
  const address = approver?.facts.workEmail;
  if (!approver || !address || open.length === 0) return { live, obsolete, mail: null, to: [] };
  const inputs: ApprovalMailInput[] = [];
  // Two mails about one approval are one entry; the older one would hold secrets that the newer replaced.
  const newest = new Map(open.map((one) => [one.approval.approval_id, one]));
  for (const { mail, approval, beneficiary } of newest.values())
    inputs.push(await mailInput(deps, { mail, approval, approverId, approver, beneficiary }));
  const [only] = inputs;
  const mail = inputs.length === 1 && only ? approvalMail(only) : digestMail(inputs);
  return { live, obsolete, mail, to: [address] };
}

async function openMatter(
  deps: ServerDeps,
  approverId: string,
  mail: OutgoingMail,
): Promise<{ approval: ApprovalRow; beneficiary: Snapshot } | null> {
  const approval = mail.approval_id === null ? null : await getApproval(deps.db, mail.approval_id);
  if (!approval || approval.state !== 'open') return null;
  if (clockOf(approval, deps.now()).expiresAtMs <= deps.now().getTime()) return null;
  const decisions = await decisionsOfApproval(deps.db, deps.verifier, approval.approval_id);
  const places = actorsInRow(approval).filter(({ personId }) => personId === approverId);
  const decided = new Set(decisions.flatMap((row) => [row.approver_id, row.for_approver_id ?? row.approver_id]));
  if (decided.has(approverId) || places.every(({ forId }) => decided.has(forId))) return null;
  const beneficiary = await latestSnapshot(deps.db, deps, approval.person_id);
  return beneficiary && { approval, beneficiary };
}

async function mailInput(
  deps: ServerDeps,
  about: { mail: OutgoingMail; approval: ApprovalRow; approverId: string; approver: Snapshot; beneficiary: Snapshot },
): Promise<ApprovalMailInput> {
  const { approval, approverId, beneficiary } = about;
  const dueAt = new Date(clockOf(approval, deps.now()).expiresAtMs);
  const places = actorsInRow(approval).filter(({ personId }) => personId === approverId);
  const secrets = await mintApprovalSecrets(deps.db, {
    approvalId: approval.approval_id,
    approverId,
    expiresAt: dueAt,
    now: deps.now(),
  });
  const { temporal } = deps;
  return {
    approvalId: approval.approval_id,
    approverId,
    approverName: about.approver.facts.displayName,
    beneficiaryName: beneficiary.facts.displayName,
    beneficiaryTitle: beneficiary.facts.title,
    beneficiaryDepartment: beneficiary.facts.department,
    isContractor: beneficiary.facts.employmentType === 'contractor',
    startDate: beneficiary.facts.startDate,
    roles: [
      ...new Set(
        approval.seats
          .filter((seat) => places.some(({ forId }) => (seat.approverIds as string[]).includes(forId)))
          .map((seat) => seat.role),
      ),
    ],
    isInPlace: places.length > 0 && places.every(({ forId }) => forId !== approverId),
    items: approval.items,
    dueAt,
    occasion: occasionOf(about.mail.kind),
    pageUrl: `${deps.publicUrl}/decide/${secrets.link}`,
    temporalUrl: temporal?.uiUrl
      ? `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows/${approval.approval_id}`
      : null,
    approveCode: secrets.approveCode,
    denyCode: secrets.denyCode,
  };
}

function occasionOf(kind: OutgoingMail['kind']): ApprovalMailInput['occasion'] {
  switch (kind) {
    case 'approvalReminder':
      return 'reminder';
    case 'approvalEscalated':
      return 'escalated';
    case 'approvalAnswered':
      return 'answered';
    case 'approvalOpened':
    case 'alert':
      return 'opened';
    default:
      return kind satisfies never;
  }
}
