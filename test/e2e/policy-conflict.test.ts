/** Two profiles that exclude each other are items for a person, and what the person says is what happens. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runUsher } from '../support/usher-cli.ts';
import { decideByApi, hire, openApproval, untilCase } from '../support/case-driver.ts';
import { createWorld, type World } from '../support/world.ts';

const onCall = `profiles:
  - id: on-call
    description: 'Helps the support desk'
    when: title eq "Software Engineer" and department eq "Engineering"
    grants: [okta/support-desk, wiki/reader]
    excludes: [engineer]
`;
let world: World;
beforeAll(async () => {
  world = await createWorld({ policyEdits: [{ file: 'profiles.yaml', find: 'profiles:\n', replace: onCall }] });
});
afterAll(() => world.close());

async function held(personId: string): Promise<(string | null)[]> {
  const rows = await world.ownerDb
    .selectFrom('person_grant')
    .select('entitlement_id')
    .where('person_id', '=', personId)
    .where('state', '=', 'held')
    .orderBy('entitlement_id')
    .execute();
  return rows.map((row) => row.entitlement_id);
}

describe('profiles that exclude each other', () => {
  it('ask the manager about each right with the conflict named; the decision resolves it', async () => {
    const { personId } = await hire(world, { firstName: 'Max', lastName: 'Vogel' });
    const approval = await openApproval(world, personId, 1);
    const asked = await world.ownerDb
      .selectFrom('approval')
      .select('items')
      .where('approval_id', '=', approval.approvalId)
      .executeTakeFirstOrThrow();
    expect(asked.items.map(({ entitlementId }) => entitlementId)).toEqual([
      'okta/employees',
      'okta/engineering',
      'okta/support-desk',
      'okta/vpn',
      'wiki/editor',
      'wiki/reader',
    ]);
    for (const { conflicts } of asked.items)
      expect(conflicts).toEqual(['profiles engineer and on-call exclude each other']);
    expect(await held(personId)).toEqual([]);

    const token = await world.tokenOf(await world.personId('109'), ['operate']);
    const whyNot = await runUsher(['why-not', personId, 'okta/engineering'], { url: world.url, token });
    expect(whyNot.out).toMatch(/profiles engineer and on-call exclude each other \[profiles\.yaml:\d+\]/);

    const wanted = new Set(['okta/employees', 'okta/support-desk', 'wiki/reader']);
    await decideByApi(world, approval, ({ entitlementId }) => (wanted.has(entitlementId ?? '') ? 'approve' : 'deny'));
    await untilCase(world, personId, 1, 'done');
    expect(await held(personId)).toEqual([...wanted].toSorted());
    const count = await world.ownerDb
      .selectFrom('approval')
      .select('approval_id')
      .where('person_id', '=', personId)
      .execute();
    expect(count).toHaveLength(1);
    const why = await runUsher(['why', personId, 'okta/support-desk'], { url: world.url, token });
    expect(why).toMatchObject({ exitCode: 0, out: expect.stringContaining('approved by') });
  });
});
