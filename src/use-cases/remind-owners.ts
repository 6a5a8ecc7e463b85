/**
 * Tells the owners of manual systems by mail what waits for them: a change to confirm at once, and again, as well as a task
 * that nobody does, after policy's time for reminders. One mail for each owner; what was not sent is tried at the next pass.
 */
import type { Policy } from '../schemas/policy.ts';
import { tasksMail } from '../notify/tasks-mail.ts';
import { mailErrorCode } from '../notify/smtp.ts';
import { whileLockedIfFree } from '../store/db.ts';
import { waitLabel, waitsStanding, type OutsideWait } from '../store/outside-waits.ts';
import { latestSnapshot } from '../store/people.ts';
import { ownerOfSystem } from '../store/system-owner.ts';
import type { ServerDeps } from './server-deps.ts';

/** Answers how many mails went out. Of two servers one sends at a time. */
export async function remindOwners(deps: ServerDeps): Promise<number> {
  return (await whileLockedIfFree(deps.db, 'mail', 'tasks', () => remindPass(deps))) ?? 0;
}

async function remindPass(deps: ServerDeps): Promise<number> {
  const version = await deps.policies.active();
  if (!version) return 0;
  const { policy } = version;
  const due = (await waitsStanding(deps.db)).filter((wait) => isDue(wait, policy, deps.now()));
  if (due.length === 0) return 0;
  const byOwner = new Map<string, OutsideWait[]>();
  for (const wait of due) {
    const ownerId = await ownerOfSystem(deps.db, policy, wait.system_id, wait.person_id);
    if (ownerId !== null) byOwner.set(ownerId, [...(byOwner.get(ownerId) ?? []), wait]);
  }
  let sent = 0;
  for (const [ownerId, waits] of byOwner) if (await tell(deps, ownerId, waits)) sent += 1;
  return sent;
}

/** A claim is told at once; a cut-off that nobody carries out is told at once as well. */
function isDue(wait: OutsideWait, policy: Policy, now: Date): boolean {
  const isUrgent = wait.state === 'claimed' || wait.action === 'disable';
  if (wait.told_at === null && isUrgent) return true;
  const since = wait.told_at ?? wait.opened_at;
  return now.getTime() - since.getTime() >= policy.routing.remindAfter * 1000;
}

async function tell(deps: ServerDeps, ownerId: string, waits: OutsideWait[]): Promise<boolean> {
  const owner = await latestSnapshot(deps.db, deps, ownerId);
  const address = owner?.facts.workEmail;
  if (!owner || !address) return false;
  const entries = [];
  for (const wait of waits) {
    const about = await latestSnapshot(deps.db, deps, wait.person_id);
    entries.push({
      what: waitLabel(wait),
      systemId: wait.system_id,
      personName: about?.facts.displayName ?? '(erased)',
      ticket: wait.ticket_number,
      name: wait.ticket_number ?? wait.wait_id,
      isClaimed: wait.state === 'claimed',
      since: wait.opened_at,
    });
  }
  try {
    await deps.notifier.send({ to: [address], ...tasksMail(owner.facts.displayName, entries) });
  } catch (error) {
    deps.log.warn({ tasks: waits.length, errorCode: mailErrorCode(error) }, 'mail not sent');
    return false;
  }
  const ids = waits.map(({ wait_id }) => wait_id);
  await deps.db.updateTable('outside_wait').set({ told_at: deps.now() }).where('wait_id', 'in', ids).execute();
  return true;
}
