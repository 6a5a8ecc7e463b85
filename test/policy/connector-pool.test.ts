import { afterAll, expect, test } from '@jest/globals';
import { connectorById } from '../../src/connectors/registry.ts';
import { createConnectorPool } from '../../src/policy/connector-pool.ts';
import type { PolicyReader } from '../../src/store/policies.ts';
import { startPlainServer, type PlainServer } from '../conformance/harness.ts';

let server: PlainServer | null = null;
afterAll(() => server?.close());

test('a rotated secret is used by the next call, without a restart', async () => {
  server = await startPlainServer((response) =>
    response.writeHead(404, { 'content-type': 'application/scim+json' }).end('{}'),
  );
  const config = { url: `${server.url}/scim/v2`, token: '${secret:crm.token}' };
  const system = { id: 'crm', connector: 'scim', displayName: 'CRM', owner: 'hr/1', authenticates: true, config };
  const active = () => Promise.resolve({ policyHash: 'h', policy: { systems: [system] } });
  const secrets = { crm: { token: 'first' } };
  const pool = createConnectorPool({
    policies: { active } as unknown as PolicyReader,
    secrets: () => secrets,
    definitionById: connectorById,
    now: Date.now,
  });
  const call = async () => {
    const { connector } = await pool.open('target', 'crm');
    await connector.getAccount('a', { operationKey: 'o' });
    return connector;
  };
  const first = await call();
  expect(await call()).toBe(first);
  secrets.crm.token = 'second';
  expect(await call()).not.toBe(first);
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer first',
    'Bearer first',
    'Bearer second',
  ]);
});
