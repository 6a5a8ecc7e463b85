/** Runs the examples of a policy, without server or database: each expectation that does not hold is a finding with its line. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { birthrightsOf, type Birthright } from '../domain/birthrights.ts';
import { matchProfiles } from '../domain/match-profiles.ts';
import type { PolicyIndex } from '../domain/policy-index.ts';
import type { PersonFacts } from '../schemas/facts.ts';
import { PolicyExamples, type ExamplePerson, type PolicyExample } from '../schemas/policy-examples.ts';
import { sortFindings, type Finding, type PathKey } from './finding.ts';
import { parseYamlFile } from './policy-file.ts';

export interface ExamplesRun {
  exampleCount: number;
  failedCount: number;
  findings: Finding[];
}

/** The folder of examples inside a policy folder. */
export const examplesFolder = 'examples';

/** Reads `examples/*.yaml` of a policy folder; none when there is no such folder. */
export async function readExampleFiles(policyFolder: string): Promise<{ name: string; text: string }[]> {
  const folder = join(policyFolder, examplesFolder);
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => ({
      name: `${examplesFolder}/${name}`,
      text: await readFile(join(folder, name), 'utf8'),
    })),
  );
}

/** Runs all examples of all files. A file that does not have the shape is a finding and fails as one example. */
export function runExamples(files: readonly { name: string; text: string }[], index: PolicyIndex): ExamplesRun {
  const run: ExamplesRun = { exampleCount: 0, failedCount: 0, findings: [] };
  for (const { name, text } of files) {
    const file = parseYamlFile(name, text, PolicyExamples);
    run.findings.push(...file.findings);
    if (file.document === null) {
      run.exampleCount += 1;
      run.failedCount += 1;
      continue;
    }
    for (const [position, example] of file.document.examples.entries()) {
      const at: At = (path, message) => file.findingAt(['examples', position, ...path], `${example.name}: ${message}`);
      const findings = runExample(example, index, at);
      run.exampleCount += 1;
      run.failedCount += findings.length > 0 ? 1 : 0;
      run.findings.push(...findings);
    }
  }
  return { ...run, findings: sortFindings(run.findings) };
}

type At = (path: readonly PathKey[], message: string) => Finding;

function runExample(example: PolicyExample, index: PolicyIndex, at: At): Finding[] {
  const facts = factsOf(example.person);
  const { birthrights } = birthrightsOf(facts, index);
  const rights = new Map(birthrights.map((birthright) => [birthright.entitlement.id, birthright]));
  return [
    ...checkProfiles(example, facts, index, at),
    ...checkEntitlements(example, rights, index, at),
    ...(example.never ?? []).flatMap((id, position) => {
      if (!index.entitlementById.has(id)) return [at(['never', position], `the policy has no entitlement ${id}`)];
      const right = rights.get(id);
      if (right === undefined) return [];
      return [at(['never', position], `${id} comes by profile ${right.profileId}; expected that it never does`)];
    }),
  ];
}

function checkProfiles(example: PolicyExample, facts: PersonFacts, index: PolicyIndex, at: At): Finding[] {
  if (example.profiles === undefined) return [];
  const expected = example.profiles.toSorted();
  const actual = matchProfiles(facts, index).map(({ profile }) => profile.id);
  if (expected.join(' ') === actual.join(' ')) return [];
  return [at(['profiles'], `profiles ${listText(actual)} match; expected ${listText(expected)}`)];
}

function checkEntitlements(
  example: PolicyExample,
  rights: ReadonlyMap<string, Birthright>,
  index: PolicyIndex,
  at: At,
): Finding[] {
  if (example.entitlements === undefined) return [];
  const expected = example.entitlements;
  const surplus = [...rights.keys()].filter((id) => !Object.hasOwn(expected, id));
  const findings =
    surplus.length === 0 ? [] : [at(['entitlements'], `${listText(surplus)} come too; expected none of them`)];
  for (const [id, want] of Object.entries(expected)) {
    const right = rights.get(id);
    const place: PathKey[] = ['entitlements', id];
    if (!index.entitlementById.has(id)) findings.push(at(place, `the policy has no entitlement ${id}`));
    else if (right === undefined) findings.push(at(place, `${id} does not come by any profile; expected it`));
    else
      findings.push(...checkRight(right, want ?? {}, (path, message) => at([...place, ...path], `${id}: ${message}`)));
  }
  return findings;
}

type ExpectedRight = NonNullable<NonNullable<PolicyExample['entitlements']>[string]>;

function checkRight(right: Birthright, want: ExpectedRight, at: At): Finding[] {
  const findings: Finding[] = [];
  if (want.route !== undefined) {
    const expected = want.route === 'policy' ? 'policy' : want.route.toSorted().join(', ');
    const actual = right.roles.length === 0 ? 'policy' : right.roles.toSorted().join(', ');
    if (actual !== expected) findings.push(at(['route'], `decided by ${actual}; expected ${expected}`));
  }
  if (want.risk !== undefined && want.risk !== right.risk) {
    findings.push(at(['risk'], `risk ${String(right.risk)}; expected ${String(want.risk)}`));
  }
  const isConflict = right.conflicts.length > 0;
  if (want.isConflict !== undefined && want.isConflict !== isConflict) {
    findings.push(at(['isConflict'], isConflict ? right.conflicts.join('; ') : 'no profiles exclude each other'));
  }
  return findings;
}

/** Facts about somebody who does not exist: nothing but what the example says is known. */
export function factsOf(person: ExamplePerson): PersonFacts {
  return {
    sourceKey: 'example',
    givenName: 'Example',
    familyName: 'Person',
    displayName: 'Example Person',
    workEmail: person.workEmail ?? null,
    title: person.title ?? null,
    department: person.department ?? null,
    division: person.division ?? null,
    location: person.location ?? null,
    employmentType: person.employmentType,
    managerKey: person.managerKey ?? null,
    startDate: person.startDate ?? '2000-01-01',
    endDate: null,
    isTerminated: false,
  };
}

function listText(ids: readonly string[]): string {
  return ids.length === 0 ? 'none' : ids.join(', ');
}
