import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createSlackSandbox, type SlackSandboxOptions } from '../../sandbox/slack.ts';
import type { TargetConnector } from '../../src/connectors/kit/contract.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { slack } from '../../src/connectors/slack.ts';
import { parseDescription } from '../conformance/description/document.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, ctx, expectFailure, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';
import { scimDescription } from '../conformance/scim-description.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const token = 'slack-token-of-the-test';
const groupId = 'S0SBX1';
const pageSize = 3;
const at = new Date(clockMs).toISOString();

const gate = openVendorDescription({
  vendor: 'Slack',
  files: ['slack/slack-web-api.pruned.json', 'scim/scim2-core-schemas.json'],
  convert: async (text, file) =>
    file.startsWith('scim/')
      ? { ...scimDescription(text), servers: [{ url: 'https://api.slack.com/scim/v2' }] }
      : parseDescription(text),
  // The description of 2021 has the token as a parameter; Slack takes it as a bearer token, and from newer apps nowhere else.
  exceptions: [
    {
      operation: ['GET /auth.test', 'POST /admin.users.session.reset'],
      place: 'header/token',
      reason: 'the token travels in the Authorization header',
    },
    {
      operation: 'POST /admin.users.session.reset',
      place: 'answer 200 body/ok',
      reason: 'the description has refusals as `default`; Slack sends them with 200',
    },
    {
      operation: 'GET /team.accessLogs',
      place: 'query/token',
      reason: 'the token travels in the Authorization header',
    },
  ],
});

function connectTo(url: string, config: object = {}) {
  const urls = { url: `${url}/api`, scimUrl: `${url}/scim/v2` };
  const options = { systemId: 'chat', now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', slack, { ...options, config: { ...urls, token, pageMax: pageSize, ...config } });
}

async function open(options: Partial<SlackSandboxOptions> = {}) {
  const times = { created: at, lastModified: at };
  const group = { id: groupId, displayName: 'Finance', externalId: null, ...times, memberIds: [] };
  const sandbox = createSlackSandbox({ token, groups: [group], now: () => new Date(clockMs), ...options });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  const seedAccount = ({ userName, correlationKey }: { userName: string; correlationKey: string | null }) => {
    const id = sandbox.newUserId();
    const emails = [{ value: userName, type: 'work', primary: true }];
    const attributes = { emails, ...(correlationKey === null ? {} : { externalId: correlationKey }) };
    sandbox.state.users[id] = { id, userName, active: true, ...times, attributes };
    return Promise.resolve(id);
  };
  return { sandbox, url, seedAccount };
}

async function start(): Promise<TargetHarness> {
  const { sandbox, url, seedAccount } = await open();
  return {
    connector: connectTo(url),
    connectTo,
    manifest: slack.manifest,
    sandbox,
    secrets: [token],
    pageSize,
    statuses: ['active', 'inactive'],
    groupId,
    usersPath: '/Users$',
    memberMethod: 'PATCH',
    memberPath: '/Groups/',
    seedAccount,
    forceStatus(accountId, status) {
      const user = sandbox.state.users[accountId];
      if (user !== undefined) user.active = status === 'active';
    },
    canLogIn: (accountId) => sandbox.canLogIn(accountId),
    accountIds: () => Object.keys(sandbox.state.users),
    membersOf: (id) => sandbox.state.groups[id]?.memberIds ?? [],
    createSession: (userId) => void sandbox.state.sessions.push({ id: randomUUID(), userId }),
    sessionCount: (accountId) => sandbox.state.sessions.filter(({ userId }) => userId === accountId).length,
    replyWithNextLink: null,
  };
}

describeTargetConnector('slack', { start });

describe('Slack', () => {
  const withSandbox = async (
    options: Partial<SlackSandboxOptions>,
    run: (opened: Awaited<ReturnType<typeof open>>) => Promise<void>,
  ): Promise<void> => {
    const opened = await open(options);
    try {
      await run(opened);
    } finally {
      await opened.sandbox.close();
    }
  };
  const usageOf = (connector: TargetConnector, since: string | null) =>
    collectPages((cursor) => connector.listUsage?.(since, cursor, ctx) ?? Promise.reject(new Error('no listUsage')), {
      systemId: 'chat',
      operation: 'test',
    });

  test('the access logs tell who was there last, over pages and stretches; whoever is not in them is unknown', () =>
    withSandbox({}, async ({ sandbox, url }) => {
      const seconds = clockMs / 1000;
      // Three rows a page, a hundred pages at most.
      const rows = Array.from({ length: 320 }, (_, index) => ({
        userId: `U0LOG${index % 40}`,
        dateLast: seconds - index,
      }));
      sandbox.state.accessLogs = rows;
      const all = await usageOf(connectTo(url), null);
      const newest = new Map<string, string>();
      for (const { accountId, lastUsedAt } of all) {
        const known = newest.get(accountId) ?? '';
        if (lastUsedAt !== null && lastUsedAt > known) newest.set(accountId, lastUsedAt);
      }
      expect(newest.size).toBe(40);
      expect(all.length).toBeGreaterThanOrEqual(320);
      expect(newest.get('U0LOG7')).toBe(new Date(clockMs - 7000).toISOString());
      const recent = await usageOf(connectTo(url), new Date(clockMs - 3000).toISOString());
      expect(recent.map(({ accountId }) => accountId)).toEqual(['U0LOG0', 'U0LOG1', 'U0LOG2', 'U0LOG3']);
    }));

  test('a throttle with 200 and without a header waits a minute', () =>
    withSandbox({}, async ({ sandbox, url, seedAccount }) => {
      const accountId = await seedAccount({ userName: 'ada@example.test', correlationKey: null });
      sandbox.throttleQuietly(1);
      const error = await expectFailure(connectTo(url).revokeSessions(accountId, ctx), 'throttled');
      expect(error.detail).toMatchObject({ retryAfterMs: 60_000, vendorCode: 'ratelimited' });
    }));

  test('check names the scope that the token lacks', () =>
    withSandbox({ scopes: ['admin'] }, async ({ url }) => {
      const result = await connectTo(url).check(ctx);
      expect(result).toMatchObject({ isHealthy: false });
      expect(result.findings).toContainEqual({ level: 'error', text: 'The token lacks the scope admin.users:write.' });
      expect(await connectTo(url, { plan: 'business' }).check(ctx)).toMatchObject({ isHealthy: true });
    }));

  test('without Enterprise, sessions end with the deactivation and not before', () =>
    withSandbox({ isEnterprise: false }, async ({ sandbox, url, seedAccount }) => {
      const accountId = await seedAccount({ userName: 'ada@example.test', correlationKey: null });
      sandbox.state.sessions.push({ id: 's', userId: accountId });
      const connector = connectTo(url, { plan: 'business' });
      await expectFailure(connector.revokeSessions(accountId, ctx), 'unsupported');
      await connector.setLogin(accountId, 'disabled', ctx);
      expect(await connector.revokeSessions(accountId, ctx)).toMatchObject({ outcome: 'unchanged' });
      expect(sandbox.state.sessions).toEqual([]);
      await expectFailure(connectTo(url).revokeSessions(accountId, ctx), 'unsupported');
    }));

  test('sessions of an account that does not exist are not found', () =>
    withSandbox({}, async ({ url }) => {
      await expectFailure(connectTo(url).revokeSessions('U0NOBODY', ctx), 'notFound');
      await expectFailure(connectTo(url, { plan: 'business' }).revokeSessions('U0NOBODY', ctx), 'notFound');
    }));
});
