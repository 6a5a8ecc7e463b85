/** Everything that can be said about a policy without running it. A policy with one finding is not usable. */
import { compareText } from '../domain/compare-text.ts';
import type { Policy } from '../schemas/policy.ts';
import { checkAttributesAndProfiles } from './check-profiles.ts';
import { checkEntitlements, checkRouting, checkLifecycle } from './check-entitlements.ts';
import { checkSeparation } from './check-separation.ts';
import { checkOwnedAttributes } from './check-owned-attributes.ts';
import { checkSystems } from './check-systems.ts';
import type { KnownConnector } from './known-connector.ts';
import { sortFindings } from './finding.ts';
import type { Finding } from './finding.ts';
import { mergePolicyFiles, readPolicyFolder } from './load.ts';
import type { LoadedPolicy, Placed } from './load.ts';

export interface PolicyCheck {
  /** Null exactly when there are findings. */
  policy: Policy | null;
  findings: Finding[];
}

/** Reads and checks a policy folder. Rejects only where the folder itself cannot be read. */
export async function checkPolicy(folder: string, knownConnectors: readonly KnownConnector[]): Promise<PolicyCheck> {
  return checkPolicySources(await readPolicyFolder(folder), knownConnectors);
}

/** Checks policy files that were read already. Lists come out in the order of their ids, whichever file they stood in. */
export function checkPolicySources(
  sources: readonly { name: string; text: string }[],
  knownConnectors: readonly KnownConnector[],
): PolicyCheck {
  const loaded = mergePolicyFiles(sources);
  // References to an entry of an unreadable file would only repeat that file's findings in other words.
  const findings = loaded.findings.length > 0 ? loaded.findings : contentFindings(loaded, knownConnectors);
  const { routing, lifecycle } = loaded;
  if (findings.length > 0 || routing === null || lifecycle === null) {
    return { policy: null, findings: sortFindings(findings) };
  }
  const policy: Policy = {
    systems: inOrder(loaded.systems, ({ id }) => id),
    entitlements: inOrder(loaded.entitlements, ({ id }) => id),
    profiles: inOrder(loaded.profiles, ({ id }) => id),
    attributes: inOrder(loaded.attributes, ({ name }) => name),
    separationOfDuties: inOrder(loaded.separationOfDuties, ({ id }) => id),
    routing: routing.value,
    lifecycle: lifecycle.value,
  };
  return { policy, findings: [] };
}

function contentFindings(loaded: LoadedPolicy, knownConnectors: readonly KnownConnector[]): Finding[] {
  return [
    ...checkSystems(loaded, knownConnectors),
    ...checkOwnedAttributes(loaded, knownConnectors),
    ...checkEntitlements(loaded, knownConnectors),
    ...checkAttributesAndProfiles(loaded),
    ...checkSeparation(loaded),
    ...checkRouting(loaded, knownConnectors),
    ...checkLifecycle(loaded),
  ];
}

function inOrder<Value>(entries: readonly Placed<Value>[], key: (value: Value) => string): Value[] {
  return entries.map(({ value }) => value).toSorted((a, b) => compareText(key(a), key(b)));
}
