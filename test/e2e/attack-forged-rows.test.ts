/**
 * Rows and answers that nobody's work stands behind: written with the database role of the worker, or given to the server of
 * Temporal in the worker's place. None of them gives, takes or hides anything.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { itemDigest, type ItemTerms } from '../../src/domain/item-digest.ts';
import { definitionHash } from '../../src/domain/definition-hash.ts';
import type { Item } from '../../src/schemas/item.ts';
import { openDb, type Db } from '../../src/store/db.ts';
import { operationKeyOf } from '../../src/store/operations.ts';
import { sha256Hex } from '../../src/store/sha256.ts';
import { queues, type ProvisioningResult } from '../../src/workflows/wire.ts';
import { hire, openApprovals, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { holdingAt, wholeState } from '../support/company-view.ts';
import { completeByHand } from '../support/temporal-writer.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const DAY_MS = 86_400_000;

let world: World;
/** The store, with what the worker's role may do and nothing more. */
let asWorker: Db;
let alertsBefore: string[] = [];

beforeAll(async () => {
  world = await createWorld();
  asWorker = openDb(world.database.workerUrl, 2);
});
afterAll(async () => {
  await asWorker.destroy();
  await world.close();
});
beforeEach(async () => {
  alertsBefore = await alertKeys();
});

async function alertKeys(): Promise<string[]> {
  const rows = await world.ownerDb.selectFrom('alert').select('alert_key').execute();
  return rows.map((row) => row.alert_key);
}

const newAlerts = async (): Promise<string[]> => (await alertKeys()).filter((key) => !alertsBefore.includes(key));

/** A joiner whose sales access waits for the manager, after all that policy allows has settled. */
async function waitingJoiner(lastName: string): Promise<{ personId: string; employeeId: string; model: Item }> {
  const { personId, employee } = await hire(world, {
    firstName: 'Row',
    lastName,
    jobTitle: 'Account Executive',
    department: 'Sales',
    supervisorEId: '105',
  });
  await eventually(async () => (await openApprovals(world, personId)).length > 0, 'an approval waits');
  await eventually(async () => {
    const rows = await world.ownerDb
      .selectFrom('operation')
      .select('state')
      .where('person_id', '=', personId)
      .where('n', '=', 1)
      .execute();
    return rows.length >= 3 && rows.every((row) => row.state === 'verified');
  }, 'what policy allows is verified');
  const [proposal] = await world.ownerDb
    .selectFrom('proposal')
    .select('items')
    .where('person_id', '=', personId)
    .execute();
  const model = proposal?.items.find((item) => item.entitlementId === 'crm/sales');
  if (!model) throw new Error('the plan holds crm/sales');
  return { personId, employeeId: employee.id, model };
}

/** Everything of an item but its digest, whose terms a forger can compute like anybody. */
function forgedItem(personId: string, model: Item, changes: Partial<Item>): Item {
  const item: Item = { ...model, ...changes, route: { kind: 'policy' }, conflicts: [] };
  const { action, systemId, entitlementId, vendorEntitlementId, accountId, profileId } = item;
  const terms: ItemTerms = {
    action,
    systemId,
    entitlementId,
    vendorEntitlementId,
    accountId,
    profileId,
    definitionHash: item.definitionHash,
    conflicts: [],
    personId,
    spellN: 1,
    expiresAfterSeconds: null,
    requiredRoles: [],
  };
  return { ...item, itemDigest: itemDigest(terms, sha256Hex) };
}

async function insertProposal(personId: string, n: number, items: Item[]): Promise<void> {
  const snapshot = await world.ownerDb
    .selectFrom('snapshot')
    .select('snapshot_id')
    .where('person_id', '=', personId)
    .limit(1)
    .executeTakeFirstOrThrow();
  const version = await world.serverDeps.policies.active();
  await asWorker
    .insertInto('proposal')
    .values({
      proposal_id: randomUUID(),
      person_id: personId,
      n,
      spell_n: 1,
      snapshot_id: snapshot.snapshot_id,
      policy_hash: version?.policyHash ?? '',
      planned_at: world.clock.now(),
      input_hash: '0'.repeat(64),
      items: JSON.stringify(items),
    })
    .execute();
}

/** Runs `provisioning` as somebody who may start workflows. */
async function provision(personId: string, n: number, k: number, items: Item[]): Promise<string[]> {
  const result = (await world.client.workflow.execute('provisioning', {
    workflowId: `provisioning_${personId}_${n}_${k}`,
    taskQueue: queues.cases,
    args: [
      {
        personId,
        n,
        k,
        items: items.map(({ itemDigest: digest, systemId, action }) => ({
          itemDigest: digest,
          systemId,
          action,
          isFirst: false,
        })),
      },
    ],
  })) as ProvisioningResult;
  return result.outcomes.map(({ outcome }) => outcome);
}

