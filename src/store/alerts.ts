/** Alerts to security: at most one per key, however often the cause repeats. The worker mails them. */
import type { Db, Tx } from './db.ts';

export interface Alert {
  /** What makes two alerts the same one. */
  alertKey: string;
  kind: string;
  personId: string | null;
  /** No personal data: ids, counts and the command that helps. */
  text: string;
}

/** True when the alert is new. */
export async function raiseAlert(db: Db | Tx, alert: Alert, now: Date): Promise<boolean> {
  const row = await db
    .insertInto('alert')
    .values({
      alert_key: alert.alertKey,
      kind: alert.kind,
      person_id: alert.personId,
      text: alert.text,
      raised_at: now,
    })
    .onConflict((conflict) => conflict.column('alert_key').doNothing())
    .returning('alert_key')
    .executeTakeFirst();
  return row !== undefined;
}
