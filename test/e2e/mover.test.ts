/** Somebody who stays and does something else: what the new role gives comes, what nothing justifies any more goes. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decideByApi, hire, openApproval, openApprovals, untilCase } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** Vendor ids by entitlement, as policy has them. */
async function vendorIds(): Promise<Map<string, string>> {
  const version = await world.workerDeps.policies.active();
  return new Map((version?.policy.entitlements ?? []).map(({ id, vendorId }) => [id, vendorId]));
}

/** Entitlements that the systems say the person holds, by policy's names. */
async function held(...keys: string[]): Promise<string[]> {
  const byVendorId = new Map([...(await vendorIds())].map(([id, vendorId]) => [vendorId, id]));
  const systems = ['okta', 'crm', 'wiki', 'warehouse'] as const;
  return systems
    .flatMap((system) => holdingAt(world, system, keys).groupIds)
    .map((vendorId) => byVendorId.get(vendorId) ?? vendorId)
    .toSorted();
}

/** Somebody at the identity provider put the person into a group, past Usher. */
function addByHand(key: string, groupId: string): void {
  const [accountId = ''] = holdingAt(world, 'okta', [key]).accountIds;
  world.company.okta.state.groups[groupId]?.memberIds.push(accountId);
}

const hr = () => world.company.bamboohr.hr;
const toSales = { jobTitle: 'Account Executive', department: 'Sales', supervisorEId: '105' };

async function engineer(lastName: string): Promise<{ personId: string; key: string }> {
  const { personId, employee } = await hire(world, { firstName: 'Mira', lastName });
  await untilCase(world, personId, 1, 'done');
  return { personId, key: employee.id };
}

describe('an engineer who goes to sales', () => {
  test('loses at once what only the old role gave, gets what policy allows, and is decided about by the new manager and the next level', async () => {
    const { personId, key } = await engineer('Moves');
    expect(await held(personId)).toEqual([
      'okta/employees',
      'okta/engineering',
      'okta/vpn',
      'wiki/editor',
      'wiki/reader',
    ]);
    hr().setFields(key, toSales);
    const approval = await openApproval(world, personId, 2);
    const manager = await world.personId('105');
    const nextLevel = await world.personId('101');
    expect(approval.seats.map(({ approverIds }) => approverIds)).toEqual([[manager], [nextLevel]]);
    expect(approval.items.map(({ entitlementId }) => entitlementId)).toEqual(['crm/sales']);
    // Nobody has decided yet, and the old access is gone already.
    await eventually(
      async () =>
        JSON.stringify(await held(personId)) === JSON.stringify(['crm/reader', 'okta/employees', 'wiki/reader']),
      'old access is gone',
    );
    await decideByApi(world, approval);
    await untilCase(world, personId, 2, 'done');
    expect(await held(personId)).toEqual(['crm/reader', 'crm/sales', 'okta/employees', 'wiki/reader']);
    const grants = await world.ownerDb
      .selectFrom('person_grant')
      .select(['entitlement_id', 'state'])
      .where('person_id', '=', personId)
      .orderBy('entitlement_id')
      .execute();
    expect(grants.filter(({ state }) => state === 'held').map((row) => row.entitlement_id)).toEqual([
      'crm/reader',
      'crm/sales',
      'okta/employees',
      'wiki/reader',
    ]);
    const alerts = await world.ownerDb.selectFrom('alert').select('kind').where('person_id', '=', personId).execute();
    expect(alerts).toEqual([]);
  });
});

