/**
 * The server's HTTP surface over a real socket and a real database, with a clock that the test sets. Temporal and the
 * company's systems are not part of it: what reaches them is looked up in the rows.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { serve } from '@hono/node-server';
import { createToken, type CreatedToken } from '../../src/auth/tokens.ts';
import type { Scope } from '../../src/auth/scopes.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { allManifests, connectorById } from '../../src/connectors/registry.ts';
import { createDataConverter, decodePayloads } from '../../src/data-converter.ts';
import { createCheckpointer } from '../../src/evidence/checkpoint.ts';
import { createApp } from '../../src/http/app.ts';
import type { App, HttpDeps } from '../../src/http/app-types.ts';
import { checkPolicy } from '../../src/policy/check.ts';
import { policyHash } from '../../src/policy/hash.ts';
import { knownConnectors } from '../../src/policy/known-connector.ts';
import type { PersonFacts } from '../../src/schemas/facts.ts';
import { openDb, type Db } from '../../src/store/db.ts';
import { createPerson, insertSnapshot } from '../../src/store/people.ts';
import { openPersonVault } from '../../src/store/person-vault.ts';
import { activateVersion, PolicyReader } from '../../src/store/policies.ts';
import { openSigner, openVerifier } from '../../src/store/signing-key.ts';
import { uuidV7 } from '../../src/store/uuid.ts';
import { createLogger } from '../../src/telemetry.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

export const startedAt = new Date('2026-03-02T08:00:00.000Z');
export const webhookKey = 'test-webhook-key-of-the-fixture';
const DAY_MS = 86_400_000;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; undefined when it is none. */
  json: Record<string, unknown> | undefined;
}

export interface CallOptions {
  token?: string;
  body?: unknown;
  /** Instead of a JSON body. */
  raw?: string | Uint8Array;
  headers?: Record<string, string>;
}

export interface HttpFixture {
  app: App;
  database: TestDatabase;
  db: Db;
  deps: HttpDeps;
  keysDir: string;
  url: string;
  setNow(now: Date): void;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  addPerson(facts?: Partial<PersonFacts>): Promise<string>;
  /** A token of a person (a new one unless named). */
  tokenWith(scopes: Scope[], options?: { personId?: string | null; expiresAt?: Date }): Promise<CreatedToken>;
  close(): Promise<void>;
}

export async function createHttpFixture(): Promise<HttpFixture> {
  const database = await createTestDatabase();
  const keysDir = mkdtempSync(join(tmpdir(), 'usher-http-'));
  const db = openDb(database.serverUrl, 6);
  let now = startedAt;
  const deps = createDeps(db, keysDir, () => now);
  await activateSandboxPolicy(deps);
  const app = createApp(deps);
  const { url, stop } = await listen(app);
  deps.publicUrl = url;
  const addPerson = (facts: Partial<PersonFacts> = {}): Promise<string> => addPersonTo(deps, facts);
  return {
    app,
    database,
    db,
    deps,
    keysDir,
    url,
    setNow: (value) => {
      now = value;
    },
    call: (method, path, options = {}) => call(url, method, path, options),
    addPerson,
    async tokenWith(scopes, options = {}) {
      const personId = options.personId === undefined ? await addPerson() : options.personId;
      const expiresAt = options.expiresAt ?? new Date(now.getTime() + DAY_MS);
      return createToken(db, { personId, label: 'test', scopes, expiresAt, now });
    },
    async close() {
      await stop();
      await db.destroy();
      await database.drop();
      rmSync(keysDir, { recursive: true, force: true });
    },
  };
}

function createDeps(db: Db, keysDir: string, now: () => Date): HttpDeps {
  const signer = openSigner(keysDir);
  const verifier = openVerifier(keysDir);
  const definition = connectorById('bamboohr');
  if (!definition) throw new Error('the registry has no bamboohr');
  // Nobody listens there: a call fails at once.
  const config = { url: 'http://127.0.0.1:9', apiKey: 'test', webhookKey };
  const hris = openConnector('hris', definition, { systemId: 'bamboohr', config, now: () => now().getTime() });
  return {
    db,
    vault: openPersonVault(keysDir),
    signer,
    verifier,
    policies: new PolicyReader(db, verifier, policyHash),
    now,
    hris: () => Promise.resolve(new Map([['bamboohr', hris]])),
    policyDir: resolve('sandbox/policies'),
    policyApprovals: 1,
    publicUrl: 'http://127.0.0.1',
    mailboxUrl: null,
    temporal: null,
    notifier: { send: () => Promise.resolve() },
    log: createLogger('server', 'silent'),
    crashPoint: () => undefined,
    keysDir,
    checkpointer: createCheckpointer({ db, signer, keysDir, now }),
    profileOf: () => null,
    openPayloads: (payloads) => decodePayloads(createDataConverter(keysDir), payloads),
  };
}

async function activateSandboxPolicy(deps: HttpDeps): Promise<void> {
  const definitions = allManifests().flatMap(({ id }) => connectorById(id) ?? []);
  const { policy, findings } = await checkPolicy(deps.policyDir, knownConnectors(definitions));
  if (!policy) throw new Error(`the sandbox policy has ${findings.length} findings`);
  const version = { policy, policyHash: policyHash(policy), by: 'test', now: deps.now() };
  await deps.db.transaction().execute((tx) => activateVersion(tx, deps.signer, version));
}

async function listen(app: App): Promise<{ url: string; stop: () => Promise<void> }> {
  return new Promise((ready) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      ready({ url: `http://127.0.0.1:${port}`, stop }),
    );
    const stop = (): Promise<void> =>
      new Promise((done) => {
        if ('closeAllConnections' in server) server.closeAllConnections();
        server.close(() => done());
      });
  });
}

async function call(url: string, method: string, path: string, options: CallOptions): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.raw !== undefined
      ? { body: options.raw as string }
      : options.body !== undefined
        ? { body: JSON.stringify(options.body) }
        : {}),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

let nextKey = 5000;

async function addPersonTo(deps: HttpDeps, facts: Partial<PersonFacts>): Promise<string> {
  const sourceKey = facts.sourceKey ?? String(nextKey++);
  const now = deps.now();
  return deps.db.transaction().execute(async (tx) => {
    const person = await createPerson(tx, 'bamboohr', sourceKey, now);
    await insertSnapshot(tx, deps, {
      snapshotId: uuidV7(now) as never,
      personId: person.person_id as never,
      source: 'bamboohr',
      observedAt: now.toISOString(),
      window: { zone: 'UTC', from: now.toISOString(), startsAt: now.toISOString(), until: null },
      facts: {
        sourceKey,
        givenName: 'Ada',
        familyName: 'Lovelace',
        displayName: 'Ada Lovelace',
        workEmail: `${randomUUID()}@example.test`,
        title: 'Engineer',
        department: 'Engineering',
        division: null,
        location: 'Berlin',
        employmentType: 'employee',
        managerKey: null,
        startDate: '2026-03-02',
        endDate: null,
        isTerminated: false,
        ...facts,
      },
    });
    return person.person_id;
  });
}
