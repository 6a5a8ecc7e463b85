/** Systems that Usher reads and never writes to. */
import type { Policy } from '../schemas/policy.ts';

/** True where policy says `mode: observe`. A system that policy does not name is not observed: it is not touched at all. */
export function isObserveOnly(policy: Pick<Policy, 'systems'>, systemId: string): boolean {
  return policy.systems.some(({ id, mode }) => id === systemId && mode === 'observe');
}
