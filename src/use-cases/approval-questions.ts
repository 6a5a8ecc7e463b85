/**
 * An approver who does not know enough asks. While a question is open the clock of the approval stands, all together for
 * as long as policy allows; then it goes on by itself, so that no question keeps a request open for ever.
 */
import { AppError } from '../domain/errors.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { questionMail } from '../notify/question-mail.ts';
import { clockOf, lockApproval, standingOf } from '../store/approval-standing.ts';
import { departedAmong } from '../store/manager-line.ts';
import type { Tx } from '../store/db.ts';
import { getApproval, type ApprovalRow } from '../store/decisions.ts';
import { findPersonByKey, getPerson, latestSnapshot } from '../store/people.ts';
import { tellStory } from '../store/story.ts';
import { uuidV7 } from '../store/uuid.ts';
import { tellApprovers } from './open-approval.ts';
import { tellWorkflow } from './refresh-approval.ts';
import type { ServerDeps } from './server-deps.ts';

/** More than that is no question any more. */
const QUESTIONS_MAX = 20;

export interface AskInput {
  approvalId: string;
  askerId: string;
  text: string;
  /** Who should know; null: the beneficiary's manager, or the beneficiary when the manager asks. */
  ofId: string | null;
}

/**
 * Asks. Throws AppError: notFound, notApprover, stale (closed, or the asker has decided nothing is left to ask for),
 * invalidInput (who is asked has left, is the asker, or there are too many questions).
 */
export async function askQuestion(deps: ServerDeps, input: AskInput): Promise<{ questionId: string; askedOf: string }> {
  const now = deps.now();
  const questionId = uuidV7(now);
  const askedOf = await deps.db.transaction().execute(async (tx) => {
    const approval = await lockApproval(tx, input.approvalId);
    const { actors } = await standingOf(tx, deps, approval, now);
    if (!actors.some(({ personId }) => personId === input.askerId)) throw new AppError('notApprover');
    if (approval.state !== 'open' || now.getTime() >= clockOf(approval, now).expiresAtMs)
      throw new AppError('stale', 'this approval is closed already');
    const ofId = await personToAsk(deps, tx, approval, input);
    await assertRoomFor(tx, approval.approval_id);
    const row = {
      question_id: questionId,
      approval_id: approval.approval_id,
      person_id: approval.person_id,
      asked_by: input.askerId,
      asked_of: ofId,
      asked_at: now,
      question_sealed: deps.vault.seal(approval.person_id, { text: input.text }),
      answered_by: null,
    };
    await tx.insertInto('approval_question').values(row).execute();
    await stopClock(tx, approval, now);
    await tellWorkflow(tx, approval, now);
    const { person_id: personId, n } = approval;
    const data = { approvalId: approval.approval_id, approverId: input.askerId, ofId };
    await tellStory(tx, { at: now, personId, n, kind: 'asked', data });
    const body = { approvalId: approval.approval_id, questionId, askedBy: input.askerId, askedOf: ofId };
    await appendEvidence(tx, deps.vault, [record(approval, questionId, 'asked', body, { text: input.text })], now);
    return ofId;
  });
  await mailQuestion(deps, {
    questionId,
    approvalId: input.approvalId,
    askedOf,
    askerId: input.askerId,
    text: input.text,
  });
  deps.log.info({ approvalId: input.approvalId, questionId }, 'question asked');
  return { questionId, askedOf };
}

async function personToAsk(deps: ServerDeps, tx: Tx, approval: ApprovalRow, input: AskInput): Promise<string> {
  const ofId = input.ofId ?? (await usualPerson(deps, tx, approval, input.askerId));
  if (ofId === input.askerId) throw new AppError('invalidInput', 'of: you would ask yourself', 'of');
  const isKnown = (await getPerson(tx, ofId)) !== null;
  if (!isKnown || (await departedAmong(tx, [ofId])).has(ofId))
    throw new AppError('invalidInput', 'of: expected somebody who is there to answer', 'of');
  return ofId;
}

async function usualPerson(deps: ServerDeps, tx: Tx, approval: ApprovalRow, askerId: string): Promise<string> {
  const snapshot = await latestSnapshot(tx, deps, approval.person_id);
  const managerKey = snapshot?.facts.managerKey ?? null;
  const manager = snapshot && managerKey !== null ? await findPersonByKey(tx, snapshot.source, managerKey) : null;
  const isThere = manager !== null && !(await departedAmong(tx, [manager.person_id])).has(manager.person_id);
  return isThere && manager.person_id !== askerId ? manager.person_id : approval.person_id;
}

async function assertRoomFor(tx: Tx, approvalId: string): Promise<void> {
  const { count } = await tx
    .selectFrom('approval_question')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('approval_id', '=', approvalId)
    .executeTakeFirstOrThrow();
  if (Number(count) >= QUESTIONS_MAX)
    throw new AppError('invalidInput', `an approval has room for ${QUESTIONS_MAX} questions`, 'text');
}

export interface AnswerInput {
  questionId: string;
  answererId: string;
  text: string;
}

/**
 * Answers; whoever was asked may, and the beneficiary's manager. Throws AppError: notFound (also for a question that is not
 * yours to see), stale (answered or withdrawn already).
 */
