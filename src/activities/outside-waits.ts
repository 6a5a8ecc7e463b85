/**
 * Waiting for people outside Usher. It lasts for weeks, uses up no retry and is no outage: the activity is tried again at
 * the connector's pace, which adds nothing to the history, and only policy's deadline makes an incident of it.
 */
import type { CallContext, OwnersWord } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import { saveClaim, saveOpenWait, waitLabel, type OutsideWait, type WaitSubject } from '../store/outside-waits.ts';
import { tellStory } from '../store/story.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** Our own table is looked at, not a vendor. */
const OWNER_LOOK_MS = 60_000;
const INCIDENT_AFTER_SECONDS = 3 * 86_400;
const CUT_OFF_INCIDENT_AFTER_SECONDS = 4 * 3_600;

export interface WaitVerdict {
  /** Longer than policy lets it wait without an incident. */
  isOverdue: boolean;
}

/** Remembers whom the operation waits for. Safe to repeat: it is called at each look. */
export async function noteWait(deps: WorkerDeps, subject: WaitSubject, error: ConnectorError): Promise<WaitVerdict> {
  const now = deps.now();
  const wait = await deps.db.transaction().execute(async (tx) => {
    const { wait: saved, isNew } = await saveOpenWait(tx, subject, error.detail.ticketNumber ?? null, now);
    const { personId, n, systemId } = subject;
    const data = { systemId, ticket: saved.ticket_number, what: waitLabel(saved) };
    if (isNew) await tellStory(tx, { at: now, personId, n, kind: 'waitingOutside', data });
    return saved;
  });
  return { isOverdue: await isOverdue(deps, wait) };
}

async function isOverdue(deps: WorkerDeps, wait: OutsideWait): Promise<boolean> {
  const byHand = (await deps.policies.active())?.policy.lifecycle.byHand;
  const isCutOff = wait.action === 'disable';
  const afterSeconds = isCutOff
    ? (byHand?.cutOffIncidentAfter ?? CUT_OFF_INCIDENT_AFTER_SECONDS)
    : (byHand?.incidentAfter ?? INCIDENT_AFTER_SECONDS);
  return deps.now().getTime() - wait.opened_at.getTime() >= afterSeconds * 1000;
}

export type OwnersAnswer =
  { state: 'answered'; word: OwnersWord; by: string } | { state: 'waiting'; error: ConnectorError; isOverdue: boolean };

/**
 * What the owner of a manual system says of a change that its ticket claims to be done; null where the system answers for
 * itself. An answer is written to the tickets, from which reads answer.
 */
export async function ownersAnswer(
  deps: WorkerDeps,
  { connector }: Pick<OpenSystem<'target'>, 'connector'>,
  subject: WaitSubject & { accountId: string },
  call: CallContext,
): Promise<OwnersAnswer | null> {
  if (connector.settleTasks === undefined) return null;
  const { accountId, operationKey, vendorEntitlementId, systemId } = subject;
  const wait = await deps.db.transaction().execute((tx) => saveClaim(tx, subject, deps.now()));
  if ((wait.state !== 'confirmed' && wait.state !== 'denied') || wait.answered_by === null) {
    const error = new ConnectorError('awaitingHuman', 'the owner of the system has not confirmed it yet', {
      systemId,
      operation: 'settleTasks',
      retryAfterMs: deps.ownerLookMs ?? OWNER_LOOK_MS,
      ...(wait.ticket_number === null ? {} : { ticketNumber: wait.ticket_number }),
    });
    return { state: 'waiting', error, isOverdue: await isOverdue(deps, wait) };
  }
  await connector.settleTasks(accountId, { operationKey, vendorEntitlementId }, wait.state, call);
  return { state: 'answered', word: wait.state, by: wait.answered_by };
}
