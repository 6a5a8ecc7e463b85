/** The quorum of a role, and how the digest of an item names what it needs: roles and numbers, never people. */
import type { RequiredRole } from '../schemas/item.ts';
import type { RoutingPolicy } from '../schemas/policy.ts';

/** One entry for each yes that is needed from a role; `security:all` where everybody with the role has to agree. */
export type RequiredTerm = RequiredRole | `${RequiredRole}:all`;

/** How many different people with the role have to agree. A manager's seat is one person. */
export function quorumOf(role: RequiredRole, quorum: RoutingPolicy['quorum']): number | 'all' {
  const wanted = role === 'manager' ? 'any' : (quorum?.[role] ?? 'any');
  return wanted === 'any' ? 1 : wanted;
}

/**
 * The terms of a route: a raised quorum changes the digest, so that what fewer people approved is asked again; a deputy or
 * a new member of a group changes nothing.
 */
export function requiredTerms(roles: readonly RequiredRole[], quorum: RoutingPolicy['quorum']): RequiredTerm[] {
  return roles.flatMap((role): RequiredTerm[] => {
    const wanted = quorumOf(role, quorum);
    return wanted === 'all' ? [`${role}:all`] : Array.from({ length: wanted }, () => role);
  });
}
