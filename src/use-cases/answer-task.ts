/**
 * The owner of a manual system says whether a change that its ticket claims was really made. Nobody can read such a system:
 * this word is what the evidence holds, with the name of who gave it.
 */
import { AppError } from '../domain/errors.ts';
import type { OwnersWord } from '../connectors/kit/contract.ts';
import { appendEvidence } from '../evidence/log.ts';
import type { Tx } from '../store/db.ts';
import type { OutsideWait } from '../store/outside-waits.ts';
import { ownerOfSystem } from '../store/system-owner.ts';
import type { ServerDeps } from './server-deps.ts';

export interface AnswerTaskInput {
  /** Number of the ticket, or id of the task. */
  task: string;
  by: string;
  word: OwnersWord;
  reason: string | null;
}

/**
 * Answers all changes of the ticket that wait for this person's word. Throws AppError: notFound; notApprover for anybody but
 * the owner of the system; stale where the ticket is still open; alreadyDecided.
 */
export async function answerTask(deps: ServerDeps, input: AnswerTaskInput): Promise<{ answered: number }> {
  const version = await deps.policies.active();
  if (!version) throw new AppError('notFound', 'there is no active policy');
  const now = deps.now();
  return deps.db.transaction().execute(async (tx) => {
    const named = await waitsNamed(tx, input.task);
    const mine: OutsideWait[] = [];
    for (const wait of named) {
      if ((await ownerOfSystem(tx, version.policy, wait.system_id, wait.person_id)) === input.by) mine.push(wait);
    }
    if (named.length === 0) throw new AppError('notFound', 'there is no such task', 'task');
    if (mine.length === 0) throw new AppError('notApprover', 'The owner of the system confirms this, and nobody else.');
    const claimed = mine.filter(({ state }) => state === 'claimed');
    if (claimed.length === 0) {
      if (mine.some(({ state }) => state === 'open'))
        throw new AppError('stale', 'The ticket is still open: Usher asks when it is closed as done.');
      throw new AppError('alreadyDecided', 'This was answered already.');
    }
    for (const wait of claimed) await answerOne(deps, tx, wait, input, now);
    return { answered: claimed.length };
  });
}

async function waitsNamed(tx: Tx, task: string): Promise<OutsideWait[]> {
  return tx
    .selectFrom('outside_wait')
    .selectAll()
    .where((eb) => eb.or([eb('ticket_number', '=', task), eb(eb.cast<string>('wait_id', 'text'), '=', task)]))
    .where('state', '!=', 'over')
    .orderBy('opened_at')
    .forUpdate()
    .execute();
}

async function answerOne(
  deps: ServerDeps,
  tx: Tx,
  wait: OutsideWait,
  input: AnswerTaskInput,
  now: Date,
): Promise<void> {
  const { by, word, reason } = input;
  await tx
    .updateTable('outside_wait')
    .set({ state: word, answered_at: now, answered_by: by, reason })
    .where('wait_id', '=', wait.wait_id)
    .execute();
  const body = {
    what: 'ownersWord',
    systemId: wait.system_id,
    action: wait.action,
    vendorEntitlementId: wait.vendor_entitlement_id,
    ticket: wait.ticket_number,
    by,
    verdict: word,
    at: now.toISOString(),
  };
  const record = {
    operationKey: wait.operation_key,
    kind: word,
    personId: wait.person_id,
    caseId: `case_${wait.person_id}_${wait.n}`,
    body,
    values: reason === null ? null : { reason },
  };
  await appendEvidence(tx, deps.vault, [record], now);
}
