/**
 * The outbox of mails. A row says who is to be told about what and holds no text: a mail is written when it is sent, so
 * that neither a name nor a one-time secret ever lies here. Only the server may read or write it.
 */
import { sql, type Kysely } from 'kysely';

const statements = [
  `create table outgoing_mail (
    mail_id uuid primary key,
    kind text not null check (kind in ('approvalOpened','approvalReminder','approvalEscalated','approvalAnswered','alert')),
    recipient text not null,
    approval_id text,
    alert_key text,
    state text not null default 'waiting' check (state in ('waiting','sent','dropped')),
    created_at timestamptz not null,
    due_at timestamptz not null,
    attempts integer not null default 0,
    failing_since timestamptz,
    last_error text,
    closed_at timestamptz,
    message_id uuid)`,
  `create index outgoing_mail_waiting on outgoing_mail (created_at) where state = 'waiting'`,
  `create index outgoing_mail_closed on outgoing_mail (recipient, closed_at) where state <> 'waiting'`,
  `create unique index outgoing_mail_alert on outgoing_mail (alert_key) where alert_key is not null`,
  `create unique index outgoing_mail_opened on outgoing_mail (approval_id, recipient) where kind = 'approvalOpened'`,
  `create unique index outgoing_mail_reminder on outgoing_mail (approval_id, recipient)
     where kind in ('approvalReminder','approvalEscalated','approvalAnswered') and state = 'waiting'`,
  `grant select, insert, update, delete on outgoing_mail to usher_server`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table outgoing_mail`.execute(db);
}
