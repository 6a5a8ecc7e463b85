/**
 * What the tasks of an account say about it. A manual system cannot be read: its tasks are all there is, so that their
 * order is the state. Where they leave it open whether somebody can still do something, they can.
 */

/** `login`, or `right.<vendor id>`. */
export type TaskSubject = string;
export type Wanted = 'enabled' | 'disabled' | 'present' | 'absent';

/**
 * `open`: somebody has to do it. `claimed`: closed as done. `confirmed`, `denied`: and the owner of the system said so.
 * `rejected`: closed as not done. `withdrawn`: closed by Usher, because it is wanted no more; perhaps it was done.
 */
export type TaskState = 'open' | 'claimed' | 'confirmed' | 'denied' | 'rejected' | 'withdrawn';

export interface Task {
  taskId: string;
  number: string;
  subject: TaskSubject;
  wanted: Wanted;
  /** The first 32 digits of the operation's key. */
  operation: string;
  state: TaskState;
  /** The ticketing system's own word, for the evidence. */
  vendorState: string;
  description: string;
}

export const loginSubject: TaskSubject = 'login';
const rightPrefix = 'right.';
export const rightSubject = (vendorEntitlementId: string): TaskSubject => rightPrefix + vendorEntitlementId;

export const operationMark = (operationKey: string): string => operationKey.slice(0, 32);

/** Whether the person may have it: only what was never done, or is confirmed as taken away, is not there. */
export function mayHave(tasks: readonly Task[], subject: TaskSubject): boolean {
  let isThere = false;
  for (const task of tasks) {
    if (task.subject !== subject) continue;
    const isTaking = task.wanted === 'absent' || task.wanted === 'disabled';
    if (isTaking) isThere = isThere && task.state !== 'confirmed';
    else if (task.state !== 'rejected' && task.state !== 'denied') isThere = true;
  }
  return isThere;
}

/** Vendor ids of the rights that the person may have, in the order in which they were first asked for. */
export function rightsOf(tasks: readonly Task[]): string[] {
  const subjects = new Set(tasks.map(({ subject }) => subject).filter((subject) => subject.startsWith(rightPrefix)));
  return [...subjects].filter((subject) => mayHave(tasks, subject)).map((subject) => subject.slice(rightPrefix.length));
}

const idPattern = '[A-Za-z0-9][A-Za-z0-9._-]{0,39}';
/** Ids of rights: short, and of characters that mean nothing to the ticketing system. */
export const rightId = new RegExp(`^${idPattern}$`);
const keyShape = new RegExp(
  `^(login|right\\.${idPattern}):(enabled|disabled|present|absent):([0-9a-z-]{1,32})(?::(confirmed|denied|withdrawn))?$`,
  'u',
);

/** The text of at most 100 characters by which the ticketing system knows a task. */
export function taskKey(
  task: Pick<Task, 'subject' | 'wanted' | 'operation'>,
  mark?: 'confirmed' | 'denied' | 'withdrawn',
): string {
  const key = `${task.subject}:${task.wanted}:${task.operation}`;
  return mark === undefined ? key : `${key}:${mark}`;
}

/** Null where a person wrote something else there. */
export function parseTaskKey(
  text: string,
): (Pick<Task, 'subject' | 'wanted' | 'operation'> & { mark: 'confirmed' | 'denied' | 'withdrawn' | null }) | null {
  const [, subject, wanted, operation, mark] = keyShape.exec(text) ?? [];
  if (subject === undefined || wanted === undefined || operation === undefined) return null;
  return {
    subject,
    wanted: wanted as Wanted,
    operation,
    mark: (mark as 'confirmed' | 'denied' | 'withdrawn' | undefined) ?? null,
  };
}
