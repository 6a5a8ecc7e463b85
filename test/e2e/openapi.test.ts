/**
 * The OpenAPI document against the running server: every endpoint has an entry, every answer is what the document says
 * and holds nothing that it does not say, and a client that was generated from it compiles and works.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import openapiTS, { astToString } from 'openapi-typescript';
import { endpoints, type Scope } from '../../src/auth/scopes.ts';
import type { OpenApiDocument } from '../../src/http/openapi/document.ts';
import { hire, type OpenApproval, openApproval, untilCase } from '../support/case-driver.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
let token: string;
let document: OpenApiDocument;
let approval: OpenApproval;
let personId: string;
const scopes: Scope[] = ['decide', 'read:own-cases', 'operate', 'security', 'audit', 'erase'];

beforeAll(async () => {
  world = await createWorld();
  token = await world.tokenOf(await world.personId('110'), scopes);
  document = (await world.api('/api/v1/openapi.json', { token })).json as OpenApiDocument;
  ({ personId } = await hire(world, {
    firstName: 'Olga',
    lastName: 'Openapi',
    jobTitle: 'Account Executive',
    department: 'Sales',
    supervisorEId: '105',
  }));
  approval = await openApproval(world, personId, 1);
});
afterAll(() => world.close());

type Json = Record<string, unknown>;
const asMap = (value: unknown): Json => (value ?? {}) as Json;

/** What an answer may hold beyond the document is nothing, here; clients still have to bear it. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isOpen = copy['properties'] !== undefined && JSON.stringify(copy['additionalProperties']) === '{}';
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
(addFormats as unknown as (to: Ajv2020) => void)(ajv);

/** The faults of an answer, by the document; also for an endpoint or a status that it does not name. */
function faultsOf(path: string, method: string, status: number, json: unknown): unknown[] {
  const operation = asMap(asMap(document.paths?.[path])[method]);
  const answer = asMap(asMap(operation['responses'])[String(status)]);
  const content = asMap(answer['content']);
  const media = status < 400 ? 'application/json' : 'application/problem+json';
  const schema = asMap(content[media])['schema'];
  if (schema === undefined) return [`${method} ${path} ${status} is not described`];
  const isValid = ajv.compile({
    ...(closed(schema) as Json),
    components: closed(document.components),
  });
  return isValid(json) ? [] : (isValid.errors ?? []);
}

const templateOf = (endpoint: string): string => (endpoint.split(' ')[1] ?? '').replace(/:(\w+)/g, '{$1}');

async function checked(
  endpoint: keyof typeof endpoints,
  parameters: Record<string, string> = {},
  init: { body?: unknown; token?: string | null; query?: string } = {},
): Promise<{ status: number; json: unknown }> {
  const method = endpoint.split(' ')[0] ?? '';
  const path = (endpoint.split(' ')[1] ?? '').replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(parameters[name] ?? ''),
  );
  const answer = await world.api(`${path}${init.query ?? ''}`, {
    method,
    ...(init.body === undefined ? {} : { body: init.body }),
    ...(init.token === null ? {} : { token: init.token ?? token }),
  });
  const faults = faultsOf(templateOf(endpoint), method.toLowerCase(), answer.status, answer.json);
  expect({ endpoint, status: answer.status, faults }).toEqual({ endpoint, status: answer.status, faults: [] });
  return answer;
}

