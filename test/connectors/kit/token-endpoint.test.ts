import { afterEach, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { createConnectorRuntime } from '../../../src/connectors/kit/http.ts';
import { askForToken } from '../../../src/connectors/kit/token-endpoint.ts';
import { createVendorClient } from '../../../src/connectors/kit/vendor-client.ts';
import { clockMs, failureOf, type PlainServer, startPlainServer, unlimited } from '../../conformance/harness.ts';

let server: PlainServer | null = null;
afterEach(() => server?.close());

async function ask(answer: (response: ServerResponse) => void) {
  server = await startPlainServer(answer);
  const runtime = createConnectorRuntime({ systemId: 'crm', config: {}, rateLimiter: unlimited, now: () => clockMs });
  const client = createVendorClient(runtime, { baseUrl: server.url });
  return askForToken(client, {
    operation: 'fetchToken',
    path: () => 'token',
    form: { grant_type: 'g', secret: 's&t' },
  });
}
const json = (response: ServerResponse, body: object): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

test('posts the form and answers the token with its life', async () => {
  const issued = await ask((response) => json(response, { access_token: 'a', expires_in: 3600, more: true }));
  expect(issued).toEqual({ token: 'a', lifetimeSeconds: 3600 });
  expect(server?.requests[0]).toMatchObject({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
});

test('an answer that got lost, is cut or is none leaves no outcome unknown', async () => {
  const failures = [
    await failureOf(ask((response) => response.destroy())),
    await failureOf(ask((response) => response.writeHead(408).end())),
    await failureOf(ask((response) => json(response, { access_token: 'a' }))),
  ];
  expect(failures.map(({ code }) => code)).toEqual(['transient', 'transient', 'transient']);
});
