/** Examples of a policy: those of the sample company hold, and each that does not is named with file and line. */
import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { policyChanges } from '../../src/domain/policy-changes.ts';
import { diffRights, type Right } from '../../src/domain/rights-diff.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { findingText } from '../../src/policy/finding.ts';
import { policyPlaces } from '../../src/policy/policy-places.ts';
import { readPolicyFiles } from '../../src/policy/read-policy.ts';
import { readPolicyFolder } from '../../src/policy/load.ts';
import { readExampleFiles, runExamples } from '../../src/policy/run-examples.ts';
import { installedConnectors } from '../../src/use-cases/installed-connectors.ts';

const folder = resolve('sandbox/policies');
const files = await readPolicyFolder(folder);
const read = readPolicyFiles(files, installedConnectors());
const { index } = compilePolicy(read.policy);
const run = (text: string) => runExamples([{ name: 'examples/a.yaml', text }], index);

describe('examples', () => {
  it('of the sample company hold', async () => {
    const result = runExamples(await readExampleFiles(folder), index);
    expect(result).toMatchObject({ failedCount: 0, findings: [] });
    expect(result.exampleCount).toBeGreaterThan(3);
  });

  it.each([
    ['profiles: [sales]', ':4:15: examples[0].profiles: x: profiles engineer match; expected sales'],
    ['never: [okta/vpn]', 'okta/vpn comes by profile engineer'],
    ['entitlements: {}', 'okta/vpn, wiki/editor, wiki/reader come too'],
    ['never: [okta/nothing]', 'the policy has no entitlement okta/nothing'],
  ])('%s is a finding', (line, message) => {
    const { findings, failedCount } = run(
      `examples:\n  - name: x\n    person: { department: Engineering, title: Software Engineer }\n    ${line}\n`,
    );
    expect(failedCount).toBe(1);
    expect(findingText(findings[0]!)).toContain(message);
    expect(findings[0]).toMatchObject({ file: 'examples/a.yaml', line: 4 });
  });

  it('check route, risk and conflict of each entitlement', () => {
    const { findings } = run(
      [
        'examples:',
        '  - name: support',
        '    person: { department: Customer Support, title: Agent }',
        '    entitlements:',
        '      okta/employees: { route: [manager] }',
        '      okta/support-desk: { risk: 9 }',
        '      wiki/reader: { isConflict: true }',
        '      crm/reader:',
        '      crm/support: { route: [manager], risk: 4, isConflict: false }',
        '      crm/admin:',
      ].join('\n'),
    );
    expect(findings.map(({ line, message }) => `${String(line)} ${message}`)).toEqual([
      '5 support: okta/employees: decided by policy; expected manager',
      '6 support: okta/support-desk: risk 1.5; expected 9',
      '7 support: wiki/reader: no profiles exclude each other',
      '10 support: crm/admin does not come by any profile; expected it',
    ]);
  });

  it('of the wrong shape fail, with the field', () => {
    const { failedCount, findings } = run('examples:\n  - name: x\n    person: { salary: 1 }\n');
    expect(failedCount).toBe(1);
    expect(findings[0]).toMatchObject({ line: 3, path: 'examples[0].person.salary' });
  });
});

describe('places', () => {
  it('point at the entry, or at a field of it, and at nothing where there is none', () => {
    const places = policyPlaces(files);
    const place = places({ section: 'profiles', id: 'engineer', path: ['when'] });
    const text = files.find(({ name }) => name === place?.file)?.text.split('\n')[(place?.line ?? 0) - 1];
    expect(text).toContain('when:');
    expect(places({ section: 'routing', path: ['expireAfter'] })).toMatchObject({ file: 'rules.yaml' });
    expect(places({ section: 'profiles', id: 'nobody' })).toBeNull();
    expect(policyPlaces([{ name: 'broken.yaml', text: 'profiles: [' }])({ section: 'profiles', id: 'x' })).toBeNull();
  });
});

describe('what differs', () => {
  it('between two policies: entries added, removed, changed, with the fields', () => {
    const [first, ...others] = read.policy.profiles;
    const changed = { ...read.policy, profiles: [{ ...first!, confidence: 0.5 }, ...others.slice(1)] };
    expect(policyChanges(read.policy, changed)).toEqual([
      { kind: 'changed', section: 'profiles', id: first?.id, fields: ['confidence'] },
      { kind: 'removed', section: 'profiles', id: others[0]?.id, fields: [] },
    ]);
    expect(policyChanges(read.policy, read.policy)).toEqual([]);
    expect(policyChanges(null, read.policy).every(({ kind }) => kind === 'added')).toBe(true);
  });

  it('between rights: gained, lost, decided by others', () => {
    const right = (state: Right['state'], ...roles: string[]): Right => ({ state, roles, approverIds: [] });
    const before = new Map([
      ['a', right('justified')],
      ['b', right('asked', 'manager')],
      ['c', right('justified')],
    ]);
    const after = new Map([
      ['b', right('asked', 'owner')],
      ['c', right('justified')],
      ['d', right('justified')],
    ]);
    expect(diffRights(before, after).map(({ kind, entitlementId }) => `${kind} ${entitlementId}`)).toEqual([
      'loses a',
      'routeChanges b',
      'gains d',
    ]);
  });
});
