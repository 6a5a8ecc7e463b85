import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { checkPolicy, checkPolicySources } from '../../src/policy/check.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { findingText } from '../../src/policy/finding.ts';
import { checkWith, connectors, goodSources, rightsYaml, rulesYaml, systemsYaml } from './support.ts';

describe('policy check', () => {
  test('a right policy has no findings, and its defaults are filled in', () => {
    const { policy, findings } = checkPolicySources(goodSources, connectors);
    expect(findings).toEqual([]);
    expect(policy?.systems.map(({ id }) => id)).toEqual(['crm', 'hr', 'okta', 'tickets']);
    expect(policy?.routing).toMatchObject({ autoApproveBelowRisk: 3, escalateAboveRisk: 6, remindAfter: 259_200 });
    expect(policy?.entitlements.find(({ id }) => id === 'crm/sales')?.expiresAfter).toBe(7_776_000);
  });

  test.each<[string, string, string, string, string]>([
    // Shape
    ['systems.yaml', 'displayName: CRM', 'displayNam: CRM', 'systems.yaml:18:5', 'unknown key'],
    [
      'systems.yaml',
      '    owner: hr/2\n    masteredBy',
      '    masteredBy',
      'systems.yaml:16:5',
      'systems[2].owner: missing',
    ],
    ['systems.yaml', 'id: crm\n', 'id: CRM\n', 'systems.yaml:16:9', 'lower-case slug'],
    ['systems.yaml', 'owner: hr/1', 'owner: Anna', 'systems.yaml:6:12', 'expected <hris system>/<key>'],
    ['rights.yaml', 'riskPoints: 3.5', 'riskPoints: 11', 'rights.yaml:13:17', '<=10'],
    ['rights.yaml', 'dataClass: none', 'dataClass: secret', 'rights.yaml:7:16', '"financial"'],
    ['rights.yaml', 'expiresAfter: 90d', 'expiresAfter: soon', 'rights.yaml:16:19', 'expected a duration'],
    ['rights.yaml', 'attributes:', 'atributes:', 'rights.yaml:32:1', 'unknown key'],
    ['rights.yaml', 'name: location', 'name: salary', 'rights.yaml:36:13', '"division"'],
    ['rules.yaml', 'fallbackOwner: hr/6', 'fallbackOwner: [hr/6]', 'rules.yaml:3:18', 'expected string'],
    ['rules.yaml', '  fallbackOwner: hr/6\n', '', 'rules.yaml:2:3', 'routing.fallbackOwner: missing'],
    // YAML
    [
      'rights.yaml',
      'grants: [okta/everyone]\n  - id: sales',
      'grants: [okta/everyone\n  - id: sales',
      'rights.yaml:22:3',
      'not valid YAML',
    ],
    ['rules.yaml', 'routing:\n', 'routing: {}\nrouting:\n', 'rules.yaml:2:1', 'not valid YAML: duplicate key'],
    ['rules.yaml', 'fallbackOwner: hr/6', 'fallbackOwner: *who', 'rules.yaml:3:18', 'alias'],
    // Ids
    ['systems.yaml', 'id: tickets', 'id: crm', 'systems.yaml:24:9', 'system crm stands in the policy already'],
    [
      'rights.yaml',
      'id: crm/sales\n    system: crm',
      'id: okta/everyone\n    system: okta',
      'rights.yaml:9:9',
      'stands in the policy already',
    ],
    ['rights.yaml', 'id: audit', 'id: sales', 'rights.yaml:28:9', 'profile sales stands in the policy already'],
    [
      'rights.yaml',
      'name: title',
      'name: department',
      'rights.yaml:35:13',
      'attribute department stands in the policy already',
    ],
    ['rights.yaml', 'id: crm/sales', 'id: okta/sales', 'rights.yaml:9:9', 'expected crm/<name>'],
    // References
    [
      'systems.yaml',
      'connector: scim',
      'connector: skim',
      'systems.yaml:17:16',
      'unknown connector skim; expected one of bamboohr, okta',
    ],
    ['rights.yaml', 'system: crm', 'system: crn', 'rights.yaml:10:13', 'unknown system crn'],
    ['rights.yaml', '- crm/sales\n', '- crm/sale\n', 'rights.yaml:26:9', 'unknown entitlement crm/sale'],
    [
      'rights.yaml',
      'grants: [okta/everyone]\n  - id: sales',
      'grants: [okta/everyone, okta/everyone]\n  - id: sales',
      'rights.yaml:21:29',
      'stands in the list already',
    ],
    ['rights.yaml', 'excludes: [audit]', 'excludes: [audits]', 'rights.yaml:27:16', 'unknown profile audits'],
    ['systems.yaml', 'owner: hr/1', 'owner: hris/1', 'systems.yaml:6:12', 'unknown system hris'],
    ['systems.yaml', 'owner: hr/1', 'owner: okta/1', 'systems.yaml:6:12', 'is no HRIS'],
    ['rights.yaml', 'owner: hr/3', 'owner: hris/3', 'rights.yaml:12:12', 'unknown system hris'],
    ['rules.yaml', 'security: [hr/4, hr/5]', 'security: [hr/4, crm/5]', 'rules.yaml:2:20', 'is no HRIS'],
    ['rules.yaml', 'fallbackOwner: hr/6', 'fallbackOwner: x/6', 'rules.yaml:3:18', 'unknown system x'],
    [
      'rights.yaml',
      'id: crm/sales\n    system: crm',
      'id: tickets/sales\n    system: tickets',
      'rights.yaml:10:13',
      'holds no accounts',
    ],
    [
      'systems.yaml',
      'displayName: Tickets',
      'displayName: Tickets\n    authenticates: true',
      'systems.yaml:27:20',
      'only a system that holds accounts',
    ],
    // Filters
    ['rights.yaml', 'when: employmentType pr', 'when: employmentType', 'rights.yaml:20:25', 'ends too early'],
    [
      'rights.yaml',
      'when: employmentType pr',
      'when: division pr',
      'rights.yaml:20:11',
      'unknown attribute division; expected one of department, employmentType, title',
    ],
    ['rights.yaml', 'and not (title co', 'and not (location co', 'rights.yaml:24:42', 'useFor: audit'],
    ['rights.yaml', `'department eq "Audit"'`, `'department == "Audit"'`, 'rights.yaml:30:23', 'unexpected character'],
    [
      'rights.yaml',
      `'department eq "Audit"'`,
      `>-\n      department\n      is "Audit"`,
      'rights.yaml:30:11',
      'at character 12 of the filter',
    ],
    // Contradictions
    ['rights.yaml', 'excludes: [audit]', 'excludes: [sales]', 'rights.yaml:27:16', 'cannot exclude itself'],
    [
      'rights.yaml',
      'id: crm/sales\n    system: crm',
      'id: okta/sales\n    system: okta',
      'rights.yaml:11:15',
      'another entitlement has this system and vendorId already',
    ],
    ['rights.yaml', 'expiresAfter: 90d', 'expiresAfter: 0d', 'rights.yaml:16:19', 'above zero'],
    [
      'rules.yaml',
      'fallbackOwner: hr/6',
      'fallbackOwner: hr/6\n  autoApproveBelowRisk: 6.1',
      'rules.yaml:4:25',
      'at most escalateAboveRisk',
    ],
    [
      'rules.yaml',
      'fallbackOwner: hr/6',
      'fallbackOwner: hr/6\n  remindAfter: 14d',
      'rules.yaml:4:16',
      'less than expireAfter',
    ],
    ['rules.yaml', 'lifecycle:', 'lifecycle:\n  leavers: { maxPerHour: 30 }', 'rules.yaml:5:26', 'at most maxPerDay'],
    ['systems.yaml', 'masteredBy: okta', 'masteredBy: octa', 'systems.yaml:20:17', 'unknown system octa'],
    ['systems.yaml', 'masteredBy: okta', 'masteredBy: crm', 'systems.yaml:20:17', 'its own master'],
    ['rules.yaml', 'default: Europe/Berlin', 'default: Europe/Berlyn', 'rules.yaml:6:14', 'unknown time zone'],
    ['rules.yaml', 'Austin: America/Chicago', 'Austin: "-06:00"', 'rules.yaml:8:15', 'unknown time zone'],
    // Secrets
    [
      'systems.yaml',
      'token: ${secret:crm.token}',
      'token: abc',
      'systems.yaml:22:14',
      'must not stand here in clear; expected ${secret:crm.<name>}',
    ],
    [
      'systems.yaml',
      'token: ${secret:crm.token}',
      'token: 12345',
      'systems.yaml:22:14',
      'must not stand here in clear',
    ],
    [
      'systems.yaml',
      'token: ${secret:crm.token}',
      'token: [abc]',
      'systems.yaml:22:15',
      'must not stand here in clear',
    ],
    [
      'systems.yaml',
      'token: ${secret:crm.token}',
      'token: ${secret:okta.token}',
      'systems.yaml:22:14',
      'a secret of system okta is not readable here',
    ],
    [
      'systems.yaml',
      'pageMax: 50',
      'pageMax: "${secret:okta.token}"',
      'systems.yaml:23:26',
      'a secret of system okta is not readable here',
    ],
    [
      'systems.yaml',
      'token: ${secret:crm.token}',
      'token: Bearer ${secret:crm.token}',
      'systems.yaml:22:14',
      'and nothing else',
    ],
    [
      'systems.yaml',
      'token: ${secret:crm.token}',
      'token: ${secret.crm.token}',
      'systems.yaml:22:14',
      'and nothing else',
    ],
  ])('%s with %j as %j is found, at its line and column', (name, from, to, place, message) => {
    const { policy, findings } = checkWith(name, from, to);
    const atPlace = findings.map(findingText).filter((text) => text.startsWith(`${place}: `));
    expect(atPlace).toContainEqual(expect.stringContaining(message));
    expect(policy).toBeNull();
  });

  test('a circle of masters is found at each of its systems', () => {
    const { findings } = checkWith(
      'systems.yaml',
      'isIdentityProvider: true',
      'isIdentityProvider: true\n    masteredBy: crm',
    );
    expect(findings.map(({ path }) => path)).toEqual(['systems[1].masteredBy', 'systems[2].masteredBy']);
  });

  test('a finding never quotes a secret that was given in clear', () => {
    const texts = [
      checkWith('systems.yaml', 'token: ${secret:crm.token}', 'token: hunter2hunter2'),
      checkWith('systems.yaml', 'token: ${secret:crm.token}', 'token: ${secret:hunter2hunter2}'),
      checkWith('systems.yaml', 'token: ${secret:crm.token}', 'token: "hunter2hunter2'),
      checkWith(
        'systems.yaml',
        'config:\n      token: ${secret:crm.token}',
        'config: hunter2hunter2\n    apikey:\n      hunter2hunter2: x',
      ),
    ].map(({ findings }) => JSON.stringify(findings.map(({ message }) => message)));
    for (const text of texts) {
      expect(text).not.toBe('[]');
      expect(text).not.toContain('hunter2');
    }
  });

  test('a config that its connector would refuse is found before it is in force; secrets count as given', () => {
    const strict = connectors.map((known) =>
      known.id === 'scim'
        ? {
            ...known,
            configSchema: z.strictObject({
              token: z.string().min(100),
              quirks: z.object({ pageMax: z.int().max(10) }),
            }),
          }
        : known,
    );
    const right = systemsYaml.replace('pageMax: 50', 'pageMax: 5');
    const check = (text: string) =>
      checkPolicySources(
        [...goodSources.filter(({ name }) => name !== 'systems.yaml'), { name: 'systems.yaml', text }],
        strict,
      );
    expect(check(right).findings).toEqual([]);
    expect(check(systemsYaml).findings.map(({ path }) => path)).toEqual(['systems[2].config.quirks.pageMax']);
    const misspelt = check(right.replace('token: ${secret:crm', 'tokn: ${secret:crm')).findings;
    expect(misspelt.map(({ path }) => path)).toEqual(['systems[2].config', 'systems[2].config.token']);
    expect(misspelt.every(({ line }) => line > 0)).toBe(true);
  });

  test('routing and lifecycle stand in one file only, and must stand somewhere', () => {
    const twice = checkPolicySources([...goodSources, { name: 'zz.yaml', text: rulesYaml }], connectors);
    expect(twice.findings.map(findingText)).toEqual([
      'zz.yaml:1:1: routing: routing stands in rules.yaml already; expected it in one file only',
      'zz.yaml:4:1: lifecycle: lifecycle stands in rules.yaml already; expected it in one file only',
    ]);
    const never = checkPolicySources(
      goodSources.filter(({ name }) => name !== 'rules.yaml'),
      connectors,
    );
    expect(never.findings.map(findingText)).toEqual(['no file has the key lifecycle', 'no file has the key routing']);
  });

  test('the findings of several files come together, in the order of file and line', () => {
    const broken = [
      { name: 'b.yaml', text: 'systems: 1\nprofiles: 2\n' },
      { name: 'a.yaml', text: 'routing: 3\n' },
    ];
    const { findings } = checkPolicySources(broken, connectors);
    expect(findings.map(({ file, line, path }) => [file, line, path])).toEqual([
      ['a.yaml', 1, 'routing'],
      ['b.yaml', 1, 'systems'],
      ['b.yaml', 2, 'profiles'],
    ]);
  });

  test('the version depends on the content, not on files, order or comments', () => {
    const hash = (sources: typeof goodSources): string => {
      const { policy } = checkPolicySources(sources, connectors);
      if (policy === null) throw new Error('expected a policy without findings');
      return compilePolicy(policy).policyHash;
    };
    const inOne = [{ name: 'all.yaml', text: `# one file\n${rulesYaml}${systemsYaml}${rightsYaml}` }];
    expect(hash(inOne)).toBe(hash(goodSources));
    const explicit = [
      { name: 'all.yaml', text: inOne[0]?.text.replace('routing:', 'routing:\n  expireAfter: 14d') ?? '' },
    ];
    expect(hash(explicit)).toBe(hash(goodSources));
    const other = [{ name: 'all.yaml', text: inOne[0]?.text.replace('riskPoints: 3.5', 'riskPoints: 3.6') ?? '' }];
    expect(hash(other)).not.toBe(hash(goodSources));
  });
});

describe('policy folder', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'usher-policy-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test('every .yaml and .yml file counts, and nothing else', async () => {
    await mkdir(join(folder, 'old.yaml'));
    await writeFile(join(folder, 'notes.txt'), 'systems: nonsense');
    await writeFile(join(folder, 'empty.yaml'), '# nothing yet\n');
    await writeFile(join(folder, 'rest.yml'), `${rightsYaml}${rulesYaml}`);
    await writeFile(join(folder, 'systems.yaml'), systemsYaml);
    expect((await checkPolicy(folder, connectors)).findings).toEqual([]);
  });

  test('of two files that hold the same thing the later by name is at fault', async () => {
    await writeFile(join(folder, '2.yaml'), `${systemsYaml}${rulesYaml}`);
    await writeFile(join(folder, '10.yaml'), rightsYaml + rulesYaml);
    const { findings } = await checkPolicy(folder, connectors);
    expect(findings.map(({ file, path }) => [file, path])).toEqual([
      ['2.yaml', 'routing'],
      ['2.yaml', 'lifecycle'],
    ]);
  });

  test('an empty folder is one finding', async () => {
    expect((await checkPolicy(folder, connectors)).findings.map(findingText)).toEqual([
      'the folder holds no .yaml file',
    ]);
  });
});
