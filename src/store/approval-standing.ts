/**
 * Who may decide an approval right now, worked out from signed rows: the seats by today's facts and policy, and the people
 * who may act for those who sit there. The row keeps a copy for the surfaces; before a decision it is worked out again.
 */
import { canonicalJson } from '../domain/canonical-json.ts';
import { clockAt, type ClockView } from '../domain/approval-clock.ts';
import { AppError } from '../domain/errors.ts';
import { actorsOf, type Actor } from '../domain/mandates.ts';
import type { RequiredRole, Seat } from '../schemas/item.ts';
import type { Db, Tx } from './db.ts';
import { getApproval, type ApprovalRow } from './decisions.ts';
import { departedAmong } from './manager-line.ts';
import { mandatesFor } from './mandates.ts';
import { findPersonByKey } from './people.ts';
import { planAccess, readPersonContext, type ContextKeys, type PersonContext } from './person-context.ts';

export interface Standing {
  seats: Seat[];
  actors: Actor[];
  /** Everybody whose departure would change it. */
  involved: string[];
  isBarred: (personId: string, role: RequiredRole) => boolean;
}

export async function standingOf(tx: Db | Tx, keys: ContextKeys, approval: ApprovalRow, now: Date): Promise<Standing> {
  const context = await readPersonContext(tx, keys, approval.person_id);
  const seats = (context && seatsToday(context, approval, now)) ?? approval.seats;
  const mandates = await mandatesFor(tx, keys.verifier, approval.approval_id, now);
  const involved = reachable(
    seats.flatMap((seat) => seat.approverIds as string[]),
    mandates,
  );
  const left = await departedAmong(tx, involved);
  const managerId = context ? await managerOf(tx, context) : null;
  const isBarred = (personId: string, role: RequiredRole): boolean =>
    personId === approval.person_id || (role === 'security' && personId === managerId);
  const at = now.toISOString();
  const hasLeft = (personId: string): boolean => left.has(personId);
  const actors = actorsOf({ approvalId: approval.approval_id, seats, mandates, at, isBarred, hasLeft });
  return { seats, actors, involved, isBarred };
}

/** Null where the plan of today says nothing about these items, or not the same about all of them: then the seats stay. */
function seatsToday(context: PersonContext, approval: ApprovalRow, now: Date): Seat[] | null {
  const digests = new Set<string>(approval.items.map((item) => item.itemDigest));
  let routes: Seat[][];
  try {
    routes = planAccess(context, now.toISOString()).items.flatMap((item) =>
      digests.has(item.itemDigest) && item.route.kind === 'people' ? [item.route.seats] : [],
    );
  } catch (error) {
    // Nobody who may decide is known at this moment: whoever sat there sits there until somebody is.
    if (error instanceof AppError && error.code === 'noApprover') return null;
    throw error;
  }
  const distinct = new Set(routes.map((seats) => canonicalJson(seats)));
  return distinct.size === 1 ? (routes[0] ?? null) : null;
}

async function managerOf(tx: Db | Tx, { snapshot }: PersonContext): Promise<string | null> {
  const { managerKey } = snapshot.facts;
  return managerKey === null ? null : ((await findPersonByKey(tx, snapshot.source, managerKey))?.person_id ?? null);
}

function reachable(holders: readonly string[], mandates: readonly { fromId: string; toId: string }[]): string[] {
  const found = new Set(holders);
  for (const id of found) for (const { fromId, toId } of mandates) if (fromId === id) found.add(toId);
  return [...found];
}

/** Holds the row until the end of the transaction: of two changes at once the second sees the first. */
export async function lockApproval(tx: Tx, approvalId: string): Promise<ApprovalRow> {
  await tx.selectFrom('approval').select('approval_id').where('approval_id', '=', approvalId).forUpdate().execute();
  const approval = await getApproval(tx, approvalId);
  if (!approval) throw new AppError('notFound', `no approval ${approvalId}`, 'approvalId');
  return approval;
}

/** Writes the copy for the surfaces; answers whether anybody came or went. */
export async function saveStanding(
  tx: Tx,
  approval: ApprovalRow,
  { seats, actors, involved }: Standing,
): Promise<{ isChanged: boolean; hasNewSeats: boolean }> {
  const hasNewSeats = canonicalJson(seats) !== canonicalJson(approval.seats);
  const isChanged = hasNewSeats || canonicalJson(actors) !== canonicalJson(approval.actors);
  if (isChanged || approval.involved.length !== involved.length) {
    await tx
      .updateTable('approval')
      .set({ seats: JSON.stringify(seats), actors: JSON.stringify(actors), involved })
      .where('approval_id', '=', approval.approval_id)
      .execute();
  }
  return { isChanged, hasNewSeats };
}

/** The clock of the row. */
export function clockOf(approval: ApprovalRow, now: Date): ClockView {
  return clockAt(
    {
      remindAtMs: approval.remind_at.getTime(),
      escalateAtMs: approval.escalate_at.map((at) => Date.parse(at)),
      expiresAtMs: approval.expires_at.getTime(),
      pausedAtMs: approval.paused_at?.getTime() ?? null,
      pausedBeforeMs: approval.paused_ms,
      pauseAtMostMs: approval.pause_at_most_ms,
    },
    now.getTime(),
  );
}

/** Who may decide now as the row says; rows of older versions know only their seats. */
export function actorsInRow(approval: Pick<ApprovalRow, 'actors' | 'seats'>): Actor[] {
  if (approval.actors.length > 0) return approval.actors;
  const holders = [...new Set(approval.seats.flatMap((seat) => seat.approverIds as string[]))];
  return holders.map((personId) => ({ personId, forId: personId, mandateIds: [] }));
}
