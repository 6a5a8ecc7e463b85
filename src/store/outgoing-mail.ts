/** The outbox of mails: who is still to be told about what. Rows are claimed by nobody: one sender at a time runs (see the use case). */
import type { Selectable } from 'kysely';
import type { Db, Tx } from './db.ts';
import type { ApprovalMailKind, OutgoingMailTable } from './tables.ts';
import { uuidV7 } from './uuid.ts';

export type OutgoingMail = Selectable<OutgoingMailTable>;

/** The recipient of alerts. */
export const SECURITY = 'security';

const PAGE_MAX = 1_000;

/**
 * Queues the mail about an approval. The one of its opening is queued once for each approver, however often an opening
 * is repeated; any later one once while an earlier one still waits. Answers whether a row was added.
 */
export async function queueApprovalMail(
  db: Db | Tx,
  mail: { kind: ApprovalMailKind; approvalId: string; approverId: string; now: Date },
): Promise<boolean> {
  const row = await db
    .insertInto('outgoing_mail')
    .values({
      mail_id: uuidV7(mail.now),
      kind: mail.kind,
      recipient: mail.approverId,
      approval_id: mail.approvalId,
      alert_key: null,
      created_at: mail.now,
      due_at: mail.now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('mail_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Queues every alert that was raised and not queued yet. Answers how many. */
export async function queueAlerts(db: Db, now: Date): Promise<number> {
  const alerts = await db
    .selectFrom('alert')
    .select('alert_key')
    .where('mailed_at', 'is', null)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('outgoing_mail')
            .select('mail_id')
            .whereRef('outgoing_mail.alert_key', '=', 'alert.alert_key')
            .where('outgoing_mail.kind', '=', 'alert'),
        ),
      ),
    )
    .orderBy('raised_at')
    .limit(PAGE_MAX)
    .execute();
  for (const alert of alerts) {
    await db
      .insertInto('outgoing_mail')
      .values({
        mail_id: uuidV7(now),
        kind: 'alert',
        recipient: SECURITY,
        approval_id: null,
        alert_key: alert.alert_key,
        created_at: now,
        due_at: now,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return alerts.length;
}

/** What waits, oldest first, of every recipient of whom something is due. */
export async function waitingMails(db: Db, now: Date): Promise<OutgoingMail[]> {
  return db
    .selectFrom('outgoing_mail')
    .selectAll()
    .where('state', '=', 'waiting')
    .where('due_at', '<=', now)
    .orderBy('created_at')
    .orderBy('mail_id')
    .limit(PAGE_MAX)
    .execute();
}

export interface SentBefore {
  recipient: string;
  messageId: string;
  closedAt: Date;
  /** How many mails this one message stood for. */
  mails: number;
}

/** Messages that went out since, for the count that turns a flood into a digest. */
export async function sentSince(db: Db, recipients: readonly string[], since: Date): Promise<SentBefore[]> {
  if (recipients.length === 0) return [];
  const rows = await db
    .selectFrom('outgoing_mail')
    .select((eb) => ['recipient', 'message_id', 'closed_at', eb.fn.countAll<string>().as('mails')])
    .where('state', '=', 'sent')
    .where('recipient', 'in', recipients)
    .where('closed_at', '>', since)
    .groupBy(['recipient', 'message_id', 'closed_at'])
    .execute();
  return rows.flatMap(({ recipient, message_id: messageId, closed_at: closedAt, mails }) =>
    messageId === null || closedAt === null ? [] : [{ recipient, messageId, closedAt, mails: Number(mails) }],
  );
}

const idsOf = (mails: readonly OutgoingMail[]): string[] => mails.map((mail) => mail.mail_id);

/** The mail server took them, as one message. Marks their alerts as mailed. */
export async function markSent(db: Db, mails: readonly OutgoingMail[], now: Date): Promise<void> {
  const done = { state: 'sent' as const, closed_at: now, message_id: uuidV7(now), failing_since: null };
  const alertKeys = mails.flatMap((mail) => mail.alert_key ?? []);
  await db.transaction().execute(async (tx) => {
    await tx.updateTable('outgoing_mail').set(done).where('mail_id', 'in', idsOf(mails)).execute();
    if (alertKeys.length === 0) return;
    await tx.updateTable('alert').set({ mailed_at: now }).where('alert_key', 'in', alertKeys).execute();
  });
}

/** There is nothing left to tell: decided, closed, erased. */
export async function markDropped(db: Db, mails: readonly OutgoingMail[], now: Date): Promise<void> {
  if (mails.length === 0) return;
  const done = { state: 'dropped' as const, closed_at: now };
  await db.updateTable('outgoing_mail').set(done).where('mail_id', 'in', idsOf(mails)).execute();
}

/** The mail server did not take them: tried again at `dueAt`. */
export async function markFailed(
  db: Db,
  mails: readonly OutgoingMail[],
  failure: { errorCode: string; dueAt: Date; now: Date },
): Promise<void> {
  await db
    .updateTable('outgoing_mail')
    .set((eb) => ({
      attempts: eb('attempts', '+', 1),
      failing_since: eb.fn.coalesce('failing_since', eb.val(failure.now)),
      last_error: failure.errorCode,
      due_at: failure.dueAt,
    }))
    .where('mail_id', 'in', idsOf(mails))
    .execute();
}

export interface MailBacklog {
  waiting: number;
  /** Since when the longest failing one fails; null when none does. */
  failingSince: Date | null;
  lastErrorCode: string | null;
}

export async function mailBacklog(db: Db): Promise<MailBacklog> {
  const waiting = await db
    .selectFrom('outgoing_mail')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('state', '=', 'waiting')
    .executeTakeFirst();
  const oldest = await db
    .selectFrom('outgoing_mail')
    .select(['failing_since', 'last_error'])
    .where('state', '=', 'waiting')
    .where('failing_since', 'is not', null)
    .orderBy('failing_since')
    .limit(1)
    .executeTakeFirst();
  return {
    waiting: Number(waiting?.count ?? 0),
    failingSince: oldest?.failing_since ?? null,
    lastErrorCode: oldest?.last_error ?? null,
  };
}

/** Forgets what was closed before. */
export async function purgeMails(db: Db, before: Date): Promise<number> {
  const result = await db.deleteFrom('outgoing_mail').where('closed_at', '<', before).executeTakeFirst();
  return Number(result.numDeletedRows);
}
