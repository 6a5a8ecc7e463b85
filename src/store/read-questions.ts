/** Questions of approvers as the surfaces show them. Their texts are about the beneficiary and go with them. */
import type { Selectable } from 'kysely';
import type { Db } from './db.ts';
import { readNames, type NameOf, type SnapshotKeys } from './read-names.ts';
import type { ApprovalQuestionTable } from './approval-tables.ts';

export interface QuestionView {
  questionId: string;
  approvalId: string;
  state: 'open' | 'answered' | 'withdrawn';
  askedBy: { personId: string; name: string };
  askedOf: { personId: string; name: string };
  askedAt: string;
  text: string | null;
  answeredBy: { personId: string; name: string } | null;
  answeredAt: string | null;
  answer: string | null;
}

type Row = Selectable<ApprovalQuestionTable>;

/** Of these approvals, oldest first. */
export async function questionsOf(db: Db, keys: SnapshotKeys, approvalIds: readonly string[]): Promise<QuestionView[]> {
  if (approvalIds.length === 0) return [];
  const rows = await db
    .selectFrom('approval_question')
    .selectAll()
    .where('approval_id', 'in', approvalIds)
    .orderBy('asked_at')
    .execute();
  return viewsOf(db, keys, rows);
}

/** Open questions that were put to this person, oldest first. */
export async function openQuestionsFor(db: Db, keys: SnapshotKeys, personId: string): Promise<QuestionView[]> {
  const rows = await db
    .selectFrom('approval_question')
    .selectAll()
    .where('asked_of', '=', personId)
    .where('state', '=', 'open')
    .orderBy('asked_at')
    .limit(200)
    .execute();
  return viewsOf(db, keys, rows);
}

async function viewsOf(db: Db, keys: SnapshotKeys, rows: readonly Row[]): Promise<QuestionView[]> {
  const people = rows.flatMap((row) => [row.asked_by, row.asked_of, row.answered_by]);
  const nameOf = await readNames(db, keys, people);
  return rows.map((row) => viewOf(row, nameOf, keys));
}

function viewOf(row: Row, nameOf: NameOf, keys: SnapshotKeys): QuestionView {
  const named = (personId: string): QuestionView['askedBy'] => ({ personId, name: nameOf(personId) });
  return {
    questionId: row.question_id,
    approvalId: row.approval_id,
    state: row.state,
    askedBy: named(row.asked_by),
    askedOf: named(row.asked_of),
    askedAt: row.asked_at.toISOString(),
    text: openText(row.person_id, row.question_sealed, keys),
    answeredBy: row.answered_by === null ? null : named(row.answered_by),
    answeredAt: row.answered_at?.toISOString() ?? null,
    answer: openText(row.person_id, row.answer_sealed, keys),
  };
}

function openText(personId: string, sealed: Buffer | null, keys: SnapshotKeys): string | null {
  if (sealed === null) return null;
  try {
    return keys.vault.open<{ text: string }>(personId, sealed)?.text ?? null;
  } catch {
    return null;
  }
}
