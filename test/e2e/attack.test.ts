/**
 * What somebody who may write to the Temporal namespace can do: stall Usher and read references. Never cause a change, and
 * never have anything reported as verified that is not.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { openDb } from '../../src/store/db.ts';
import { queues } from '../../src/workflows/wire.ts';
import { alertsOf, caseState, decide, openApprovals, untilCase } from '../support/case-driver.ts';
import { holdingAt, wholeState } from '../support/company-view.ts';
import { completeByHand } from '../support/temporal-writer.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

const seller = { jobTitle: 'Account Executive', department: 'Sales', location: 'New York', supervisorEId: '105' };
const invented = 'b'.repeat(64);

async function hire(firstName: string): Promise<string> {
  return world.personId(world.company.bamboohr.hr.hire({ firstName, lastName: 'Target', ...seller }).id);
}

async function heldBy(personId: string): Promise<string[]> {
  const rows = await world.ownerDb
    .selectFrom('person_grant')
    .select('entitlement_id')
    .where('person_id', '=', personId)
    .where('verified_at', 'is not', null)
    .execute();
  return rows.map((row) => row.entitlement_id ?? '');
}

async function allAlerts(): Promise<string[]> {
  return (await world.ownerDb.selectFrom('alert').select('alert_key').execute()).map((row) => row.alert_key).toSorted();
}

/** The new alerts since the test began. */
let before: string[] = [];
beforeEach(async () => {
  before = await allAlerts();
});
const newAlerts = async (): Promise<string[]> => (await allAlerts()).filter((key) => !before.includes(key));

describe('workflows started by hand with invented input', () => {
  test('provisioning of an invented item for a real person: nothing changes, nothing is verified, one alert', async () => {
    const personId = await world.personId('124');
    const state = wholeState(world);
    const result = (await world.client.workflow.execute('provisioning', {
      workflowId: `provisioning_${personId}_77_1`,
      taskQueue: queues.cases,
      args: [
        {
          personId,
          n: 77,
          k: 1,
          items: [
            { itemDigest: invented, systemId: 'okta', action: 'grant', isFirst: true },
            { itemDigest: invented, systemId: 'crm', action: 'disable', isFirst: false },
          ],
        },
      ],
    })) as { outcomes: { outcome: string }[] };
    expect(result.outcomes.map(({ outcome }) => outcome)).not.toContain('verified');
    expect(wholeState(world)).toBe(state);
    expect(await newAlerts()).toHaveLength(1);
  });

  test('provisioning in a real case with an item of somebody else: refused', async () => {
    const personId = await hire('Mine');
    await eventually(async () => (await openApprovals(world, personId)).length > 0, 'an approval waits');
    const foreign = await world.ownerDb
      .selectFrom('approval')
      .select('items')
      .where('person_id', '=', personId)
      .executeTakeFirstOrThrow();
    const other = await hire('Other');
    await eventually(async () => (await openApprovals(world, other)).length > 0, 'the other waits too');
    for (const target of [personId, other]) {
      await eventually(
        async () => (await heldBy(target)).length === 3,
        'what policy allows has settled at every system',
      );
    }
    const state = wholeState(world);
    const digest = foreign.items[0]?.itemDigest ?? '';
    for (const target of [personId, other]) {
      await world.client.workflow.execute('provisioning', {
        workflowId: `provisioning_${target}_1_55`,
        taskQueue: queues.cases,
        args: [
          {
            personId: target,
            n: 1,
            k: 55,
            items: [{ itemDigest: digest, systemId: 'crm', action: 'grant', isFirst: false }],
          },
        ],
      });
    }
    expect(wholeState(world)).toBe(state);
    expect(await newAlerts()).toHaveLength(2);
  });

  test('a cut-off of somebody who has not left: nobody is cut off, one alert', async () => {
    const personId = await world.personId('123');
    const state = wholeState(world);
    const result = (await world.client.workflow.execute('cutoff', {
      workflowId: `cutoff_${personId}_9`,
      taskQueue: queues.urgent,
      args: [{ personId, n: 9, systemIds: ['okta', 'crm'] }],
    })) as { systems: Record<string, string> };
    expect(Object.values(result.systems)).toEqual(['refused', 'refused']);
    expect(wholeState(world)).toBe(state);
    expect(await newAlerts()).toHaveLength(1);
  });
});

