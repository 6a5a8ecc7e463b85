/** Checks of the systems of a policy: connectors, owners, masters and secrets. */
import type { SystemPolicy } from '../schemas/policy.ts';
import { duplicates, personRefProblem } from './check-ids.ts';
import type { Finding } from './finding.ts';
import type { KnownConnector } from './known-connector.ts';
import type { LoadedPolicy, Placed } from './load.ts';
import { mentionsSecret, parseSecretRef, textsIn } from './secrets.ts';

/** All findings about systems. */
export function checkSystems(loaded: LoadedPolicy, knownConnectors: readonly KnownConnector[]): Finding[] {
  const { systems } = loaded;
  return [
    ...duplicates(
      systems,
      'id',
      ({ id }) => id,
      (id) => `system ${id} stands in the policy already`,
    ),
    ...systems.flatMap((system) => [
      ...checkConnector(system, knownConnectors),
      ...checkOwner(system, loaded, knownConnectors),
      ...checkMaster(system, systems),
      ...checkSecrets(system, knownConnectors),
      ...checkConfig(system, knownConnectors),
    ]),
  ];
}

function checkConnector({ value, findingAt }: Placed<SystemPolicy>, known: readonly KnownConnector[]): Finding[] {
  const connector = known.find(({ id }) => id === value.connector);
  if (connector === undefined) {
    const ids = known.map(({ id }) => id).toSorted();
    return [findingAt(['connector'], `unknown connector ${value.connector}; expected one of ${ids.join(', ')}`)];
  }
  if (connector.kind === 'target') return [];
  const flags = (['authenticates', 'isIdentityProvider'] as const).filter((flag) => value[flag]);
  return flags.map((flag) =>
    findingAt([flag], `only a system that holds accounts can have this; ${connector.id} does not`),
  );
}

function checkOwner(
  { value, findingAt }: Placed<SystemPolicy>,
  loaded: LoadedPolicy,
  knownConnectors: readonly KnownConnector[],
): Finding[] {
  const problem = personRefProblem(value.owner, loaded, knownConnectors);
  return problem === null ? [] : [findingAt(['owner'], problem)];
}

function checkMaster({ value, findingAt }: Placed<SystemPolicy>, systems: readonly Placed<SystemPolicy>[]): Finding[] {
  const masterOf = (id: string): string | null | undefined =>
    systems.find((system) => system.value.id === id)?.value.masteredBy;
  if (value.masteredBy === null) return [];
  if (!systems.some((system) => system.value.id === value.masteredBy)) {
    return [findingAt(['masteredBy'], `unknown system ${value.masteredBy}`)];
  }
  const visited = new Set<string>();
  let master: string | null | undefined = value.masteredBy;
  while (master !== null && master !== undefined && !visited.has(master)) {
    if (master === value.id)
      return [findingAt(['masteredBy'], `system ${value.id} would be its own master, directly or in a circle`)];
    visited.add(master);
    master = masterOf(master);
  }
  return [];
}

function checkSecrets({ value, findingAt }: Placed<SystemPolicy>, known: readonly KnownConnector[]): Finding[] {
  const secretFields = known.find(({ id }) => id === value.connector)?.secretFields ?? [];
  const expected = `expected \${secret:${value.id}.<name>}`;
  const inTexts = textsIn(value.config).flatMap(({ path, text }) => {
    const ref = parseSecretRef(text);
    const place = ['config', ...path];
    if (ref !== null) {
      if (ref.system === value.id) return [];
      return [findingAt(place, `a secret of system ${ref.system} is not readable here; ${expected}`)];
    }
    if (mentionsSecret(text)) return [findingAt(place, `${expected} and nothing else`)];
    return secretFields.includes(String(path[0]))
      ? [findingAt(place, `a secret must not stand here in clear; ${expected}`)]
      : [];
  });
  // A number is as good a password as a text.
  const others = secretFields.flatMap((field) => {
    const given = Object.hasOwn(value.config, field) ? value.config[field] : undefined;
    const isClear = typeof given === 'number' || typeof given === 'boolean';
    return isClear ? [findingAt(['config', field], `a secret must not stand here in clear; ${expected}`)] : [];
  });
  return [...inTexts, ...others];
}

/** What the connector would refuse when it opens. Values that are secrets are known to the processes only. */
function checkConfig({ value, findingAt }: Placed<SystemPolicy>, known: readonly KnownConnector[]): Finding[] {
  const schema = known.find(({ id }) => id === value.connector)?.configSchema;
  const result = schema?.safeParse(value.config);
  if (result === undefined || result.success) return [];
  const isSecret = (path: readonly PropertyKey[]): boolean => {
    const given = path.reduce<unknown>((at, key) => (isRecord(at) ? at[String(key)] : undefined), value.config);
    return typeof given === 'string' && mentionsSecret(given);
  };
  return result.error.issues
    .filter(({ path }) => !isSecret(path))
    .map(({ path, message }) =>
      findingAt(
        ['config', ...path.map((key) => (typeof key === 'number' ? key : String(key)))],
        `the connector ${value.connector} cannot use this: ${message}`,
      ),
    );
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