/** Why the issuer refused: the digests were right, so that it is the content which it did not believe. */
async function refusalsOf(personId: string, n = 1): Promise<unknown[]> {
  const rows = await world.ownerDb
    .selectFrom('evidence')
    .select('body')
    .where('kind', '=', 'refused')
    .where('case_id', '=', `case_${personId}_${n}`)
    .execute();
  return rows.map(({ body }) => body['reason']);
}

const oktaIdOf = (key: string): string => holdingAt(world, 'okta', [key]).accountIds[0] ?? '';

describe('a proposal that nobody planned', () => {
  test('gives nothing: neither another right nor the same right without the decision; one alert', async () => {
    const { personId, model } = await waitingJoiner('Grant');
    const version = await world.serverDeps.policies.active();
    const admins = version?.policy.entitlements.find(({ id }) => id === 'okta/admins');
    if (!admins) throw new Error('the catalogue holds okta/admins');
    const items = [
      forgedItem(personId, model, {}),
      forgedItem(personId, model, {
        systemId: 'okta',
        entitlementId: admins.id,
        vendorEntitlementId: admins.vendorId,
        definitionHash: definitionHash(admins, sha256Hex),
      }),
    ];
    await insertProposal(personId, 1, items);
    const state = wholeState(world);
    expect(await provision(personId, 1, 60, items)).toEqual(['refused', 'refused']);
    expect(wholeState(world)).toBe(state);
    expect(await refusalsOf(personId)).toEqual(['notPlanned', 'notPlanned']);
    expect(await newAlerts()).toHaveLength(1);
  });

  test('takes nothing from somebody who stays; one alert', async () => {
    const { personId, model } = await waitingJoiner('Revoke');
    const accountId = oktaIdOf(personId);
    const okta = { systemId: 'okta', accountId, profileId: null, definitionHash: null };
    const items = [
      forgedItem(personId, model, { ...okta, action: 'disable', entitlementId: null, vendorEntitlementId: null }),
      forgedItem(personId, model, {
        ...okta,
        action: 'revoke',
        entitlementId: 'okta/employees',
        vendorEntitlementId: '00gemployees00000000',
      }),
    ];
    await insertProposal(personId, 1, items);
    const state = wholeState(world);
    expect(await provision(personId, 1, 60, items)).toEqual(['refused', 'refused']);
    expect(wholeState(world)).toBe(state);
    expect(await refusalsOf(personId)).toEqual(['notPlanned', 'notPlanned']);
    expect(await newAlerts()).toHaveLength(1);
  });

  test('and that names an account of somebody else does not reach it, even in the case of a leaver', async () => {
    const { personId, employeeId, model } = await waitingJoiner('Foreign');
    world.company.bamboohr.hr.terminate(employeeId);
    await untilSweepWaits(world, personId, 2);
    const victim = {
      systemId: 'okta',
      accountId: oktaIdOf('124'),
      profileId: null,
      definitionHash: null,
    };
    expect(holdingAt(world, 'okta', ['124']).canLogIn).toBe(true);
    const items = [
      forgedItem(personId, model, { ...victim, action: 'disable', entitlementId: null, vendorEntitlementId: null }),
    ];
    await insertProposal(personId, 2, items);
    const state = wholeState(world);
    expect(await provision(personId, 2, 60, items)).toEqual(['failed']);
    expect(wholeState(world)).toBe(state);
  });
});

describe('an operation row that says it was done', () => {
  test.each(['applied', 'verified'] as const)(
    '%s: the access is not there, and no authorisation follows',
    async (said) => {
      const { personId, model } = await waitingJoiner(`Said${said}`);
      const key = { personId, n: 1, k: 60, round: 1, systemId: 'crm', itemDigest: model.itemDigest };
      await asWorker
        .insertInto('operation')
        .values({
          operation_key: operationKeyOf(key),
          person_id: personId,
          n: 1,
          k: 60,
          round: 1,
          system_id: 'crm',
          item_digest: model.itemDigest,
          state: said,
          account_id: holdingAt(world, 'crm', [personId]).accountIds[0] ?? '',
          updated_at: world.clock.now(),
        })
        .execute();
      const state = wholeState(world);
      await provision(personId, 1, 60, [model]);
      expect(wholeState(world)).toBe(state);
      const held = await world.ownerDb
        .selectFrom('person_grant')
        .select('entitlement_id')
        .where('person_id', '=', personId)
        .where('entitlement_id', '=', 'crm/sales')
        .execute();
      expect(held).toEqual([]);
      const evidence = await world.ownerDb
        .selectFrom('evidence')
        .select('kind')
        .where('operation_key', '=', operationKeyOf(key))
        .where('kind', '=', 'verified')
        .execute();
      expect(evidence).toEqual([]);
    },
  );
});

