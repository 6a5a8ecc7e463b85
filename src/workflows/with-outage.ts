/**
 * Runs a call to a system through an outage: when the system stays down, an incident is opened for what waits, the call goes
 * on trying inside one activity (which adds nothing to the history), and the incident closes when it came through.
 */
import { CancellationScope } from '@temporalio/workflow';
import { bookkeeping } from './options.ts';

export interface OutageSubject {
  personId: string;
  n: number;
  systemId: string;
  itemKeys: string[];
}

/** The code of a change that waits for a person outside Usher. */
const AWAITING_HUMAN = 'awaitingHuman';

type MaybeDown = { kind: 'systemDown'; errorCode: string } | { kind: string };

export async function withOutage<R extends MaybeDown>(
  subject: OutageSubject,
  summary: string,
  call: (isIncidentOpen: boolean) => Promise<R>,
): Promise<Exclude<R, { kind: 'systemDown' }>> {
  const first = await call(false);
  if (!isDown(first)) return first as Exclude<R, { kind: 'systemDown' }>;
  const isTask = first.errorCode === AWAITING_HUMAN;
  const kind = isTask ? ('taskOverdue' as const) : ('systemDown' as const);
  const incident = { ...subject, kind, errorCode: first.errorCode };
  const what = isTask ? 'a task for a person is overdue' : 'is down';
  await bookkeeping.openIncident.executeWithOptions({ summary: `${subject.systemId} ${what}` }, [incident]);
  try {
    return (await call(true)) as Exclude<R, { kind: 'systemDown' }>;
  } finally {
    // Also when the case was cancelled: nothing of it waits for the system any more.
    await CancellationScope.nonCancellable(() =>
      bookkeeping.closeIncident.executeWithOptions({ summary: `${subject.systemId}: ${summary}, no longer waiting` }, [
        incident,
      ]),
    );
  }
}

function isDown(result: MaybeDown): result is { kind: 'systemDown'; errorCode: string } {
  return result.kind === 'systemDown';
}
