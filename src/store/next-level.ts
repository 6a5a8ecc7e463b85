/** Whom an escalation asks next, worked out from signed rows; the surfaces show it before it happens. */
import { openHolders } from '../domain/open-holders.ts';
import type { RequiredRole } from '../schemas/item.ts';
import { standingOf, type Standing } from './approval-standing.ts';
import type { Db, Tx } from './db.ts';
import { decisionsOfApproval, type ApprovalRow } from './decisions.ts';
import { departedAmong, readManagerLine } from './manager-line.ts';
import { mandatesFor } from './mandates.ts';
import { latestSnapshot, resolvePersonRefs } from './people.ts';
import type { ContextKeys } from './person-context.ts';

export interface EscalationStep {
  role: RequiredRole;
  /** Whose seat it is. */
  fromId: string;
  toId: string;
}

/** Who would be asked next for each seat that still waits; nothing where nobody is left to ask. */
export async function nextLevel(
  keys: ContextKeys,
  tx: Db | Tx,
  approval: ApprovalRow,
  now: Date,
): Promise<EscalationStep[]> {
  const standing = await standingOf(tx, keys, approval, now);
  const decisions = await decisionsOfApproval(tx, keys.verifier, approval.approval_id);
  const decided = new Set(decisions.map((row) => row.for_approver_id ?? row.approver_id));
  const steps: EscalationStep[] = [];
  for (const { role, holderId } of openHolders(standing.seats, decided)) {
    const candidates = await candidatesFor(keys, tx, role, holderId, approval, now);
    const left = await departedAmong(tx, candidates);
    const taken = (id: string): boolean => isInSeat(standing, holderId, id) || steps.some((step) => step.toId === id);
    const toId = candidates.find((id) => !left.has(id) && !standing.isBarred(id, role) && !taken(id));
    if (toId !== undefined) steps.push({ role, fromId: holderId, toId });
  }
  return steps;
}

/** Whoever decides on the seat already is no next level; nor is somebody who has a seat of their own to fill. */
function isInSeat({ actors, seats }: Standing, holderId: string, personId: string): boolean {
  const acts = actors.some((actor) => actor.forId === holderId && actor.personId === personId);
  return acts || seats.some((seat) => (seat.approverIds as string[]).includes(personId));
}

async function candidatesFor(
  keys: ContextKeys,
  tx: Db | Tx,
  role: RequiredRole,
  holderId: string,
  approval: ApprovalRow,
  now: Date,
): Promise<string[]> {
  const version = await keys.policies.active(tx);
  if (!version) return [];
  const { fallbackOwner } = version.policy.routing;
  const refs = role === 'manager' ? await lineAbove(keys, tx, holderId) : [];
  const people = await resolvePersonRefs(tx, [...refs, fallbackOwner]);
  const asked = new Set(
    (await mandatesFor(tx, keys.verifier, approval.approval_id, now))
      .filter(({ kind, fromId }) => kind === 'escalated' && fromId === holderId)
      .map(({ toId }) => toId),
  );
  return [...refs, fallbackOwner].flatMap((ref) => people.get(ref) ?? []).filter((id) => !asked.has(id));
}

async function lineAbove(keys: ContextKeys, tx: Db | Tx, personId: string): Promise<string[]> {
  const snapshot = await latestSnapshot(tx, keys, personId);
  return snapshot ? readManagerLine(tx, keys, snapshot) : [];
}
