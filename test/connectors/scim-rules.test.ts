import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { scim } from '../../src/connectors/scim.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, startPlainServer, unlimited } from '../conformance/harness.ts';

function connectTo(url: string, quirks: object = {}) {
  const config = { url, token: 't', quirks };
  return openConnector('target', scim, { systemId: 'crm', config, now: () => clockMs, rateLimiter: unlimited });
}

test.each([
  ['a listing that ends before its announced end', { totalResults: 5, Resources: [] }],
  ['a listing without a total', { Resources: [] }],
  ['an account without an id', { totalResults: 1, Resources: [{ userName: 'a' }] }],
])('%s is an error, never an inventory', async (_label, body) => {
  const vendor = await startPlainServer((response) => response.end(JSON.stringify(body)));
  try {
    await expectFailure(connectTo(vendor.url).listAccounts(null, ctx), 'transient');
  } finally {
    await vendor.close();
  }
});

test('a server that ignores filters gives nobody the account or the groups of another', async () => {
  const user = { id: 'u1', userName: 'a', externalId: 'other', active: 'False' };
  const group = { id: 'g1', displayName: 'G', members: [{ value: 'u2' }] };
  const vendor = await startPlainServer((response, { url }) => {
    const resource = url?.startsWith('/Users') ? user : group;
    response.end(JSON.stringify({ totalResults: 1, Resources: [resource] }));
  });
  try {
    const connector = connectTo(vendor.url);
    expect(await connector.findAccount(keysOf(randomUUID(), '104'), ctx)).toEqual({ outcome: 'none' });
    expect(await connector.listAccountEntitlements('u1', ctx)).toEqual([]);
    expect((await connector.listAccounts(null, ctx)).items[0]?.canLogIn).toBe(false);
  } finally {
    await vendor.close();
  }
});

/** A server whose listing hides an account that its uniqueness check knows, until something was created. */
async function withHiddenAccount(externalId: string, run: (url: string) => Promise<void>) {
  const user = { id: 'u1', userName: 'a@example.test', externalId, active: true };
  let isVisible = false;
  const vendor = await startPlainServer((response, { method, url }) => {
    if (method === 'POST') {
      isVisible = true;
      response.writeHead(409).end('{"scimType":"uniqueness"}');
    } else if (url?.startsWith('/Users/')) response.end(JSON.stringify(user));
    else response.end(JSON.stringify({ totalResults: isVisible ? 1 : 0, Resources: isVisible ? [user] : [] }));
  });
  try {
    await run(vendor.url);
  } finally {
    await vendor.close();
  }
}

test('a duplicate that the first listing hid is adopted when its key is the person’s', async () => {
  const personId = randomUUID();
  await withHiddenAccount(personId, async (url) => {
    const result = await connectTo(url).ensureAccount({ ...keysOf(personId), accountId: null }, aProfile(), ctx);
    expect(result).toMatchObject({ outcome: 'adopted', account: { accountId: 'u1' } });
  });
});

test('a duplicate that is somebody else’s stays a conflict', async () => {
  await withHiddenAccount(randomUUID(), async (url) => {
    await expectFailure(connectTo(url).ensureAccount(keysOf(randomUUID(), '104'), aProfile(), ctx), 'conflict');
  });
});

test('a server that hides an account in the call that disables it has disabled it', async () => {
  const vendor = await startPlainServer((response, { method }) => {
    if (method === 'PATCH') response.writeHead(404).end();
    else response.end(JSON.stringify({ id: 'u1', userName: 'a', active: true }));
  });
  try {
    expect(await connectTo(vendor.url).setLogin('u1', 'disabled', ctx)).toMatchObject({ outcome: 'changed' });
    await expectFailure(
      connectTo(vendor.url).setLogin('u1', 'disabled', { ...ctx, signal: AbortSignal.abort() }),
      'transient',
    );
  } finally {
    await vendor.close();
  }
});

test('a listing that leaves the members out is completed by reading each group', async () => {
  const member = { id: 'g1', displayName: 'G', members: [{ value: 'u1' }] };
  const vendor = await startPlainServer((response, { url }) => {
    const list = {
      totalResults: 2,
      Resources: [
        { id: 'g1', displayName: 'G' },
        { id: 'g2', displayName: 'H' },
      ],
    };
    if (url === '/Groups/g1') response.end(JSON.stringify(member));
    else if (url === '/Groups/g2') response.end(JSON.stringify({ id: 'g2', displayName: 'H', members: [] }));
    else response.end(JSON.stringify(list));
  });
  try {
    for (const membershipRead of ['memberFilter', 'scan']) {
      expect(await connectTo(vendor.url, { membershipRead }).listAccountEntitlements('u1', ctx)).toEqual(['g1']);
    }
  } finally {
    await vendor.close();
  }
});
