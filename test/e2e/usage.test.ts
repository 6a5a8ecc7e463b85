/**
 * When accounts were used, stored day by day: a history, in which nothing known is another matter than never used, what is
 * told twice stands once, a page that breaks is asked for again, and the erased are not in.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connectorById } from '../../src/connectors/registry.ts';
import type { ConnectorDefinition, TargetConnector, UsageView } from '../../src/connectors/kit/contract.ts';
import { ConnectorError } from '../../src/connectors/kit/errors.ts';
import { readUsage } from '../../src/delivery/read-usage.ts';
import { erasePerson } from '../../src/evidence/erase.ts';
import { readUsageReading } from '../../src/store/usage.ts';
import { runUsher } from '../support/usher-cli.ts';
import { createWorld, type World } from '../support/world.ts';

const HOUR_MS = 3_600_000;
const PAGE = 2;

/** What the vendor tells, and what it was asked. */
const vendor = {
  uses: [] as UsageView[],
  asked: [] as { since: string | null; cursor: string | null }[],
  failWith: null as ConnectorError | null,
  failsAt: null as string | null,
};

/** The SCIM connector, at a vendor that also tells last uses, in pages; asked for new ones it tells only those, and all "never". */
function withUsage(id: string): ConnectorDefinition | null {
  const definition = connectorById(id);
  if (definition === null || id !== 'scim') return definition;
  const { manifest } = definition;
  return {
    ...definition,
    manifest: { ...manifest, capabilities: { ...manifest.capabilities, usage: 'entitlement' } },
    create: (runtime) => ({
      ...(definition.create(runtime) as TargetConnector),
      listUsage(since, cursor) {
        if (runtime.systemId !== 'crm') return Promise.resolve({ items: [], nextCursor: null });
        vendor.asked.push({ since, cursor });
        if (vendor.failWith !== null && vendor.failsAt === cursor) return Promise.reject(vendor.failWith);
        const told = vendor.uses.filter(({ lastUsedAt: at }) => since === null || at === null || at >= since);
        const from = Number(cursor ?? '0');
        const next = from + PAGE;
        return Promise.resolve({
          items: told.slice(from, next),
          nextCursor: next < told.length ? String(next) : null,
        });
      },
    }),
  };
}

let world: World;
let token = '';
let personIds: string[] = [];
let accountIds: string[] = [];
let groupId = '';

beforeAll(async () => {
  world = await createWorld({ definitionById: withUsage, isWorkerLess: true });
  token = await world.tokenOf(await world.personId('109'), ['operate']);
  const { users, groups } = world.company.crm.state;
  const [group] = Object.values(groups).filter(({ memberIds }) => memberIds.length >= 3);
  if (!group) throw new Error('a group has three members');
  groupId = group.id;
  accountIds = group.memberIds.slice(0, 3);
  const keys = accountIds.map((id) => String(users[id]?.attributes['externalId']));
  personIds = await Promise.all(keys.map((key) => world.personId(key)));
  for (const [n, accountId] of accountIds.entries())
    await world.ownerDb
      .insertInto('account')
      .values({
        person_id: personIds[n] ?? '',
        system_id: 'crm',
        account_id: accountId,
        origin: 'found',
        login: 'enabled',
        observed_at: world.clock.now(),
      })
      .execute();
});
afterAll(() => world.close());
beforeEach(() => {
  vendor.asked = [];
});

const ago = (hours: number): string => new Date(world.clock.now().getTime() - hours * HOUR_MS).toISOString();
const account = (n: number): string => accountIds[n] ?? '';
const use = (n: number, lastUsedAt: string | null, vendorEntitlementId: string | null = null): UsageView => ({
  accountId: account(n),
  vendorEntitlementId,
  lastUsedAt,
});
const facts = () => world.ownerDb.selectFrom('usage_fact').selectAll().where('system_id', '=', 'crm').execute();
const reading = () => readUsageReading(world.ownerDb, 'crm');

async function lastUses(n: number): Promise<{ account: object; grant?: object }> {
  const { json } = await world.api(`/api/v1/persons/${personIds[n] ?? ''}`, { token });
  const person = json as { accounts: { accountId: string; lastUse: object }[]; grants: { lastUse: object }[] };
  const own = person.accounts.find(({ accountId }) => accountId === account(n));
  return { account: own?.lastUse ?? {}, ...(person.grants[0] ? { grant: person.grants[0].lastUse } : {}) };
}

describe('the first reading', () => {
  test('asks for everything, page after page, and stores used, never and nothing apart', async () => {
    vendor.uses = [use(0, ago(30)), use(1, null), use(0, ago(50), groupId)];
    await readUsage(world.workerDeps);
    expect(vendor.asked).toEqual([
      { since: null, cursor: null },
      { since: null, cursor: '2' },
    ]);
    expect(await facts()).toHaveLength(3);
    expect((await lastUses(0)).account).toMatchObject({ state: 'used', at: vendor.uses[0]?.lastUsedAt });
    expect((await lastUses(1)).account).toMatchObject({ state: 'never', at: null });
    expect((await lastUses(2)).account).toEqual({ state: 'unknown', at: null, observedAt: null });
  });

  test('ends the day: nothing is asked again before it is over', async () => {
    await readUsage(world.workerDeps);
    world.clock.advance(23 * HOUR_MS);
    await readUsage(world.workerDeps);
    expect(vendor.asked).toEqual([]);
  });
});

