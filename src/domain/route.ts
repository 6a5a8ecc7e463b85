/** From required roles to seats with people: who may decide an item, and who stands in for whom. */
import type { PersonId } from '../schemas/ids.ts';
import type { RequiredRole, Route, Seat } from '../schemas/item.ts';
import type { RoutingPolicy } from '../schemas/policy.ts';
import { AppError } from './errors.ts';
import { fillableSeats } from './max-matching.ts';
import { quorumOf } from './required-terms.ts';

/**
 * Who is who: `<hris system>/<key>` to the person. It holds only people who may decide now; whoever left or is unknown
 * is not in it and gives way like anybody who may not decide.
 */
export type PeopleByRef = Readonly<Record<string, PersonId>>;

export interface RouteInput {
  roles: readonly RequiredRole[];
  beneficiaryId: string;
  /** Who asked for it; null where nobody did (birthright). */
  requesterId: string | null;
  /** The beneficiary's manager, or null where HR names none. */
  managerRef: string | null;
  /** The next level, where the manager is too new to decide alone; null otherwise. */
  nextManagerRef: string | null;
  /** Managers above the direct one, next level first: the next who may decide takes the place of one who left. */
  managerLine?: readonly string[];
  /** The owner of the entitlement or system. */
  ownerRef: string | null;
  coOwnerRefs?: readonly string[];
  routing: Pick<RoutingPolicy, 'security' | 'fallbackOwner' | 'quorum'>;
  /** Last resort, in order: usually every owner that policy names. */
  lastResortRefs: readonly string[];
  people: PeopleByRef;
}

/**
 * The route of an item (architecture, section 4). A seat holds those who have its role. Beneficiary, requester and, for
 * security, the beneficiary's manager may not sit; where nobody is left, the fallback owner sits, then any member of
 * security, then any other owner. Seats that too few distinct people could fill get more people in that same order.
 * Throws AppError `noApprover` when nobody at all is left: an item waits rather than pass unseen.
 */
export function routeItem(input: RouteInput): { route: Route; reasons: string[] } {
  if (input.roles.length === 0) return { route: { kind: 'policy' }, reasons: [] };
  const reasons: string[] = [];
  const seats: Seat[] = [];
  for (const role of input.roles) {
    const named = namedFor(role, input);
    if (named.length > 0) {
      seats.push(...seatsOf(role, named, input.routing.quorum));
      continue;
    }
    seats.push({ role, approverIds: [standIns(role, input)[0] ?? refuse(role)] });
    reasons.push(`${role}: nobody with this role may decide, a stand-in does`);
  }
  reasons.push(...addNextLevel(seats, input));
  reasons.push(...addPeopleUntilFillable(seats, input));
  return { route: { kind: 'people', seats }, reasons };
}

/** A seat more, and not another role: the digest names roles, and a decision must not lapse when the manager has settled. */
function addNextLevel(seats: Seat[], input: RouteInput): string[] {
  if (input.nextManagerRef === null || !seats.some(({ role }) => role === 'manager')) return [];
  const next = eligible('manager', [input.nextManagerRef], input);
  const sitting = new Set(seats.filter(({ role }) => role === 'manager').flatMap(({ approverIds }) => approverIds));
  if (next.every((id) => sitting.has(id))) return [];
  seats.push({ role: 'manager', approverIds: next });
  return ['manager: has been the manager for a short time only, the next level decides too'];
}

/** As many seats as the quorum says, each for anybody with the role; for `all` one seat for each person. */
function seatsOf(role: RequiredRole, named: PersonId[], quorum: RoutingPolicy['quorum']): Seat[] {
  const wanted = quorumOf(role, quorum);
  if (wanted === 'all') return named.map((id) => ({ role, approverIds: [id], isOfAll: true }));
  return Array.from({ length: wanted }, () => ({ role, approverIds: [...named] }));
}

/** A manager who may not decide gives way to the next level; of the other roles everybody is named. */
function namedFor(role: RequiredRole, input: RouteInput): PersonId[] {
  const named = eligible(role, refsOf(role, input), input);
  return role === 'manager' ? named.slice(0, 1) : named;
}

function addPeopleUntilFillable(seats: Seat[], input: RouteInput): string[] {
  const reasons: string[] = [];
  const filled = (): number => fillableSeats(seats.map((seat) => seat.approverIds));
  // From the last seat back, so that the manager decides as the manager and a stand-in takes the other seat.
  for (const seat of seats.toReversed()) {
    if (seat.isOfAll === true) continue;
    for (const candidate of standIns(seat.role, input)) {
      const before = filled();
      if (before === seats.length) return reasons;
      if (seat.approverIds.includes(candidate)) continue;
      seat.approverIds.push(candidate);
      if (filled() > before) reasons.push(`${seat.role}: one person fills one seat, a stand-in may decide too`);
      else seat.approverIds.pop();
    }
  }
  if (filled() === seats.length) return reasons;
  // One more person may help only after another changed seats: then everybody who may sit does.
  for (const seat of seats) {
    delete seat.isOfAll;
    seat.approverIds = [...new Set([...seat.approverIds, ...standIns(seat.role, input)])];
  }
  if (filled() < seats.length) refuse(seats.map((seat) => seat.role).join(', '));
  return [...reasons, 'too few people for the seats: every stand-in may decide'];
}

function refuse(roles: string): never {
  throw new AppError('noApprover', `too few people whom Usher knows may decide as ${roles}`);
}

function refsOf(role: RequiredRole, input: RouteInput): readonly string[] {
  switch (role) {
    case 'manager':
      return input.managerRef === null ? [] : [input.managerRef, ...(input.managerLine ?? [])];
    case 'security':
      return input.routing.security;
    case 'owner':
      return input.ownerRef === null ? [] : [input.ownerRef, ...(input.coOwnerRefs ?? [])];
    default:
      return role satisfies never;
  }
}

function standIns(role: RequiredRole, input: RouteInput): PersonId[] {
  return eligible(role, [input.routing.fallbackOwner, ...input.routing.security, ...input.lastResortRefs], input);
}

function eligible(role: RequiredRole, refs: readonly string[], input: RouteInput): PersonId[] {
  const barred = new Set<string | null | undefined>([input.beneficiaryId, input.requesterId]);
  if (role === 'security' && input.managerRef !== null) barred.add(resolve(input.managerRef, input.people));
  const people = refs.map((ref) => resolve(ref, input.people)).filter((id) => id !== undefined && !barred.has(id));
  return [...new Set(people)].filter((id) => id !== undefined);
}

function resolve(ref: string, people: PeopleByRef): PersonId | undefined {
  return Object.hasOwn(people, ref) ? people[ref] : undefined;
}
