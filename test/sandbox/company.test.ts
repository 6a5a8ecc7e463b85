import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { companyEmployees } from '../../sandbox/company.ts';
import { companyOktaGroups, companyOktaUsers, scimSeedOf, scimSystems } from '../../sandbox/company-access.ts';
import { morningJoiners } from '../../sandbox/morning.ts';
import { runCompany, type RunningCompany } from '../../sandbox/run-company.ts';
import { connectorById } from '../../src/connectors/registry.ts';
import { matchProfiles } from '../../src/domain/match-profiles.ts';
import { checkPolicy } from '../../src/policy/check.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { knownConnectors } from '../../src/policy/known-connector.ts';
import { client } from './support.ts';

const definitions = ['bamboohr', 'okta', 'scim', 'servicenow'].flatMap((id) => connectorById(id) ?? []);

async function companyPolicy() {
  const folder = new URL('../../sandbox/policies', import.meta.url).pathname;
  const { policy, findings } = await checkPolicy(folder, knownConnectors(definitions));
  if (policy === null) throw new Error(JSON.stringify(findings, null, 2));
  return compilePolicy(policy);
}

function factsOf(person: {
  jobTitle: string | null;
  department: string | null;
  location: string | null;
  employmentHistoryStatus?: string | undefined;
}) {
  return {
    title: person.jobTitle,
    department: person.department,
    division: null,
    location: person.location,
    employmentType: person.employmentHistoryStatus === 'Contractor' ? ('contractor' as const) : ('employee' as const),
    managerKey: null,
    startDate: '2026-03-02',
    workEmail: null,
  };
}

/** Vendor ids of groups by the key of the person, as the seed has it. */
function heldBySeed(): Map<string, string[]> {
  const held = new Map<string, string[]>();
  const add = (key: unknown, groupId: string) =>
    held.set(String(key), [...(held.get(String(key)) ?? []), groupId].toSorted());
  for (const group of companyOktaGroups) {
    for (const id of group.memberIds) {
      add(companyOktaUsers.find((user) => user.id === id)?.profile['employeeNumber'], group.id);
    }
  }
  for (const { users, groups } of scimSystems.map(scimSeedOf)) {
    for (const group of groups) {
      for (const id of group.memberIds) add(users.find((user) => user.id === id)?.attributes['externalId'], group.id);
    }
  }
  return held;
}

describe('seed and policy', () => {
  test('the policy has no findings and every entitlement exists at its vendor', async () => {
    const { policy } = await companyPolicy();
    const existing = [
      ...companyOktaGroups.map(({ id }) => `okta ${id}`),
      ...scimSystems.flatMap((system) => scimSeedOf(system).groups.map(({ id }) => `${system} ${id}`)),
    ];
    expect(policy.entitlements.map(({ system, vendorId }) => `${system} ${vendorId}`).toSorted()).toEqual(
      existing.toSorted(),
    );
  });

  test('the config of every system is one that its connector takes', async () => {
    const { policy } = await companyPolicy();
    for (const system of policy.systems) {
      const resolved = Object.fromEntries(
        Object.entries(system.config).map(([name, value]) => [
          name,
          name === 'url' ? 'http://127.0.0.1:1' : typeof value === 'string' ? 'secret' : value,
        ]),
      );
      expect(connectorById(system.connector)?.configSchema.safeParse(resolved).error).toBeUndefined();
    }
  });

  test('people hold what the profiles say, but for one right that nobody remembers', async () => {
    const { policy, index } = await companyPolicy();
    const held = heldBySeed();
    const surprises = companyEmployees.flatMap((employee) => {
      const granted = matchProfiles(factsOf(employee), index).flatMap(({ profile }) => profile.grants);
      const expected = policy.entitlements.filter(({ id }) => granted.includes(id)).map(({ vendorId }) => vendorId);
      const actual = held.get(employee.id) ?? [];
      return [
        ...actual.filter((id) => !expected.includes(id)).map((id) => `${employee.id} +${id}`),
        ...expected.filter((id) => !actual.includes(id)).map((id) => `${employee.id} -${id}`),
      ];
    });
    expect(surprises).toEqual(['123 +warehouse-product-analytics']);
  });

  test('managers and the people whom policy names exist, and all three zones are known', async () => {
    const { policy } = await companyPolicy();
    const ids = new Set(companyEmployees.map(({ id }) => id));
    const named = [
      ...policy.routing.security,
      policy.routing.fallbackOwner,
      ...policy.entitlements.map((e) => e.owner),
    ];
    expect(named.filter((ref) => !ids.has(ref.replace('bamboohr/', '')))).toEqual([]);
    expect(companyEmployees.filter((e) => e.supervisorEId !== null && !ids.has(e.supervisorEId))).toEqual([]);
    const zones = companyEmployees.map((e) => policy.lifecycle.zones.byLocation[e.location ?? '']);
    expect(zones).not.toContain(undefined);
    expect(new Set(zones).size).toBeGreaterThanOrEqual(3);
  });

  test('the joiners of the morning take six different ways through the policy', async () => {
    const { index } = await companyPolicy();
    const profiles = morningJoiners.map(({ person }) =>
      matchProfiles(factsOf(person), index).map(({ profile }) => profile.id),
    );
    expect(profiles).toEqual([
      ['engineer'],
      ['sales'],
      ['site-reliability'],
      ['engineer-contractor'],
      ['financial-analyst'],
      [],
    ]);
  });
});

describe('the running company', () => {
  let dataDir: string;
  let running: RunningCompany | null;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'sandbox-'));
    running = null;
  });
  afterEach(async () => {
    await running?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const start = async (): Promise<RunningCompany> => {
    running = await runCompany({ dataDir, portBase: 20_000 + (process.pid % 20_000) });
    return running;
  };

  test('the morning happens once: six start, two leave, the wiki is down and the CRM is about to lie', async () => {
    const { company, addresses } = await start();
    const control = client(addresses.control, '');
    const morning = (await control('POST', '/_sandbox/morning')).body;
    expect([morning['joiners'], morning['leavers']]).toMatchObject([{ length: 6 }, [{ id: '115' }, { id: '122' }]]);
    expect(company.bamboohr.hr.get('115').isInactive).toBe(true);
    expect(company.okta.state.users['00ujuniperlane000115']?.status).toBe('LOCKED_OUT');
    expect(company.okta.sessionsOf('00ujuniperlane000122')).toHaveLength(2);
    expect(company.wiki.faults.isDown).toBe(true);
    expect(company.crm.faults.pending.map(({ rule }) => rule.kind)).toEqual(['lie', 'lie']);
    expect((await control('POST', '/_sandbox/morning')).status).toBe(409);
  });

  test('a restart goes on where the company stopped, at the same addresses and with the same secrets', async () => {
    const first = await start();
    const { id } = first.company.bamboohr.hr.hire({
      firstName: 'Ada',
      lastName: 'Byron',
      jobTitle: null,
      department: null,
      location: null,
    });
    first.company.okta.forceStatus('00ujuniperlane000114', 'SUSPENDED');
    await first.stop();
    const second = await start();
    expect(second.addresses).toEqual(first.addresses);
    expect(second.company.bamboohr.hr.get(id).firstName).toBe('Ada');
    expect(second.company.okta.canLogIn('00ujuniperlane000114')).toBe(false);
    expect(second.company.okta.exportState()).toEqual(first.company.okta.exportState());
  });
});
