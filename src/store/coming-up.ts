/** For each open approval: who can act now and how, and what comes by itself if nobody does. Nobody is in a dead end. */
import type { Db } from './db.ts';
import { getApproval } from './decisions.ts';
import { nextLevel } from './next-level.ts';
import type { ContextKeys } from './person-context.ts';
import type { ApprovalView, PersonName } from './read-approvals.ts';
import { readNames } from './read-names.ts';

export interface ComingUp {
  at: string;
  approvalId: string;
  text: string;
}

export interface CanAct {
  who: PersonName;
  what: string;
  command: string;
}

export function whoCanDecide(approval: ApprovalView): CanAct[] {
  const count = `${approval.items.length} ${approval.items.length === 1 ? 'item' : 'items'}`;
  return approval.waitsFor.map((who) => {
    const places = approval.actors.filter(({ person }) => person.personId === who.personId);
    const inPlaceOf = places.every((place) => place.inPlaceOf !== null) ? (places[0]?.inPlaceOf ?? null) : null;
    const what = inPlaceOf === null ? `decide ${count}` : `decide ${count} in the place of ${inPlaceOf.name}`;
    return { who, what, command: `usher approve ${approval.approvalId}` };
  });
}

export function whoCanAnswer(approval: ApprovalView): CanAct[] {
  if (approval.state !== 'open') return [];
  return approval.questions
    .filter(({ state }) => state === 'open')
    .map(({ questionId, askedOf, askedBy }) => ({
      who: askedOf,
      what: `answer the question of ${askedBy.name}`,
      command: `usher answer ${questionId} "…"`,
    }));
}

/** In the order of time. An escalation names whom it would ask today. */
export async function comingUpFor(
  db: Db,
  keys: ContextKeys,
  approvals: readonly ApprovalView[],
  now: Date,
): Promise<ComingUp[]> {
  const lists = await Promise.all(approvals.map((approval) => comingUpOf(db, keys, approval, now)));
  return lists.flat().toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

async function comingUpOf(db: Db, keys: ContextKeys, approval: ApprovalView, now: Date): Promise<ComingUp[]> {
  if (approval.state !== 'open') return [];
  const next = approval.upcoming.some(({ what }) => what === 'escalation')
    ? await namesOfNextLevel(db, keys, approval.approvalId, now)
    : '';
  const isFirst = (level: number | null): boolean =>
    level === Math.min(...approval.upcoming.flatMap((entry) => entry.level ?? []));
  return approval.upcoming.map(({ at, what, level }) => ({
    at,
    approvalId: approval.approvalId,
    text: sentenceOf(what, isFirst(level) ? next : 'the level above'),
  }));
}

function sentenceOf(what: ApprovalView['upcoming'][number]['what'], next: string): string {
  switch (what) {
    case 'reminder':
      return 'whoever has not decided is reminded';
    case 'escalation':
      return next === ''
        ? 'whoever has not decided is told again; nobody is left to ask above'
        : `${next} is asked as well`;
    case 'clockGoesOn':
      return 'the clock goes on, even without an answer';
    case 'expiry':
      return 'silence becomes a denial';
    default:
      return what satisfies never;
  }
}

async function namesOfNextLevel(db: Db, keys: ContextKeys, approvalId: string, now: Date): Promise<string> {
  const approval = await getApproval(db, approvalId);
  if (!approval) return '';
  const steps = await nextLevel(keys, db, approval, now);
  const ids = [...new Set(steps.map(({ toId }) => toId))];
  const nameOf = await readNames(db, keys, ids);
  return ids.map(nameOf).join(' and ');
}
