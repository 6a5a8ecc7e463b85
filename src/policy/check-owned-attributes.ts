/**
 * Checks of who owns which attribute: one owner for each attribute of an account, and none that the connector cannot
 * write. A system with a master is overwritten by it, so that whatever Usher wrote there would come and go.
 */
import type { SystemPolicy } from '../schemas/policy.ts';
import type { Finding } from './finding.ts';
import type { KnownConnector } from './known-connector.ts';
import type { LoadedPolicy, Placed } from './load.ts';

/** All findings about `attributes`, `writeBack` and `emailPattern` of systems. */
export function checkOwnedAttributes(loaded: LoadedPolicy, known: readonly KnownConnector[]): Finding[] {
  return loaded.systems.flatMap((system) => {
    const connector = known.find(({ id }) => id === system.value.connector);
    // An unknown connector is a finding of its own.
    if (connector === undefined) return [];
    return [...checkAttributes(system, loaded, connector), ...checkWriteBack(system, connector)];
  });
}

function checkAttributes(
  { value, findingAt }: Placed<SystemPolicy>,
  loaded: LoadedPolicy,
  connector: KnownConnector,
): Finding[] {
  const { attributes } = value;
  if (attributes === undefined || attributes.length === 0) return [];
  if (connector.kind !== 'target') {
    return [findingAt(['attributes'], `only a system that holds accounts can have this; ${connector.id} does not`)];
  }
  if (value.masteredBy !== null) {
    const master = rootMaster(value, loaded);
    const message = `system ${master} overwrites ${value.id} and owns its attributes; expected them there, or no masteredBy`;
    return [findingAt(['attributes'], message)];
  }
  const writable = connector.profileUpdates;
  return attributes.flatMap((name, position) => {
    if (attributes.indexOf(name) < position) {
      return [findingAt(['attributes', position], `${name} stands in the list already`)];
    }
    if (writable.includes(name)) return [];
    const expected = writable.length === 0 ? 'it changes none' : `expected one of ${writable.join(', ')}`;
    return [findingAt(['attributes', position], `connector ${connector.id} cannot change ${name}; ${expected}`)];
  });
}

/** The end of the chain of masters; where it is a circle, which is a finding of its own, the direct master. */
function rootMaster(system: SystemPolicy, loaded: LoadedPolicy): string {
  const visited = new Set<string>([system.id]);
  let root = system.masteredBy ?? system.id;
  for (let next: string | null | undefined = root; next !== null && next !== undefined;) {
    if (visited.has(next)) return system.masteredBy ?? system.id;
    visited.add(next);
    root = next;
    const id: string = next;
    next = loaded.systems.find(({ value }) => value.id === id)?.value.masteredBy;
  }
  return root;
}

function checkWriteBack({ value, findingAt }: Placed<SystemPolicy>, connector: KnownConnector): Finding[] {
  const findings: Finding[] = [];
  if ((value.writeBack ?? []).length > 0 && !connector.workEmailWriteBack) {
    findings.push(findingAt(['writeBack'], `connector ${connector.id} takes no work e-mail back`));
  }
  if (value.emailPattern !== undefined && !value.isIdentityProvider) {
    findings.push(findingAt(['emailPattern'], 'only the identity provider (isIdentityProvider) can have this'));
  }
  return findings;
}