describe('a right that two roles give and that people decide about', () => {
  test('is given anew on the decision about the new role, and counts as used from then on', async () => {
    const { personId, employee } = await hire(world, { firstName: 'Vera', lastName: 'Both', ...toSales });
    await decideByApi(world, await openApproval(world, personId, 1));
    await untilCase(world, personId, 1, 'done');
    hr().setFields(employee.id, { jobTitle: 'Support Agent', department: 'Customer Support', supervisorEId: '106' });
    await decideByApi(world, await openApproval(world, personId, 2));
    await untilCase(world, personId, 2, 'done');
    hr().setFields(employee.id, toSales);
    await untilCase(world, personId, 3, 'done', 40_000);
    const row = await world.ownerDb
      .selectFrom('person_grant')
      .selectAll()
      .where('person_id', '=', personId)
      .where('entitlement_id', '=', 'crm/sales')
      .executeTakeFirstOrThrow();
    expect(row.state).toBe('held');
    expect(row.given_again).toHaveLength(1);
    expect(row.given_again[0]?.getTime()).toBeGreaterThan(row.since.getTime());
  });
});

describe('facts that change again while people decide', () => {
  test('withdraw the question that nobody needs answered, and go on with what is still right', async () => {
    const { personId, key } = await engineer('Returns');
    hr().setFields(key, toSales);
    const asked = await openApproval(world, personId, 2);
    hr().setFields(key, { jobTitle: 'Software Engineer', department: 'Engineering', supervisorEId: '103' });
    await eventually(async () => (await openApprovals(world, personId)).length === 0, 'the question is withdrawn');
    await untilCase(world, personId, 2, 'done');
    expect(await held(personId)).toEqual([
      'okta/employees',
      'okta/engineering',
      'okta/vpn',
      'wiki/editor',
      'wiki/reader',
    ]);
    const token = await world.tokenOf(asked.seats[0]?.approverIds[0] ?? '', ['decide']);
    const verdicts = asked.items.map(({ itemDigest }) => ({ itemDigest, verdict: 'approve' }));
    const path = `/api/v1/approvals/${asked.approvalId}/decisions`;
    const answer = await world.api(path, { method: 'POST', token, body: { verdicts, reason: 'late' } });
    expect(answer.status).toBe(409);
  });

  test('leave a question alone that they do not touch: its approval is the same and its decision counts', async () => {
    const { personId, employee } = await hire(world, { firstName: 'Sol', lastName: 'Same', ...toSales });
    const asked = await openApproval(world, personId, 1);
    hr().setFields(employee.id, { location: 'Sydney' });
    await eventually(async () => {
      const rows = await world.ownerDb
        .selectFrom('proposal')
        .select('proposal_id')
        .where('person_id', '=', personId)
        .execute();
      return rows.length >= 2;
    }, 'planned again');
    expect((await openApprovals(world, personId)).map((row) => row.approval_id)).toEqual([asked.approvalId]);
    await decideByApi(world, asked);
    await untilCase(world, personId, 1, 'done');
    expect(await held(personId)).toContain('crm/sales');
  });
});

describe('somebody who was there before Usher', () => {
  test('loses what the role of before gave, and keeps what nobody knows the reason of', async () => {
    const key = '120';
    const personId = await world.personId(key);
    const odd = (await vendorIds()).get('okta/vpn') ?? '';
    addByHand(key, odd);
    expect(await held(key, personId)).toEqual(['crm/reader', 'crm/sales', 'okta/employees', 'okta/vpn', 'wiki/reader']);
    hr().setFields(key, { jobTitle: 'Product Manager', department: 'Product', supervisorEId: '113' });
    const asked = await openApproval(world, personId, 2);
    expect(asked.items.map(({ entitlementId }) => entitlementId)).toEqual(['warehouse/product-analytics']);
    await decideByApi(world, asked);
    await untilCase(world, personId, 2, 'done', 40_000);
    const now = await held(key, personId);
    expect(now).toContain('okta/vpn');
    expect(now).toContain('warehouse/product-analytics');
    expect(now.filter((id) => id.startsWith('crm/'))).toEqual([]);
    // Nothing at the CRM is justified any more: its login goes too, the identity provider's stays.
    expect(holdingAt(world, 'crm', [key, personId]).canLogIn).toBe(false);
    expect(holdingAt(world, 'okta', [key, personId]).canLogIn).toBe(true);
  });
});
