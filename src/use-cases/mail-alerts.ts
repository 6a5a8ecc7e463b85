/** Writes the mail about alerts: what happened, and for held leavers who they are, why, and the command that releases them. */
import { alertMail, type AlertMailInput } from '../notify/alert-mail.ts';
import type { ComposedMail } from '../notify/approval-mail.ts';
import type { OutgoingMail } from '../store/outgoing-mail.ts';
import { latestSnapshot } from '../store/people.ts';
import type { ServerDeps } from './server-deps.ts';

/** Null when none of the alerts is there any more. */
export async function composeAlertMail(deps: ServerDeps, mails: readonly OutgoingMail[]): Promise<ComposedMail | null> {
  const keys = mails.flatMap((mail) => mail.alert_key ?? []);
  if (keys.length === 0) return null;
  const rows = await deps.db
    .selectFrom('alert')
    .selectAll()
    .where('alert_key', 'in', keys)
    .orderBy('raised_at')
    .execute();
  if (rows.length === 0) return null;
  const inputs: AlertMailInput[] = [];
  for (const row of rows) {
    const details = row.kind === 'leaversHeld' ? await heldPeople(deps) : [];
    inputs.push({ kind: row.kind, text: row.text, raisedAt: row.raised_at, details });
  }
  return alertMail(inputs);
}

/** Who is held, with the fields that made Usher believe it. */
async function heldPeople(deps: ServerDeps): Promise<AlertMailInput['details']> {
  const rows = await deps.db
    .selectFrom('cutoff')
    .select(['person_id', 'effective_at'])
    .where('state', '=', 'held')
    .limit(200)
    .execute();
  const entries: AlertMailInput['details'] = [];
  for (const row of rows) {
    const snapshot = await latestSnapshot(deps.db, deps, row.person_id);
    const facts = snapshot?.facts;
    const why = facts?.isTerminated ? 'status is "no longer employed"' : `last day ${facts?.endDate ?? 'unknown'}`;
    entries.push({
      title: `${facts?.displayName ?? '(erased)'}, ${facts?.title ?? 'no title'}: ${why}`,
      lines: [`npx usher hold release ${row.person_id} --reason "…"`],
    });
  }
  return entries;
}
