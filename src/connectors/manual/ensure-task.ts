/**
 * One change by hand: at most one open task for it, over repeats and lost answers. Until the task is closed the call fails
 * as `awaitingHuman`; closed as done is a claim, which the owner of the system confirms afterwards.
 */
import type { CallContext, VendorReceipt, WriteOutcome } from '../kit/contract.ts';
import { ConnectorError } from '../kit/errors.ts';
import { noReceipt } from '../kit/target-steps.ts';
import type { NewTask, TaskDesk } from './task-desk.ts';
import { operationMark, type Task } from './task-log.ts';

export interface Change extends Omit<NewTask, 'operation'> {
  /** Of the contract, for errors. */
  operationName: string;
}

export interface TaskRules {
  systemId: string;
  desk: TaskDesk;
  /** How long to wait before the task is looked at again. */
  recheckMs: number;
}

/** `tasks` are those of the account, just read. Throws `awaitingHuman`, or `precondition` where the task was closed as not done. */
export async function ensureTask(
  rules: TaskRules,
  tasks: readonly Task[],
  change: Change,
  ctx: CallContext,
): Promise<{ outcome: WriteOutcome; receipt: VendorReceipt; task: Task }> {
  const { operationName, ...wanted } = change;
  const operation = operationMark(ctx.operationKey);
  const own = tasks.filter(({ subject }) => subject === change.subject);
  const last = own.at(-1);
  if (last?.wanted === change.wanted) {
    const isMine = last.operation === operation;
    switch (last.state) {
      case 'open':
        // An attempt that ended half way may have left it.
        await withdrawOthers(rules, own, change, ctx);
        throw awaitingHuman(rules, operationName, last);
      case 'claimed':
      case 'confirmed':
        return { outcome: isMine ? 'changed' : 'unchanged', receipt: noReceipt, task: last };
      case 'rejected':
        if (isMine) throw rejected(rules, operationName, last);
        break;
      case 'denied':
      case 'withdrawn':
        break;
      default:
        last.state satisfies never;
    }
  }
  // First the new one: a crash in between leaves two tasks that contradict each other, and the newer one counts.
  const { task } = await rules.desk.open(operationName, { ...wanted, operation }, ctx);
  await withdrawOthers(rules, own, change, ctx);
  throw awaitingHuman(rules, operationName, task);
}

async function withdrawOthers(
  { desk }: TaskRules,
  own: readonly Task[],
  { wanted }: Pick<Change, 'wanted'>,
  ctx: CallContext,
): Promise<void> {
  for (const older of own) if (older.state === 'open' && older.wanted !== wanted) await desk.withdraw(older, ctx);
}

function awaitingHuman({ systemId, recheckMs }: TaskRules, operation: string, { number }: Task): ConnectorError {
  return new ConnectorError('awaitingHuman', `${number} is not closed yet`, {
    systemId,
    operation,
    ticketNumber: number,
    retryAfterMs: recheckMs,
  });
}

function rejected({ systemId }: TaskRules, operation: string, { number, vendorState }: Task): ConnectorError {
  return new ConnectorError('precondition', `${number} was closed as not done`, {
    systemId,
    operation,
    ticketNumber: number,
    vendorCode: `state ${vendorState}`,
  });
}