export async function answerQuestion(deps: ServerDeps, input: AnswerInput): Promise<{ approvalId: string }> {
  const now = deps.now();
  const known = await deps.db
    .selectFrom('approval_question')
    .select(['approval_id', 'asked_by'])
    .where('question_id', '=', input.questionId)
    .executeTakeFirst();
  if (!known) throw unknownQuestion();
  await deps.db.transaction().execute(async (tx) => {
    const approval = await lockApproval(tx, known.approval_id);
    const question = await tx
      .selectFrom('approval_question')
      .selectAll()
      .where('question_id', '=', input.questionId)
      .executeTakeFirstOrThrow();
    const usual = await usualPerson(deps, tx, approval, question.asked_by);
    if (input.answererId !== question.asked_of && input.answererId !== usual) throw unknownQuestion();
    if (question.state !== 'open') throw new AppError('stale', `this question was ${question.state} already`);
    await tx
      .updateTable('approval_question')
      .set({
        state: 'answered',
        answered_by: input.answererId,
        answered_at: now,
        answer_sealed: deps.vault.seal(approval.person_id, { text: input.text }),
      })
      .where('question_id', '=', input.questionId)
      .execute();
    await startClockUnlessAsked(tx, approval, now);
    const { person_id: personId, n, approval_id: approvalId } = approval;
    await tellStory(tx, { at: now, personId, n, kind: 'answered', data: { approvalId, approverId: input.answererId } });
    const body = { approvalId, questionId: input.questionId, answeredBy: input.answererId };
    const values = { text: input.text };
    await appendEvidence(tx, deps.vault, [record(approval, input.questionId, 'answered', body, values)], now);
  });
  await mailAnswer(deps, known.approval_id, known.asked_by);
  return { approvalId: known.approval_id };
}

const unknownQuestion = (): AppError =>
  new AppError('notFound', 'There is no such question, or it is not yours to answer.', 'questionId');

/** Who decided does not wait for an answer any more. */
export async function withdrawQuestionsOf(
  deps: ServerDeps,
  tx: Tx,
  approval: ApprovalRow,
  askerId: string,
  now: Date,
): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('approval_question')
    .set({ state: 'withdrawn' })
    .where('approval_id', '=', approval.approval_id)
    .where('asked_by', '=', askerId)
    .where('state', '=', 'open')
    .executeTakeFirst();
  if (numUpdatedRows > 0n) await startClockUnlessAsked(tx, approval, now);
}

async function stopClock(tx: Tx, approval: ApprovalRow, now: Date): Promise<void> {
  // A stop that reached its bound is over, even though nobody answered; what is left of the bound is nothing.
  if (approval.paused_at !== null || approval.paused_ms >= approval.pause_at_most_ms) return;
  await tx.updateTable('approval').set({ paused_at: now }).where('approval_id', '=', approval.approval_id).execute();
}

async function startClockUnlessAsked(tx: Tx, approval: ApprovalRow, now: Date): Promise<void> {
  const open = await tx
    .selectFrom('approval_question')
    .select('question_id')
    .where('approval_id', '=', approval.approval_id)
    .where('state', '=', 'open')
    .executeTakeFirst();
  if (open || approval.paused_at === null) return;
  const clock = clockOf(approval, now);
  await tx
    .updateTable('approval')
    .set({
      paused_at: null,
      paused_ms: clock.pausedMs,
      remind_at: new Date(clock.remindAtMs),
      escalate_at: JSON.stringify(clock.escalateAtMs.map((ms) => new Date(ms).toISOString())),
      expires_at: new Date(clock.expiresAtMs),
    })
    .where('approval_id', '=', approval.approval_id)
    .execute();
  await tellWorkflow(tx, approval, now);
}

function record(
  approval: ApprovalRow,
  questionId: string,
  kind: 'asked' | 'answered',
  body: EvidenceInput['body'],
  values: { text: string },
): EvidenceInput {
  const { person_id: personId, n } = approval;
  return { operationKey: questionId, kind, personId, caseId: `case_${personId}_${n}`, body, values };
}

async function mailQuestion(
  deps: ServerDeps,
  asked: { questionId: string; approvalId: string; askedOf: string; askerId: string; text: string },
): Promise<void> {
  const approval = await getApproval(deps.db, asked.approvalId);
  if (!approval) return;
  const [to, asker, about] = await Promise.all(
    [asked.askedOf, asked.askerId, approval.person_id].map((id) => latestSnapshot(deps.db, deps, id)),
  );
  if (!to?.facts.workEmail || !asker || !about) return;
  const mail = questionMail({
    name: to.facts.displayName,
    askerName: asker.facts.displayName,
    beneficiaryName: about.facts.displayName,
    questionId: asked.questionId,
    text: asked.text,
  });
  await sendOrLog(deps, { to: [to.facts.workEmail], ...mail }, asked.approvalId);
}

async function mailAnswer(deps: ServerDeps, approvalId: string, askerId: string): Promise<void> {
  const approval = await getApproval(deps.db, approvalId);
  if (approval?.state !== 'open') return;
  try {
    await tellApprovers(deps, approval, 'answered', new Set([askerId]));
  } catch (error) {
    deps.log.warn({ approvalId, err: error }, 'the answer stands, its mail did not go out');
  }
}

/** The question stands whether or not the mail goes out: `usher questions` lists it. */
async function sendOrLog(
  deps: ServerDeps,
  mail: Parameters<ServerDeps['notifier']['send']>[0],
  approvalId: string,
): Promise<void> {
  try {
    await deps.notifier.send(mail);
  } catch (error) {
    deps.log.warn({ approvalId, err: error }, 'the question stands, its mail did not go out');
  }
}
