/** Duties that one person must not hold together: security decides, the exception is named, watched and ends by itself. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decideByApi, hire, openApproval, untilCaseIs } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const DAY_MS = 86_400_000;

let world: World;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [
      {
        file: 'rules.yaml',
        find: 'routing:',
        replace: [
          'separationOfDuties:',
          '  - id: edit-and-tunnel',
          '    description: Whoever edits the wiki does not come through the tunnel',
          '    between: [[wiki/editor], [okta/vpn]]',
          '    compensatingControl: Security reads the log of the tunnel each week',
          '    exceptionLasts: 30d',
          '',
          'routing:',
        ].join('\n'),
      },
    ],
  });
});
afterAll(() => world.close());

const conflicts = async (): Promise<{ personId: string; allowedUntil: string | null; entitlementIds: string[] }[]> => {
  const token = await world.tokenOf(await world.personId('109'), ['operate']);
  const { json } = await world.api('/api/v1/policy/conflicts', { token });
  return (json as { conflicts: never[] }).conflicts;
};

test('an engineer gets neither of two duties until security allows both; the exception is listed and ends by itself', async () => {
  const { personId } = await hire(world, { firstName: 'Sep', lastName: 'Arate' });
  const approval = await openApproval(world, personId, 1);
  const security = await Promise.all(['110', '111', '112'].map((key) => world.personId(key)));
  expect(approval.seats.map(({ approverIds }) => approverIds)).toEqual([security]);
  expect(approval.items.map(({ entitlementId }) => entitlementId)).toEqual(['okta/vpn', 'wiki/editor']);
  expect(approval.items).toMatchObject([
    { conflicts: [expect.stringContaining('edit-and-tunnel: not together with wiki/editor')] },
    { conflicts: [expect.stringContaining('Security reads the log of the tunnel each week')] },
  ]);
  const count = (system: 'okta' | 'wiki'): number => holdingAt(world, system, [personId]).groupIds.length;
  await eventually(() => count('okta') === 2 && count('wiki') === 1, 'the rest is there');
  expect(await conflicts()).toEqual([]);
  await decideByApi(world, approval);
  await untilCaseIs(world, { personId, n: 1, state: 'done' });
  expect(holdingAt(world, 'okta', [personId]).groupIds).toHaveLength(3);
  const [listed] = await conflicts();
  expect(listed).toMatchObject({ personId, entitlementIds: ['okta/vpn', 'wiki/editor'] });
  const lastsMs = Date.parse(listed?.allowedUntil ?? '') - world.clock.now().getTime();
  expect(Math.round(lastsMs / DAY_MS)).toBe(30);
  world.clock.advance(31 * DAY_MS);
  await eventually(
    () =>
      holdingAt(world, 'okta', [personId]).groupIds.length + holdingAt(world, 'wiki', [personId]).groupIds.length === 3,
    'the exception ended',
  );
  await eventually(async () => (await conflicts()).length === 0, 'nobody holds both any more');
});