describe('the document', () => {
  test('has an entry for every endpoint below /api/v1, and no other', () => {
    const described = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      Object.keys(asMap(item)).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const wanted = Object.keys(endpoints).filter((endpoint) => endpoint.includes(' /api/v1/'));
    const asTemplate = wanted.map((endpoint) => `${endpoint.split(' ')[0] ?? ''} ${templateOf(endpoint)}`);
    expect(described.toSorted()).toEqual(asTemplate.toSorted());
  });

  test('says which scopes open an endpoint, as the table of endpoints says it', () => {
    for (const [endpoint, need] of Object.entries(endpoints)) {
      if (!endpoint.includes(' /api/v1/')) continue;
      const method = (endpoint.split(' ')[0] ?? '').toLowerCase();
      const { security } = asMap(asMap(document.paths?.[templateOf(endpoint)])[method]) as { security?: unknown };
      expect(security).toEqual((need as readonly Scope[]).map((scope) => ({ token: [scope] })));
    }
  });

  test('names each operation once', () => {
    const ids = Object.values(document.paths ?? {}).flatMap((item) =>
      Object.values(asMap(item)).map((operation) => asMap(operation)['operationId']),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('is for holders of a token', async () => {
    expect((await world.api('/api/v1/openapi.json')).status).toBe(401);
  });
});

describe('answers are what the document says', () => {
  test('reading', async () => {
    const caseId = `case_${personId}_1`;
    await checked('GET /api/v1/me');
    await checked('GET /api/v1/cases');
    await checked('GET /api/v1/cases', {}, { query: '?state=awaitingApproval' });
    await checked('GET /api/v1/cases/:caseId', { caseId });
    await checked('GET /api/v1/approvals');
    await checked('GET /api/v1/approvals/:approvalId', { approvalId: approval.approvalId });
    await checked('GET /api/v1/persons/:person', { person: personId });
    await checked('GET /api/v1/holds');
    await checked('GET /api/v1/policy');
    await checked('GET /api/v1/systems');
    await checked('GET /api/v1/incidents');
    await checked('GET /api/v1/audit/verify');
    await checked('GET /api/v1/story');
    await checked('GET /api/v1/openapi.json');
    const { json } = await checked('GET /api/v1/doctor');
    const { findings } = json as { findings: { area: string; level: string; text: string }[] };
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(new Set(findings.map(({ area }) => area))).toEqual(
      new Set(['database', 'clock', 'temporal', 'worker', 'systems', 'policy', 'mail', 'evidence']),
    );
  });

  test('changing', async () => {
    await checked('POST /api/v1/systems/check', {}, { body: {} });
    await checked('POST /api/v1/policy/activate', {}, { body: {} });
    const verdicts = approval.items.map(({ itemDigest }) => ({ itemDigest, verdict: 'approve' }));
    const approvalId = approval.approvalId;
    const approver = await world.tokenOf(approval.seats[0]?.approverIds[0] ?? '', ['decide']);
    const decide = 'POST /api/v1/approvals/:approvalId/decisions';
    expect((await checked(decide, { approvalId }, { body: { verdicts } })).status).toBe(403);
    expect((await checked(decide, { approvalId }, { body: { verdicts: [] }, token: approver })).status).toBe(400);
    expect((await checked(decide, { approvalId }, { body: { verdicts }, token: approver })).status).toBe(201);
    expect((await checked(decide, { approvalId }, { body: { verdicts }, token: approver })).status).toBe(409);
    await untilCase(world, personId, 1, 'done');
    await checked('GET /api/v1/approvals', {}, { query: '?state=any' });
    await checked('GET /api/v1/cases/:caseId', { caseId: `case_${personId}_1` });
    await checked('GET /api/v1/persons/:person', { person: personId });
    await checked('GET /api/v1/audit/cases/:caseId', { caseId: `case_${personId}_1` });
    await checked('POST /api/v1/cases/:caseId/retry', { caseId: `case_${personId}_1` }, { body: { systemId: 'crm' } });
    await checked('POST /api/v1/holds/release', {}, { body: { persons: [personId], reason: 'nobody is held' } });
    const leave = 'POST /api/v1/persons/:person/leave';
    expect((await checked(leave, { person: personId }, { body: { reason: 'over' } })).status).toBe(202);
    const erase = { body: { reason: 'requested' } };
    expect((await checked('POST /api/v1/persons/:person/erase', { person: personId }, erase)).status).toBe(409);
    await eventually(
      async () => (await world.api(`/api/v1/cases/case_${personId}_2`, { token })).status === 200,
      'the leaver has a case',
    );
    await checked('GET /api/v1/cases/:caseId', { caseId: `case_${personId}_2` });
  });

  test('refusals', async () => {
    await checked('GET /api/v1/me', {}, { token: null });
    await checked('GET /api/v1/cases/:caseId', { caseId: 'x' });
    await checked('GET /api/v1/persons/:person', { person: 'bamboohr/99999' });
    await checked('POST /api/v1/holds/release', {}, { body: { persons: [] } });
    const reader = await world.tokenOf(await world.personId('104'), ['read:own-cases']);
    await checked('GET /api/v1/systems', {}, { token: reader });
  });

  test('an answer with a field too many or too few would be found', () => {
    const me = { personId: null, name: null, label: 'x', scopes: [] };
    expect(faultsOf('/api/v1/me', 'get', 200, me)).toEqual([]);
    expect(faultsOf('/api/v1/me', 'get', 200, { ...me, more: 1 })).toHaveLength(1);
    expect(faultsOf('/api/v1/me', 'get', 200, { ...me, label: undefined })).not.toEqual([]);
    expect(faultsOf('/api/v1/me', 'get', 418, me)).toHaveLength(1);
  });
});

describe('a generated client', () => {
  const clientText = `
import createClient from 'openapi-fetch';
import type { paths } from './api.d.ts';

const client = createClient<paths>({
  baseUrl: process.env['URL'] ?? '',
  headers: { authorization: \`Bearer \${process.env['TOKEN'] ?? ''}\` },
});
const person = process.env['PERSON'] ?? '';
const { data: me } = await client.GET('/api/v1/me');
const { data: list } = await client.GET('/api/v1/cases', { params: { query: { state: 'done' } } });
const { data: detail } = await client.GET('/api/v1/persons/{person}', { params: { path: { person } } });
const { error, response } = await client.POST('/api/v1/persons/{person}/leave', {
  params: { path: { person } },
  body: { reason: '' },
});
// @ts-expect-error -- no such state
await client.GET('/api/v1/cases', { params: { query: { state: 'lost' } } });
// @ts-expect-error -- no such endpoint
await client.GET('/api/v1/nothing');
// @ts-expect-error -- the reason is missing
void ((): unknown => client.POST('/api/v1/persons/{person}/leave', { params: { path: { person } }, body: {} }));
const scopes: string[] = me?.scopes ?? [];
const states: ('done' | 'open' | string)[] = list?.cases.map((each) => each.state) ?? [];
const name: string | undefined = detail?.name;
const field: string | null | undefined = error?.field;
console.log(JSON.stringify({ scopes, states: [...new Set(states)], name, field, status: response.status }));
`;

  test('compiles, refuses what the document does not know, and works', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'usher-client-'));
    try {
      symlinkSync(resolve('node_modules'), join(dir, 'node_modules'));
      writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
      writeFileSync(join(dir, 'api.d.ts'), astToString(await openapiTS(document as never)));
      writeFileSync(join(dir, 'client.ts'), clientText);
      expect(await typeErrorsOf(join(dir, 'client.ts'))).toBe('');
      const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'client.ts')], {
        env: { URL: world.url, TOKEN: token, PERSON: personId },
      });
      expect(JSON.parse(stdout)).toEqual({
        scopes: scopes.toSorted(),
        states: ['done'],
        name: 'Olga Openapi',
        field: 'reason',
        status: 400,
      });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }, 180_000);
});

/** In a process of its own: the compiler would keep the servers of the world from answering. */
async function typeErrorsOf(file: string): Promise<string> {
  const options = ['--strict', '--noEmit', '--skipLibCheck', '--allowImportingTsExtensions', '--ignoreConfig'];
  const target = ['--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const run = promisify(execFile)(process.execPath, [compiler, ...options, ...target, file], { cwd: dirname(file) });
  return run.then(
    () => '',
    (error: { stdout?: string; message: string }) => error.stdout ?? error.message,
  );
}
