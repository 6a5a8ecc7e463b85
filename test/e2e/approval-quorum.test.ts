/** Quorum of a role by policy: two of security and all owners, each a different person, for the same right. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decide, hire, openApproval, untilCase } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [
      {
        file: 'rules.yaml',
        find: '  remindAfter: 3d',
        replace: '  quorum: { security: 2, owner: all }\n  remindAfter: 3d',
      },
      {
        file: 'entitlements.yaml',
        find: 'vendorId: 00gdeployproduction0\n    owner: bamboohr/102',
        replace: 'vendorId: 00gdeployproduction0\n    owner: bamboohr/102\n    coOwners: [bamboohr/103]',
      },
    ],
  });
});
afterAll(async () => {
  await world.close();
});

async function asked(lastName: string) {
  const { personId } = await hire(world, {
    firstName: 'Quo',
    lastName,
    jobTitle: 'Site Reliability Engineer',
    supervisorEId: '104',
  });
  return { personId, approval: await openApproval(world, personId, 1) };
}

test('two of security and both owners: fewer are not enough, and it is granted with the last', async () => {
  const { personId, approval } = await asked('Rum');
  expect(approval.seats).toHaveLength(4);
  for (const key of ['111', '102', '103']) {
    const answer = await decide(world, approval.approvalId, await world.personId(key), () => 'approve');
    expect(answer.status).toBe(201);
  }
  const token = await world.tokenOf(null, ['internal']);
  const itemDigests = approval.items.map((item) => item.itemDigest);
  const body = { personId, caseN: 1, k: 1, itemDigests };
  const early = await world.api('/internal/authorisations', { method: 'POST', token, body });
  expect(early.json).toMatchObject({ results: [{ outcome: 'refused', reason: 'notDecided' }] });
  expect((await decide(world, approval.approvalId, await world.personId('112'), () => 'approve')).status).toBe(201);
  await untilCase(world, personId, 1, 'done');
  expect(holdingAt(world, 'okta', [personId]).groupIds).toContain('00gdeployproduction0');
});

test('one denial of one of them ends it', async () => {
  const { personId, approval } = await asked('Denied');
  expect((await decide(world, approval.approvalId, await world.personId('103'), () => 'deny')).status).toBe(201);
  await untilCase(world, personId, 1, 'done');
  expect(holdingAt(world, 'okta', [personId]).groupIds).not.toContain('00gdeployproduction0');
});
