/** Where the tasks of manual systems lie: what a ticketing system has to offer for it. */
import type { CallContext, CheckResult, VendorReceipt } from '../kit/contract.ts';
import type { Task } from './task-log.ts';

export interface NewTask extends Pick<Task, 'subject' | 'wanted' | 'operation' | 'description'> {
  accountId: string;
  shortDescription: string;
  urgency: 1 | 2 | 3;
}

export interface TaskDesk {
  check(ctx: CallContext): Promise<CheckResult>;
  /** All tasks of the account at this system, oldest first, closed ones included. Never from an index that lags. */
  tasksOf(operation: string, accountId: string, ctx: CallContext): Promise<Task[]>;
  /** Tasks of all accounts of the system, by account id. */
  allTasks(operation: string, ctx: CallContext): Promise<Map<string, Task[]>>;
  /** Always makes one: whoever calls has looked before. */
  open(operation: string, task: NewTask, ctx: CallContext): Promise<{ task: Task; receipt: VendorReceipt }>;
  /** Closes an open task as wanted no more. */
  withdraw(task: Task, ctx: CallContext): Promise<void>;
  /** Throws `precondition` where the ticketing system does not keep the mark. */
  mark(task: Task, word: 'confirmed' | 'denied', ctx: CallContext): Promise<void>;
}
