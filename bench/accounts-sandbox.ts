/**
 * A process of the benchmark: a SCIM application with very many accounts. Each page is what the sandbox answers for those
 * accounts, made once and kept, so that what is measured is the reader and not the server.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createScimSandbox } from '../sandbox/scim.ts';
import type { ScimUser } from '../sandbox/scim-state.ts';
import { answer } from './child.ts';

export interface AccountsStarted {
  url: string;
  token: string;
}

const token = 'bench-token';
const at = '2026-03-02T08:00:00.000Z';

function userOf(n: number): ScimUser {
  const id = `account-${String(n).padStart(7, '0')}`;
  return {
    id,
    userName: `${id}@juniperlane.example`,
    active: n % 10 !== 0,
    created: at,
    lastModified: at,
    attributes: {
      externalId: String(100_000 + n),
      displayName: `Given${n} Family${n}`,
      name: { givenName: `Given${n}`, familyName: `Family${n}`, formatted: `Given${n} Family${n}` },
      title: `Title ${n % 50}`,
      emails: [{ value: `${id}@juniperlane.example`, type: 'work', primary: true }],
    },
  };
}

/** The sandbox's own answer for each portion of accounts, with the counts of the whole. */
async function makePages(accounts: number, pageSize: number): Promise<Map<string, Buffer>> {
  const sandbox = createScimSandbox({ token, quirks: { pageMax: pageSize } });
  const { url } = await sandbox.listen(0);
  const pages = new Map<string, Buffer>();
  try {
    for (let from = 0; from < accounts; from += pageSize) {
      const users = Array.from({ length: Math.min(pageSize, accounts - from) }, (_, n) => userOf(from + n));
      sandbox.state.users = Object.fromEntries(users.map((user) => [user.id, user]));
      const response = await fetch(`${url}/Users?startIndex=1&count=${pageSize}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const page = (await response.json()) as { Resources: unknown[] };
      if (page.Resources.length !== users.length) throw new Error('the sandbox did not answer a whole page');
      const whole = { ...page, totalResults: accounts, startIndex: from + 1 };
      pages.set(String(from + 1), Buffer.from(JSON.stringify(whole)));
    }
  } finally {
    await sandbox.close();
  }
  return pages;
}

let server: Server | null = null;

async function serve(accounts: number, pageSize: number): Promise<AccountsStarted> {
  const pages = await makePages(accounts, pageSize);
  const listening = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    const page = pages.get(searchParams.get('startIndex') ?? '1');
    const isAllowed = request.headers.authorization === `Bearer ${token}`;
    const status = isAllowed ? (page === undefined ? 404 : 200) : 401;
    response.writeHead(status, { 'content-type': 'application/scim+json' }).end(status === 200 ? page : undefined);
  });
  server = listening;
  await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/scim/v2`, token };
}

answer({ start: () => ({}), serve }, async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
});
