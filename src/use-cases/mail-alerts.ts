/** Mails alerts to security. An alert is mailed until the mail server took it; the hold of leavers names who is held. */
import { securityAddresses } from './security-addresses.ts';
import { latestSnapshot } from '../store/people.ts';
import type { ServerDeps } from './server-deps.ts';

/** One pass; answers how many alerts went out. */
export async function mailAlerts(deps: ServerDeps): Promise<number> {
  const rows = await deps.db
    .selectFrom('alert')
    .selectAll()
    .where('mailed_at', 'is', null)
    .orderBy('raised_at')
    .limit(20)
    .execute();
  if (rows.length === 0) return 0;
  const to = await securityAddresses(deps);
  if (to.length === 0) return 0;
  for (const row of rows) {
    const lines = row.kind === 'leaversHeld' ? await heldLines(deps) : [];
    await deps.notifier.send({ to, subject: subjectOf(row.kind), text: [row.text, '', ...lines].join('\n') });
    await deps.db.updateTable('alert').set({ mailed_at: deps.now() }).where('alert_key', '=', row.alert_key).execute();
  }
  return rows.length;
}

function subjectOf(kind: string): string {
  return kind === 'leaversHeld' ? 'Usher holds leavers: more than policy allows' : `Usher alert: ${kind}`;
}

/** Who is held, with the fields that made Usher believe it, and the command that releases them. */
async function heldLines(deps: ServerDeps): Promise<string[]> {
  const rows = await deps.db
    .selectFrom('cutoff')
    .select(['person_id', 'effective_at'])
    .where('state', '=', 'held')
    .limit(200)
    .execute();
  const lines: string[] = [];
  for (const row of rows) {
    const snapshot = await latestSnapshot(deps.db, deps, row.person_id);
    const facts = snapshot?.facts;
    const why = facts?.isTerminated ? 'status is "no longer employed"' : `last day ${facts?.endDate ?? 'unknown'}`;
    lines.push(`- ${facts?.displayName ?? '(erased)'}, ${facts?.title ?? 'no title'}: ${why}`);
    lines.push(`  npx usher hold release ${row.person_id} --reason "…"`);
  }
  return lines;
}