describe('activities completed by hand', () => {
  test('applyAccess and verifyAccess: what was not written is not reported as verified', async () => {
    world.company.okta.faults.setDown('503');
    const personId = await hire('Forged');
    const workflowId = `case_${personId}_1`;
    const okta = (): number => holdingAt(world, 'okta', [personId]).accountIds.length;
    const rows = await eventually(async () => {
      const proposals = await world.ownerDb
        .selectFrom('proposal')
        .select('items')
        .where('person_id', '=', personId)
        .execute();
      return proposals.length > 0 ? proposals : null;
    }, 'the case is planned');
    const digests =
      rows[0]?.items
        .filter((item) => item.systemId === 'okta' && item.route.kind === 'policy')
        .map((item) => item.itemDigest) ?? [];
    const claimed = {
      kind: 'done',
      outcomes: digests.map((itemDigest) => ({ itemDigest, outcome: 'applied', errorCode: null })),
    };
    await completeByHand(world, { workflowId, type: 'applyAccess', result: claimed });
    // The verifying read finds no operation behind the claim: the second round writes for real, so this one is forged as well.
    await completeByHand(world, { workflowId, type: 'applyAccess', result: claimed });
    await eventually(
      async () =>
        (
          await world.ownerDb
            .selectFrom('incident')
            .select('kind')
            .where('system_id', '=', 'okta')
            .where('kind', '=', 'itemFailed')
            .execute()
        ).length === 1,
      'it ends as an incident',
    );
    expect(okta()).toBe(0);
    const verified = await world.ownerDb
      .selectFrom('operation')
      .select('state')
      .where('person_id', '=', personId)
      .where('system_id', '=', 'okta')
      .where('state', '=', 'verified')
      .execute();
    expect(verified).toEqual([]);
    expect(await newAlerts()).toHaveLength(1);
    world.company.okta.faults.setDown(null);
  });

  test('verifyAccess alone: the report does not believe it', async () => {
    const personId = await hire('Verified');
    world.company.wiki.faults.add({ kind: 'status', status: 503, method: 'GET', path: '/Users/', times: null });
    const workflowId = `case_${personId}_1`;
    const rows = await eventually(async () => {
      const proposals = await world.ownerDb
        .selectFrom('proposal')
        .select('items')
        .where('person_id', '=', personId)
        .execute();
      return proposals.length > 0 ? proposals : null;
    }, 'the case is planned');
    const digests = rows[0]?.items.filter((item) => item.systemId === 'wiki').map((item) => item.itemDigest) ?? [];
    const approvals = await eventually(async () => {
      const open = await openApprovals(world, personId);
      return open.length > 0 ? open : null;
    }, 'an approval waits');
    await decide(world, approvals[0]?.approval_id ?? '', await world.personId('105'), () => 'approve');
    await eventually(async () => {
      const { raw } = await world.client.workflow.getHandle(workflowId).describe();
      // The wiki refuses to be read: its verifyAccess is the one that is tried again and again.
      const pending = raw.pendingActivities?.find(
        (activity) => activity.activityType?.name === 'verifyAccess' && Number(activity.attempt) > 1,
      );
      if (!pending) return false;
      const outcomes = digests.map((itemDigest) => ({ itemDigest, outcome: 'verified' }));
      await world.client.activity.complete(
        { workflowId, activityId: pending.activityId ?? '' },
        { kind: 'done', outcomes },
      );
      return true;
    }, 'the forged answer is in');
    await eventually(
      async () => (await caseState(world, personId, 1)) === 'failed',
      'the case does not end as done',
      45_000,
    );
    expect((await alertsOf(world, 'unprovenClaim')).filter((alert) => alert.alert_key.includes(personId))).toHaveLength(
      1,
    );
    world.company.wiki.faults.clear();
  });

  test('recordDecision: no decision, no authorisation, no access', async () => {
    const personId = await hire('Decision');
    const [approval] = await eventually(async () => {
      const open = await openApprovals(world, personId);
      return open.length > 0 ? open : null;
    }, 'an approval waits');
    const manager = await world.personId('105');
    const verdicts =
      approval?.items.map((item) => ({ itemDigest: item.itemDigest, verdict: 'approve' as const })) ?? [];
    const id = approval?.approval_id ?? '';
    // The claim waits on the server, which answers nobody for a moment: time to complete it by hand.
    const claim = world.workerDeps.server.claimDecision;
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    world.workerDeps.server.claimDecision = async (request) => {
      await gate;
      return claim(request);
    };
    await world.client.workflow
      .getHandle(id)
      .signal('decide', { approvalId: id, approverId: manager, verdicts, reason: '', code: 'invented-code' });
    const decision = { decisionId: 'x', approverId: manager, verdicts, decidedAt: new Date().toISOString() };
    const result = { outcome: 'accepted', decision };
    await completeByHand(world, { workflowId: id, type: 'recordDecision', result });
    world.workerDeps.server.claimDecision = claim;
    release();
    await untilCase(world, personId, 1, 'done', 45_000);
    expect(holdingAt(world, 'crm', [personId]).groupIds).not.toContain('crm-sales');
    const held = await world.ownerDb
      .selectFrom('person_grant')
      .select('entitlement_id')
      .where('person_id', '=', personId)
      .execute();
    expect(held.map((row) => row.entitlement_id)).not.toContain('crm/sales');
    const alerts = (await newAlerts()).filter((key) => key.startsWith('unfounded/') && key.includes(personId));
    expect(alerts).toHaveLength(1);
  });
});

describe('the running role of the worker', () => {
  test.each([
    `insert into decision select * from decision`,
    `update approval set state = 'decided'`,
    `insert into approval_secret select * from approval_secret`,
    `update policy_version set is_active = false`,
    `update snapshot set zone = 'UTC'`,
    `update person set fence = 99`,
    `insert into checkpoint select * from checkpoint`,
    `insert into access_token select * from access_token`,
    `update cutoff set departure = '{}'`,
    `update evidence set body = '{}'`,
    `delete from evidence`,
  ])('may not: %s', async (statement) => {
    const db = openDb(world.database.workerUrl, 1);
    try {
      await expect(sql.raw(statement).execute(db)).rejects.toThrow(/permission denied/);
    } finally {
      await db.destroy();
    }
  });
});