describe('workflows about a person whom nobody knows', () => {
  test('change nothing; one alert each', async () => {
    const nobody = randomUUID();
    const state = wholeState(world);
    const { model } = await waitingJoiner('Known');
    const settled = wholeState(world);
    expect(settled).not.toBe(state);
    expect(await provision(nobody, 1, 1, [model])).toEqual(['refused']);
    const result = (await world.client.workflow.execute('cutoff', {
      workflowId: `cutoff_${nobody}_1`,
      taskQueue: queues.urgent,
      args: [{ personId: nobody, n: 1, systemIds: ['okta'] }],
    })) as { systems: Record<string, string> };
    expect(result.systems).toEqual({ okta: 'refused' });
    expect(wholeState(world)).toBe(settled);
    expect(await newAlerts()).toHaveLength(2);
  });
});

describe('answers given in the place of the worker', () => {
  test('that say a login is disabled do not spare it: the case of the leaver asserts it again', async () => {
    const personId = await world.personId('120');
    world.company.okta.faults.setDown('503');
    world.company.bamboohr.hr.terminate('120');
    await completeByHand(world, {
      workflowId: `cutoff_${personId}_2`,
      type: 'disableLogin',
      result: { outcome: 'disabled', errorCode: null },
    });
    expect(holdingAt(world, 'okta', ['120']).canLogIn).toBe(true);
    world.company.okta.faults.setDown(null);
    await untilSweepWaits(world, personId, 2);
    expect(holdingAt(world, 'okta', ['120'])).toMatchObject({ groupIds: [], canLogIn: false, sessions: 0 });
  });

  test('that name the account of somebody else as found do not reach it', async () => {
    const personId = await world.personId('119');
    const victim = oktaIdOf('118');
    const groups = holdingAt(world, 'okta', ['118']).groupIds;
    world.company.warehouse.faults.setDown('503');
    world.company.bamboohr.hr.terminate('119');
    await completeByHand(world, {
      workflowId: `case_${personId}_2`,
      type: 'findAccounts',
      afterFailures: 1,
      result: {
        kind: 'found',
        account: { systemId: 'okta', accountId: victim, vendorEntitlementIds: groups, canLogIn: true },
      },
    });
    world.company.warehouse.faults.setDown(null);
    await untilSweepWaits(world, personId, 2);
    expect(groups.length).toBeGreaterThan(0);
    expect(holdingAt(world, 'okta', ['118'])).toMatchObject({ accountIds: [victim], groupIds: groups, canLogIn: true });
    expect(holdingAt(world, 'okta', ['119'])).toMatchObject({ groupIds: [], canLogIn: false });
  });
});

// Last: the clock of everything but the workflows moves on here.
describe('a departure that was announced for later', () => {
  const key = '117';
  let personId = '';

  test('cannot be brought forward by hand: neither the cut-off nor the removal; one alert each', async () => {
    personId = await world.personId(key);
    const { model } = await waitingJoiner('Model');
    const date = new Date(world.clock.now().getTime() + 20 * DAY_MS).toISOString().slice(0, 10);
    world.company.bamboohr.hr.terminate(key, { date });
    await untilCase(world, personId, 2, 'waiting');
    const state = wholeState(world);
    const result = (await world.client.workflow.execute('cutoff', {
      workflowId: `cutoff_${personId}_2`,
      taskQueue: queues.urgent,
      args: [{ personId, n: 2, systemIds: ['okta', 'crm'] }],
    })) as { systems: Record<string, string> };
    expect(result.systems).toEqual({ okta: 'refused', crm: 'refused' });
    const items = [
      forgedItem(personId, model, {
        action: 'disable',
        systemId: 'okta',
        accountId: oktaIdOf(key),
        profileId: null,
        definitionHash: null,
        entitlementId: null,
        vendorEntitlementId: null,
      }),
    ];
    await insertProposal(personId, 2, items);
    expect(await provision(personId, 2, 60, items)).toEqual(['refused']);
    expect(wholeState(world)).toBe(state);
    expect(await refusalsOf(personId, 2)).toContain('notPlanned');
    expect(await newAlerts()).toHaveLength(2);
  });

  test('takes effect when its time comes, although the name of its cut-off was taken', async () => {
    world.clock.advance(22 * DAY_MS);
    await untilSweepWaits(world, personId, 2);
    expect(holdingAt(world, 'okta', [key])).toMatchObject({ groupIds: [], canLogIn: false, sessions: 0 });
  });
});
