/** The mail addresses of the security group of the active policy. */
import { latestSnapshot, resolvePersonRefs } from '../store/people.ts';
import type { ServerDeps } from './server-deps.ts';

/** Empty before the first activation, or when Usher knows none of the people yet. */
export async function securityAddresses(deps: ServerDeps): Promise<string[]> {
  const version = await deps.policies.active();
  if (!version) return [];
  const people = await resolvePersonRefs(deps.db, version.policy.routing.security);
  const addresses: string[] = [];
  for (const personId of people.values()) {
    const address = (await latestSnapshot(deps.db, deps, personId))?.facts.workEmail;
    if (address) addresses.push(address);
  }
  return addresses;
}
