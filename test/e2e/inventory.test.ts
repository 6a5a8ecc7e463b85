/** A whole system read into the catalogue: resumed where a page broke, never ended by one, and with a list of what is nobody's. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ScimUser } from '../../sandbox/scim-state.ts';
import { connectorById } from '../../src/connectors/registry.ts';
import type { ConnectorDefinition, TargetConnector } from '../../src/connectors/kit/contract.ts';
import { runUsher } from '../support/usher-cli.ts';
import { wholeState } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
let token = '';
/** Group id to the accounts that own it, as a vendor might tell. */
const owners = new Map<string, string[]>();

/** The SCIM connector, at a vendor that also tells who owns a group. */
function withOwners(id: string): ConnectorDefinition | null {
  const definition = connectorById(id);
  if (definition === null || id !== 'scim') return definition;
  return {
    ...definition,
    create: (runtime) => {
      const connector = definition.create(runtime) as TargetConnector;
      return {
        ...connector,
        async listEntitlements(cursor, ctx) {
          const page = await connector.listEntitlements(cursor, ctx);
          return {
            ...page,
            items: page.items.map((item) => {
              const ownerAccountIds = owners.get(item.vendorEntitlementId);
              return ownerAccountIds === undefined ? item : { ...item, ownerAccountIds };
            }),
          };
        },
      };
    },
  };
}

beforeAll(async () => {
  world = await createWorld({ definitionById: withOwners });
  token = await world.tokenOf(await world.personId('109'), ['operate']);
});
afterAll(() => world.close());

const usher = (...args: string[]) => runUsher(args, { url: world.url, token });

function addStranger(system: 'crm' | 'wiki', id: string, externalId?: string): void {
  const { users } = world.company[system].state;
  const [model] = Object.values(users);
  if (!model) throw new Error('the system has users');
  const { externalId: _, ...attributes } = model.attributes;
  const stranger: ScimUser = {
    ...model,
    id,
    userName: `${id}@elsewhere.example`,
    attributes: externalId === undefined ? attributes : { ...attributes, externalId },
  };
  users[id] = stranger;
}

const found = (systemId: string) =>
  world.ownerDb.selectFrom('found_account').selectAll().where('system_id', '=', systemId).orderBy('account_id');

/** Pages of the listing of users that the wiki answered. */
const userPages = () =>
  world.company.wiki.calls.filter(({ path, status }) => path.endsWith('/Users') && status === 200);

