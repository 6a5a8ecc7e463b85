/**
 * Sends what waits in the outbox: written at the moment of sending, a flood as one digest, again with growing pauses while
 * the mail server is away. Only what the mail server took over is marked as sent, so that nothing is lost; a crash between
 * the two sends once more.
 */
import { defaultMailLimits, mailBatches, mailRetryDelayMs, type SentMessage } from '../domain/mail-batches.ts';
import type { ComposedMail } from '../notify/approval-mail.ts';
import { mailErrorCode } from '../notify/smtp.ts';
import { whileLockedIfFree, type Db } from '../store/db.ts';
import {
  markDropped,
  markFailed,
  markSent,
  purgeMails,
  queueAlerts,
  SECURITY,
  sentSince,
  waitingMails,
  type OutgoingMail,
} from '../store/outgoing-mail.ts';
import { composeAlertMail } from './mail-alerts.ts';
import { composeApprovalMail } from './mail-approvals.ts';
import { watchMail } from './mail-incident.ts';
import { securityAddresses } from './security-addresses.ts';
import type { ServerDeps } from './server-deps.ts';

/** After so many failures in a row the mail server is away: the rest of the pass would only wait for time-outs. */
const FAILURES_MAX = 2;
const KEPT_MS = 90 * 86_400_000;
/** Somebody without an address may get one from the HR system. */
const NO_ADDRESS_RETRY_MS = 300_000;

/** One pass; answers how many messages went out. Of two servers one sends at a time. */
export async function sendOutgoingMail(deps: ServerDeps): Promise<number> {
  return (await whileLockedIfFree(deps.db, 'mail', '', () => sendPass(deps))) ?? 0;
}

async function sendPass(deps: ServerDeps): Promise<number> {
  const now = deps.now();
  await queueAlerts(deps.db, now);
  let [sent, failures] = [0, 0];
  for (const { recipient, mails } of await batchesOf(deps, now)) {
    const outcome = await sendBatch(deps, recipient, mails);
    if (outcome === 'sent') [sent, failures] = [sent + 1, 0];
    if (outcome === 'failed') failures += 1;
    if (failures >= FAILURES_MAX) break;
  }
  await watchMail(deps);
  await purgeMails(deps.db, new Date(now.getTime() - KEPT_MS));
  return sent;
}

async function batchesOf(deps: ServerDeps, now: Date): Promise<{ recipient: string; mails: OutgoingMail[] }[]> {
  const limits = deps.mailLimits ?? defaultMailLimits;
  const waiting = await waitingMails(deps.db, now);
  if (waiting.length === 0) return [];
  const recipients = [...new Set(waiting.map((mail) => mail.recipient))];
  const windowMs = Math.max(limits.windowMs, limits.digestEveryMs);
  const before = new Map<string, SentMessage[]>();
  for (const { recipient, closedAt, mails } of await sentSince(deps.db, recipients, new Date(now.getTime() - windowMs)))
    before.set(recipient, [...(before.get(recipient) ?? []), { atMs: closedAt.getTime(), mails }]);
  const ends = await expiriesOf(deps.db, waiting);
  const inputs = waiting.map((row) => ({
    row,
    recipient: row.recipient,
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: ends.get(row.approval_id ?? '') ?? null,
  }));
  return mailBatches(inputs, before, limits, now.getTime()).map(({ recipient, mails }) => ({
    recipient,
    mails: mails.map(({ row }) => row),
  }));
}

async function expiriesOf(db: Db, mails: readonly OutgoingMail[]): Promise<Map<string, number>> {
  const approvalIds = [...new Set(mails.flatMap((mail) => mail.approval_id ?? []))];
  if (approvalIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('approval')
    .select(['approval_id', 'expires_at'])
    .where('approval_id', 'in', approvalIds)
    .execute();
  return new Map(rows.map((row) => [row.approval_id, row.expires_at.getTime()]));
}

type Outcome = 'sent' | 'failed' | 'nothing';

interface Composed {
  live: OutgoingMail[];
  obsolete: OutgoingMail[];
  mail: ComposedMail | null;
  to: string[];
}

async function sendBatch(deps: ServerDeps, recipient: string, mails: OutgoingMail[]): Promise<Outcome> {
  const { live, obsolete, mail, to } = await compose(deps, recipient, mails);
  await markDropped(deps.db, obsolete, deps.now());
  if (live.length === 0) return 'nothing';
  if (mail === null || to.length === 0) {
    await fail(deps, live, 'noAddress', NO_ADDRESS_RETRY_MS);
    return 'nothing';
  }
  try {
    await deps.notifier.send({ to, ...mail });
  } catch (error) {
    const attempts = Math.max(...live.map((row) => row.attempts)) + 1;
    await fail(deps, live, mailErrorCode(error), mailRetryDelayMs(attempts));
    return 'failed';
  }
  deps.crashPoint('afterMailSent');
  await markSent(deps.db, live, deps.now());
  return 'sent';
}

async function compose(deps: ServerDeps, recipient: string, mails: OutgoingMail[]): Promise<Composed> {
  if (recipient !== SECURITY) return composeApprovalMail(deps, recipient, mails);
  const mail = await composeAlertMail(deps, mails);
  if (mail === null) return { live: [], obsolete: mails, mail, to: [] };
  return { live: mails, obsolete: [], mail, to: await securityAddresses(deps) };
}

async function fail(deps: ServerDeps, mails: OutgoingMail[], errorCode: string, delayMs: number): Promise<void> {
  const now = deps.now();
  await markFailed(deps.db, mails, { errorCode, dueAt: new Date(now.getTime() + delayMs), now });
  deps.log.warn({ mails: mails.length, errorCode, delayMs }, 'mail not sent');
}
