/** Checks of entitlements, routing and lifecycle rules of a policy. */
import type { EntitlementPolicy } from '../schemas/policy.ts';
import { duplicates, personRefProblem } from './check-ids.ts';
import type { KnownConnector } from './known-connector.ts';
import type { Finding } from './finding.ts';
import type { LoadedPolicy, Placed } from './load.ts';

/** All findings about entitlements. */
export function checkEntitlements(loaded: LoadedPolicy, knownConnectors: readonly KnownConnector[]): Finding[] {
  const { entitlements } = loaded;
  return [
    ...duplicates(
      entitlements,
      'id',
      ({ id }) => id,
      (id) => `entitlement ${id} stands in the policy already`,
    ),
    ...duplicates(
      entitlements,
      'vendorId',
      ({ system, vendorId }) => `${system} ${vendorId}`,
      () => 'another entitlement has this system and vendorId already; expected one entitlement for each',
    ),
    ...entitlements.flatMap((entitlement) => checkEntitlement(entitlement, loaded, knownConnectors)),
  ];
}

function checkEntitlement(
  { value, findingAt }: Placed<EntitlementPolicy>,
  loaded: LoadedPolicy,
  knownConnectors: readonly KnownConnector[],
): Finding[] {
  const findings: Finding[] = [];
  const system = loaded.systems.find((entry) => entry.value.id === value.system)?.value;
  const connector = knownConnectors.find(({ id }) => id === system?.connector);
  if (system === undefined) findings.push(findingAt(['system'], `unknown system ${value.system}`));
  if (connector !== undefined && connector.kind !== 'target') {
    findings.push(findingAt(['system'], `system ${value.system} holds no accounts, and so no entitlements`));
  }
  if (system !== undefined && !value.id.startsWith(`${value.system}/`)) {
    findings.push(findingAt(['id'], `expected ${value.system}/<name>, after the system of the entitlement`));
  }
  const owner = personRefProblem(value.owner, loaded, knownConnectors);
  if (owner !== null) findings.push(findingAt(['owner'], owner));
  if (value.expiresAfter === 0) findings.push(findingAt(['expiresAfter'], 'expected a duration above zero'));
  return findings;
}

/** All findings about routing. */
export function checkRouting(loaded: LoadedPolicy, knownConnectors: readonly KnownConnector[]): Finding[] {
  if (loaded.routing === null) return [];
  const { value, findingAt } = loaded.routing;
  const findings: Finding[] = [];
  if (value.autoApproveBelowRisk > value.escalateAboveRisk) {
    findings.push(findingAt(['autoApproveBelowRisk'], 'expected at most escalateAboveRisk'));
  }
  if (value.remindAfter >= value.expireAfter)
    findings.push(findingAt(['remindAfter'], 'expected less than expireAfter'));
  for (const [position, ref] of value.security.entries()) {
    const problem = personRefProblem(ref, loaded, knownConnectors);
    if (problem !== null) findings.push(findingAt(['security', position], problem));
  }
  const fallback = personRefProblem(value.fallbackOwner, loaded, knownConnectors);
  if (fallback !== null) findings.push(findingAt(['fallbackOwner'], fallback));
  return findings;
}

/** All findings about lifecycle rules. */
export function checkLifecycle(loaded: LoadedPolicy): Finding[] {
  if (loaded.lifecycle === null) return [];
  const { value, findingAt } = loaded.lifecycle;
  const findings: Finding[] = [];
  const unknownZone = 'unknown time zone; expected an IANA name such as Europe/Berlin';
  if (!isTimeZone(value.zones.default)) findings.push(findingAt(['zones', 'default'], unknownZone));
  for (const [location, zone] of Object.entries(value.zones.byLocation)) {
    if (!isTimeZone(zone)) findings.push(findingAt(['zones', 'byLocation', location], unknownZone));
  }
  if (value.leavers.maxPerHour > value.leavers.maxPerDay) {
    findings.push(findingAt(['leavers', 'maxPerHour'], 'expected at most maxPerDay'));
  }
  return findings;
}

function isTimeZone(name: string): boolean {
  // Node also takes offsets such as +02:00, which know no summer time.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