describe('usher inventory', () => {
  test('tells counts and lists what is nobody’s by id and status, with no name; nothing is written to the system', async () => {
    addStranger('crm', 'crm-stranger', 'nobody-9');
    addStranger('crm', 'crm-service-account');
    const before = wholeState(world);
    const { users, groups } = world.company.crm.state;
    const grantsBefore = await world.ownerDb.selectFrom('person_grant').selectAll().execute();
    const { exitCode, out, error } = await usher('inventory', 'crm', '--json');
    expect([exitCode, error]).toEqual([0, '']);
    const taken = JSON.parse(out) as Record<string, unknown>;
    expect(taken).toMatchObject({
      state: 'taken',
      mode: 'enforced',
      accounts: Object.keys(users).length,
      people: Object.keys(users).length - 2,
      assignments: Object.values(groups).reduce((sum, { memberIds }) => sum + memberIds.length, 0),
      isRecordedAsFound: false,
      entitlements: { total: Object.keys(groups).length },
      orphans: [
        { accountId: 'crm-service-account', vendorStatus: 'active', canLogIn: true, holds: 0, because: 'noKey' },
        { accountId: 'crm-stranger', because: 'unknownKey' },
      ],
    });
    expect(out).not.toContain('elsewhere.example');
    expect(wholeState(world)).toBe(before);
    expect(await world.ownerDb.selectFrom('person_grant').selectAll().execute()).toEqual(grantsBefore);
    const records = await world.ownerDb
      .selectFrom('evidence')
      .select('body')
      .where('operation_key', 'like', 'inventory/crm/%')
      .execute();
    expect(records.map(({ body }) => body)).toMatchObject([{ what: 'inventory', orphans: 2 }]);
  });

  test('shows a system: entitlements with owners by the policy and by the system, accounts with people', async () => {
    const { users, groups } = world.company.crm.state;
    const [group] = Object.values(groups).filter(({ memberIds }) => memberIds.length > 0);
    const ownerId = group?.memberIds[0];
    if (!group || ownerId === undefined) throw new Error('a group has a member');
    owners.set(group.id, [ownerId]);
    await usher('inventory', 'crm');
    const { out } = await usher('systems', 'show', 'crm', '--json');
    const shown = JSON.parse(out) as {
      accountCount: number;
      entitlements: { vendorEntitlementId: string; owners: { by: string; name: string }[] }[];
      accounts: { accountId: string; person: { name: string } | null; because: string | null; holds: object[] }[];
      usage: object;
    };
    expect(shown).toMatchObject({ accountCount: Object.keys(users).length, orphanCount: 2, after: null });
    const listed = shown.entitlements.find(({ vendorEntitlementId }) => vendorEntitlementId === group.id);
    expect(listed?.owners.map(({ by }) => by).toSorted()).toEqual(['policy', 'system']);
    const nameOfOwner = shown.accounts.find(({ accountId }) => accountId === ownerId)?.person?.name;
    expect(nameOfOwner).toMatch(/\w/);
    expect(listed?.owners).toContainEqual(expect.objectContaining({ by: 'system', name: nameOfOwner }));
    expect(shown.accounts.find(({ accountId }) => accountId === 'crm-stranger')).toMatchObject({
      person: null,
      because: 'unknownKey',
      lastUse: { state: 'unknown' },
    });
    const text = (await usher('systems', 'show', 'crm', '--orphans')).out;
    expect(text).toContain('crm-service-account');
    expect(text).not.toContain(ownerId);
    expect(text).toContain('not told by this system');
  });

  test('an account that is gone keeps its row and shows no more', async () => {
    delete world.company.crm.state.users['crm-service-account'];
    expect((await usher('inventory', 'crm')).out).not.toContain('crm-service-account');
    const row = await found('crm').where('account_id', '=', 'crm-service-account').executeTakeFirstOrThrow();
    expect(row.gone_at).not.toBeNull();
    expect((await usher('systems', 'show', 'crm')).out).not.toContain('crm-service-account');
  });

  test('portions of accounts follow each other without a gap', async () => {
    const all: string[] = [];
    for (let after: string | null = '', n = 0; after !== null && n < 100; n += 1) {
      const path = `/api/v1/systems/crm?limit=3${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`;
      const { json } = (await world.api(path, { token })) as {
        json: { after: string | null; accounts: { accountId: string }[] };
      };
      all.push(...json.accounts.map(({ accountId }) => accountId));
      after = json.after;
    }
    expect(all.toSorted()).toEqual(Object.keys(world.company.crm.state.users).toSorted());
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('a page that breaks', () => {
  test('is asked for again, and the pages before it are not', async () => {
    for (let n = 0; n < 45; n += 1) addStranger('wiki', `wiki-stranger-${String(n).padStart(2, '0')}`);
    const total = Object.keys(world.company.wiki.state.users).length;
    world.company.wiki.clearCalls();
    world.company.wiki.faults.add({ kind: 'status', status: 503, path: '/Users$', skip: 1, times: 2 });
    const { exitCode, out } = await usher('inventory', 'wiki', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ accounts: total });
    const starts = userPages().map(({ query }) => Number(new URLSearchParams(query).get('startIndex')));
    expect(starts).toEqual(Array.from({ length: Math.ceil(total / 20) }, (_, page) => 1 + page * 20));
  });

  test('for good: the inventory fails, its rows stay, and the next one goes on from that page', async () => {
    world.company.wiki.clearCalls();
    const broken = { kind: 'status', status: 503, path: '/Users$', skip: 2, times: null } as const;
    const id = world.company.wiki.faults.add(broken);
    const failed = await usher('inventory', 'wiki');
    expect(failed.exitCode).toBe(6);
    expect(failed.error).toContain('could not be read (transient)');
    expect(userPages()).toHaveLength(2);
    world.company.wiki.faults.remove(id);
    const { exitCode, error, out } = await usher('inventory', 'wiki', '--json');
    expect([exitCode, error]).toEqual([0, '']);
    const starts = userPages().map(({ query }) => Number(new URLSearchParams(query).get('startIndex')));
    expect(starts.slice(0, 3)).toEqual([1, 21, 41]);
    expect(new Set(starts).size).toBe(starts.length);
    expect(JSON.parse(out)).toMatchObject({ accounts: Object.keys(world.company.wiki.state.users).length });
  }, 90_000);

  test('a worker that ends in the middle: the next one goes on at that page', async () => {
    world.company.wiki.clearCalls();
    const id = world.company.wiki.faults.add({ kind: 'status', status: 503, path: '/Users$', skip: 2, times: null });
    const running = usher('inventory', 'wiki', '--json');
    await eventually(() => userPages().length === 2, 'two pages were read');
    await world.stopWorker();
    world.company.wiki.faults.remove(id);
    await world.startWorker();
    const { exitCode, out } = await running;
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ accounts: Object.keys(world.company.wiki.state.users).length });
    const starts = userPages().map(({ query }) => new URLSearchParams(query).get('startIndex'));
    expect(new Set(starts).size).toBe(starts.length);
  });
});

describe('a system in baseline', () => {
  test('has what people hold recorded as found, like baseline does', async () => {
    expect((await usher('baseline', 'warehouse')).exitCode).toBe(0);
    const rows = () =>
      world.ownerDb
        .selectFrom('person_grant')
        .selectAll()
        .where('system_id', '=', 'warehouse')
        .where('basis', '=', 'found')
        .execute();
    const before = await rows();
    expect(before.length).toBeGreaterThan(0);
    const { users, groups } = world.company.warehouse.state;
    const group = Object.values(groups).find(({ memberIds }) => memberIds.length < Object.keys(users).length);
    const outsider = Object.keys(users).find((id) => group?.memberIds.includes(id) === false);
    if (!group || outsider === undefined) throw new Error('somebody is not in a group');
    group.memberIds.push(outsider);
    const { out } = await usher('inventory', 'warehouse');
    expect(out).toContain('recorded as found');
    expect(await rows()).toHaveLength(before.length + 1);
  });

  test('refusals: no such system, a system without accounts, a reading of another system', async () => {
    expect((await usher('inventory', 'nosuch')).exitCode).toBe(4);
    expect((await usher('inventory', 'bamboohr')).exitCode).toBe(4);
    const body = { requestId: crypto.randomUUID() };
    const answer = await world.api('/api/v1/systems/crm/inventory', { method: 'POST', token, body });
    expect(answer.status).toBe(404);
  });
});

test('a large system shows its progress while it is read', async () => {
  world.company.wiki.faults.add({ kind: 'slow', delayMs: 1_200, path: '/Users$', times: null });
  const { error } = await usher('inventory', 'wiki');
  world.company.wiki.faults.clear();
  expect(error).toContain('wiki: asked');
  expect(error).toContain('wiki: read');
  const states: unknown[] = [];
  world.company.wiki.faults.add({ kind: 'slow', delayMs: 1_200, path: '/Users$', times: null });
  let body: object = {};
  await eventually(async () => {
    const answer = await world.api('/api/v1/systems/wiki/inventory', { method: 'POST', token, body });
    const json = answer.json as { state: string; requestId: string; progress: { accounts: number } | null };
    states.push(json.progress?.accounts);
    body = { requestId: json.requestId };
    return json.state === 'taken';
  }, 'the wiki is read');
  world.company.wiki.faults.clear();
  expect(states.some((count) => typeof count === 'number' && count > 0)).toBe(true);
}, 90_000);