describe('the next day', () => {
  test('is asked for from the last reading on, with a day of overlap; what was told before stands once', async () => {
    const before = await reading();
    world.clock.advance(2 * HOUR_MS);
    vendor.uses = [...vendor.uses.map((each) => ({ ...each })), use(1, ago(1)), use(0, ago(2), groupId)];
    await readUsage(world.workerDeps);
    const since = Date.parse(vendor.asked[0]?.since ?? '');
    expect(since).toBe((before?.read_until?.getTime() ?? 0) - 24 * HOUR_MS);
    expect(await facts()).toHaveLength(5);
    // The history keeps what was believed before.
    expect((await facts()).filter(({ account_id: id }) => id === account(1)).map((row) => row.last_used_at)).toEqual(
      expect.arrayContaining([null, expect.any(Date)]),
    );
    expect((await lastUses(1)).account).toMatchObject({ state: 'used' });
    expect((await lastUses(0)).account).toMatchObject({ at: vendor.uses[4]?.lastUsedAt });
  });
});

describe('a page that breaks', () => {
  test('is asked for again after a pause, and no page before it', async () => {
    world.clock.advance(25 * HOUR_MS);
    vendor.uses = [use(0, ago(1)), use(1, ago(2)), use(2, ago(3)), use(0, ago(4)), use(1, ago(5))];
    vendor.failsAt = '2';
    vendor.failWith = new ConnectorError('transient', 'broken', { systemId: 'crm', operation: 'listUsage' });
    await readUsage(world.workerDeps);
    expect(await reading()).toMatchObject({ cursor: '2', failures: 1, last_error_code: 'transient' });
    await readUsage(world.workerDeps);
    expect(vendor.asked.map(({ cursor }) => cursor)).toEqual([null, '2']);
    vendor.failWith = null;
    world.clock.advance(61_000);
    await readUsage(world.workerDeps);
    expect(vendor.asked.map(({ cursor }) => cursor)).toEqual([null, '2', '2', '4']);
    expect(await reading()).toMatchObject({ cursor: null, failures: 0, last_error_code: null, began_at: null });
    expect((await lastUses(2)).account).toMatchObject({ state: 'used' });
  });

  test('three times in a row begins anew: the cursor may have run out', async () => {
    world.clock.advance(25 * HOUR_MS);
    vendor.failsAt = '2';
    vendor.failWith = new ConnectorError('validation', 'no such cursor', { systemId: 'crm', operation: 'listUsage' });
    vendor.uses = vendor.uses.map((each) => ({ ...each, lastUsedAt: ago(1) }));
    for (let n = 0; n < 3; n += 1) {
      await readUsage(world.workerDeps);
      world.clock.advance(HOUR_MS);
    }
    vendor.failWith = null;
    await readUsage(world.workerDeps);
    expect(vendor.asked.map(({ cursor }) => cursor)).toEqual([null, '2', '2', '2', null, '2', '4']);
    expect((await reading())?.began_at).toBeNull();
  });

  test('for throttling waits as long as the vendor says and counts no failure', async () => {
    world.clock.advance(25 * HOUR_MS);
    vendor.failsAt = null;
    vendor.failWith = new ConnectorError('throttled', 'slow down', {
      systemId: 'crm',
      operation: 'listUsage',
      retryAfterMs: 5 * 60_000,
    });
    await readUsage(world.workerDeps);
    world.clock.advance(4 * 60_000);
    await readUsage(world.workerDeps);
    expect(vendor.asked).toHaveLength(1);
    expect((await reading())?.failures).toBe(0);
    vendor.failWith = null;
    world.clock.advance(2 * 60_000);
    await readUsage(world.workerDeps);
    expect((await reading())?.began_at).toBeNull();
  });
});

describe('what people see', () => {
  test('systems show and person show tell the last use', async () => {
    const at = { url: world.url, token };
    const shown = await runUsher(['person', 'show', personIds[0] ?? ''], at);
    expect(shown.out).toContain('last used');
    await world.startWorker();
    const { error } = await runUsher(['inventory', 'crm'], at);
    expect(error).toContain('crm: read');
    await world.stopWorker();
    const { out } = await runUsher(['systems', 'show', 'crm', '--json'], at);
    const system = JSON.parse(out) as {
      usage: object;
      accounts: { accountId: string; lastUse: object; holds: { vendorEntitlementId: string; lastUse: object }[] }[];
    };
    expect(system.usage).toMatchObject({ readUntil: expect.any(String), lastErrorCode: null });
    const first = system.accounts.find(({ accountId }) => accountId === account(0));
    expect(first?.lastUse).toMatchObject({ state: 'used' });
    expect(first?.holds.find(({ vendorEntitlementId: id }) => id === groupId)?.lastUse).toMatchObject({
      state: 'used',
    });
    expect((await runUsher(['systems', 'show', 'crm'], at)).out).toContain('known until');
  });
});

test('whoever is erased has no usage, and gets none later', async () => {
  const erased = { db: world.serverDeps.db, vault: world.serverDeps.vault, personId: personIds[0] ?? '' };
  await erasePerson({ ...erased, now: world.clock.now(), reason: 'requested' });
  const idsOf = async (): Promise<string[]> => (await facts()).map((row) => row.account_id);
  expect(await idsOf()).not.toContain(account(0));
  expect(await idsOf()).toContain(account(1));
  world.clock.advance(25 * HOUR_MS);
  vendor.uses = [use(0, ago(1)), use(1, ago(1))];
  await readUsage(world.workerDeps);
  expect(await idsOf()).not.toContain(account(0));
});
