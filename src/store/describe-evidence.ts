/** An evidence record as one plain line. Bodies hold references and codes only, so that a line never names a person. */

const sentences: Readonly<Record<string, string>> = {
  caseOpened: 'Case opened',
  snapshot: 'Facts read from the HR system',
  derived: 'What changed was derived',
  planned: 'Access planned',
  approvalOpened: 'Approval asked for',
  approvalClosed: 'Approval closed',
  approversChanged: 'Other people may decide now',
  mandated: 'One person may decide for another',
  escalated: 'The next level was asked as well',
  asked: 'An approver asked a question; the clock stops',
  answered: 'The question was answered; the clock goes on',
  decided: 'A person decided',
  authorised: 'Write authorised',
  intended: 'Write is about to happen',
  applied: 'System answered the write',
  verified: 'Verified by an independent read',
  contradicted: 'The read contradicts the write',
  confirmed: 'Confirmed by the owner of the system, where people work by hand',
  denied: 'The owner of the system says that it was not done',
  refused: 'Refused',
  found: 'Found in the system',
  cutoffStarted: 'Logins are being disabled',
  held: 'Held until a person releases it',
  released: 'Released',
  incidentOpened: 'Incident opened',
  incidentClosed: 'Incident closed',
  caseClosed: 'Case closed',
  handOverEnded: 'Hand-over ended before its time',
  policyProposed: 'Policy version proposed',
  policyApproved: 'Policy version approved by a second person',
  policyActivated: 'Policy version active',
  alert: 'Alert raised',
  erased: 'Person erased',
  checked: 'Checked',
  imported: 'People imported',
  systemMode: 'Mode of a system set',
};

/** Keys of a body that help a reader, in the order in which they are shown. */
const shownKeys = ['systemId', 'system', 'outcome', 'state', 'verdict', 'reason', 'errorCode', 'code', 'ticket'];

/** `items` maps item digests to words. Unknown kinds are shown by their own name. */
export function describeEvidence(
  kind: string,
  body: Readonly<Record<string, unknown>>,
  items: ReadonlyMap<string, string>,
): string {
  const digest = body['itemDigest'];
  const item = typeof digest === 'string' ? (items.get(digest) ?? `item ${digest.slice(0, 8)}`) : null;
  const details = shownKeys.flatMap((key) => {
    const value = body[key];
    return typeof value === 'string' || typeof value === 'number' ? [String(value).slice(0, 200)] : [];
  });
  const parts = [...(item === null ? [] : [item]), ...details];
  const sentence = sentences[kind] ?? kind;
  return parts.length === 0 ? sentence : `${sentence}: ${parts.join(', ')}`;
}
