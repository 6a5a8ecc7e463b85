/** The gate itself: what must fail fails, with words that help; what must pass passes. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Exchange } from '../../sandbox/exchange.ts';
import { createVendorKit, readJson, type SandboxContext, type VendorKit } from '../../sandbox/kit.ts';
import { openStore } from '../../sandbox/store.ts';
import { z } from 'zod';
import { type Node, type OpenApiDocument, parseDescription } from './description/document.ts';
import { createValidator } from './description/validator.ts';
import { describeBy, type DescriptionException, explainBreaches } from './vendor-description.ts';

const user = {
  type: 'object',
  required: ['id', 'profile'],
  properties: {
    id: { type: 'string', readOnly: true },
    status: { $ref: '#/components/schemas/Status' },
    lastLogin: { type: 'string', format: 'date-time', nullable: true },
    moving: { type: 'string', enum: ['UP', 'DOWN'], nullable: true },
    profile: {
      allOf: [{ $ref: '#/components/schemas/Named' }, { type: 'object', properties: { login: { type: 'string' } } }],
    },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    role: {
      oneOf: [{ $ref: '#/components/schemas/Plain' }, { $ref: '#/components/schemas/Custom' }],
      discriminator: { propertyName: 'kind', mapping: { PLAIN: '#/components/schemas/Plain', CUSTOM: 'Custom' } },
    },
    key: { oneOf: [{ type: 'integer' }, { type: 'string', maxLength: 3 }] },
  },
};
const json = (schema: Node) => ({ 'application/json': { schema } });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const mini: OpenApiDocument = {
  openapi: '3.0.3',
  servers: [{ url: 'https://{tenant}.example/api/' }],
  security: [{ token: [] }],
  paths: {
    '/users': {
      get: {
        parameters: [
          { name: 'limit', in: 'query', schema: { type: 'integer', maximum: 200 } },
          {
            name: 'page',
            in: 'query',
            style: 'deepObject',
            schema: { type: 'object', properties: { after: { type: 'integer' } } },
          },
          { name: 'id', in: 'query', schema: { type: 'array', items: { type: 'integer' } } },
          { name: 'X-Consistency', in: 'header', required: true, schema: { type: 'string' } },
        ],
        responses: { 200: { content: json({ type: 'array', items: ref('User') }) } },
      },
      post: {
        requestBody: { required: true, content: json(ref('User')) },
        responses: {
          201: { content: json(ref('User')) },
          400: { description: 'refused' },
          429: { content: json({ type: 'object', required: ['error'] }) },
        },
      },
    },
    '/users/{id}': {
      parameters: [{ name: 'id', in: 'path', schema: { type: 'string', maxLength: 8 } }],
      delete: { responses: { 204: {} } },
    },
    '/users/me': { get: { responses: { '2XX': { content: json({ type: 'object' }) } } } },
  },
  components: {
    securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    schemas: {
      User: user,
      Status: { type: 'string', enum: ['ACTIVE'], readOnly: true },
      Plain: { type: 'object', required: ['kind'], properties: { kind: { type: 'string' } } },
      Custom: {
        type: 'object',
        required: ['kind', 'set'],
        properties: { kind: { type: 'string' }, set: { type: 'string' } },
      },
      Named: { type: 'object', properties: { name: { type: 'string' } } },
    },
  },
};

const anAnswer = { id: 'u1', profile: { name: 'Ada', login: 'ada' } };

interface Sketch {
  method?: string;
  path?: string;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
  status?: number;
  answer?: unknown;
  fault?: Exchange['fault'];
}

function exchangeOf({
  method = 'GET',
  path = '/api/users',
  query = '',
  body,
  headers = {},
  status = 200,
  answer,
  fault = null,
}: Sketch): Exchange {
  const common = { authorization: 'Bearer t', 'x-consistency': 'eventual' };
  const text = (value: unknown): string =>
    value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  return {
    method,
    path,
    query,
    fault,
    requestHeaders: new Headers({
      ...common,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    }),
    requestBody: text(body),
    answer: { status, headers: new Headers({ 'content-type': 'application/json; charset=utf-8' }), body: text(answer) },
  };
}

function breachesOf(sketch: Sketch, exceptions: DescriptionException[] = [], document = mini): string[] {
  const rules = {
    documents: [{ document, validator: createValidator(document) }],
    basePath: undefined,
    undescribed: [{ method: 'GET', path: '/api/reports/{id}', reason: 'cut away' }],
  };
  return describeBy(rules, exceptions)
    .check(exchangeOf(sketch))
    .breaches.map(({ operation, place, expected }) => `${operation} | ${place} | ${expected}`);
}

const create = { method: 'POST', body: { profile: { name: 'Ada' } }, status: 201, answer: anAnswer } satisfies Sketch;

describe('requests', () => {
  test.each<[string, Sketch]>([
    ['a listing', { answer: [anAnswer] }],
    ['parameters of every form', { query: '?limit=200&page[after]=7&id=1&id=2', answer: [] }],
    ['a creation', create],
    ['the literal path before the one with a name', { path: '/api/users/me', answer: {} }],
    ['a path that was named as cut away', { path: '/api/reports/7', answer: { anything: 1 } }],
  ])('%s passes', (_what, sketch) => {
    expect(breachesOf(sketch)).toEqual([]);
  });

  test.each<[string, Sketch, string]>([
    [
      'a wrong field',
      { ...create, body: { profile: { name: 'Ada', nickname: 'A' } } },
      'POST /users | request body/profile/nickname | is not described',
    ],
    ['a missing field', { ...create, body: {} }, 'POST /users | request body/profile | is missing'],
    [
      'a wrong type',
      { ...create, body: { profile: { name: 7 } } },
      'POST /users | request body/profile/name | must be string, is 7',
    ],
    [
      'a read-only field',
      { ...create, body: { ...create.body, id: 'x' } },
      'POST /users | request body/id | does not travel in this direction (read-only or write-only)',
    ],
    [
      'a field of a type that is read-only',
      { ...create, body: { ...create.body, status: 'ACTIVE' } },
      'POST /users | request body/status | does not travel in this direction (read-only or write-only)',
    ],
    ['no body', { ...create, body: undefined }, 'POST /users | request body | is missing'],
    ['a body that is no JSON', { ...create, body: '{' }, 'POST /users | request body | must be JSON'],
    [
      'another content type',
      { ...create, headers: { 'content-type': 'text/plain' } },
      'POST /users | request content-type | must be application/json, is text/plain',
    ],
    [
      'a body where none belongs',
      { method: 'DELETE', path: '/api/users/u1', body: {}, status: 204 },
      'DELETE /users/{id} | request body | none is described',
    ],
    ['an unknown parameter', { query: '?offset=2', answer: [] }, 'GET /users | query/offset | is not described'],
    [
      'a parameter out of bounds',
      { query: '?limit=201', answer: [] },
      'GET /users | query/limit | must be <= 200, is 201',
    ],
    [
      'a parameter of another type',
      { query: '?page[after]=x', answer: [] },
      'GET /users | query/page/after | must be integer, is "x"',
    ],
    [
      'an unknown member of a parameter',
      { query: '?page[before]=7', answer: [] },
      'GET /users | query/page/before | is not described',
    ],
    [
      'other credentials',
      { headers: { authorization: 'SSWS t' }, answer: [] },
      'GET /users | credentials | must be token',
    ],
    [
      'a path that does not exist',
      { path: '/api/people', answer: [] },
      'GET /api/people | path | the description has no such operation (name it in `undescribed` with a reason)',
    ],
    [
      'a method that does not exist',
      { method: 'PUT', path: '/api/users/u1' },
      'PUT /api/users/u1 | path | the description has no such operation (name it in `undescribed` with a reason)',
    ],
    [
      'a value of a path that is too long',
      { method: 'DELETE', path: '/api/users/123456789', status: 204 },
      'DELETE /users/{id} | path/id | must NOT have more than 8 characters, is "123456789"',
    ],
  ])('%s is a breach', (_what, sketch, expected) => {
    expect(breachesOf(sketch)).toEqual([expected]);
  });

  test('a header that is missing is a breach', () => {
    const exchange = exchangeOf({ answer: [] });
    exchange.requestHeaders.delete('x-consistency');
    const rules = {
      documents: [{ document: mini, validator: createValidator(mini) }],
      basePath: undefined,
      undescribed: [],
    };
    expect(describeBy(rules, []).check(exchange).breaches).toEqual([
      { operation: 'GET /users', place: 'header/X-Consistency', expected: 'is missing' },
    ]);
  });
});

describe('answers', () => {
  const answers = (answer: unknown, more: Sketch = {}) => breachesOf({ ...create, answer, ...more });

  test.each([
    ['null where the description allows it', { ...anAnswer, lastLogin: null, moving: null }],
    ['a member that additionalProperties allows', { ...anAnswer, labels: { any: 'thing' } }],
    ['one of several alternatives', { ...anAnswer, key: 'abc' }],
    ['the alternative that a member names', { ...anAnswer, role: { kind: 'CUSTOM', set: 's' } }],
  ])('%s passes', (_what, answer) => {
    expect(answers(answer)).toEqual([]);
  });

  test.each([
    ['a missing member', { id: 'u1' }, ['profile | is missing']],
    ['an invented member', { ...anAnswer, active: true }, ['active | is not described']],
    [
      'a member of another alternative',
      { ...anAnswer, role: { kind: 'PLAIN', set: 's' } },
      ['role/set | is not described'],
    ],
    ['what the named alternative lacks', { ...anAnswer, role: { kind: 'CUSTOM' } }, ['role/set | is missing']],
    ['null where none is allowed', { ...anAnswer, id: null }, ['id | must be string, is null']],
    [
      'a word that is none of the list',
      { ...anAnswer, status: 'GONE' },
      ['status | must be one of ["ACTIVE"], is "GONE"'],
    ],
    [
      'a date that is none',
      { ...anAnswer, lastLogin: '3/2/26' },
      ['lastLogin | must match format "date-time", is "3/2/26"'],
    ],
    [
      'none of the alternatives',
      { ...anAnswer, key: 'abcd' },
      [
        'key | fits none of the alternatives (/key must be integer, is "abcd"; /key must NOT have more than 3 characters, is "abcd")',
      ],
    ],
  ])('%s is a breach', (_what, answer, expected) => {
    expect(answers(answer)).toEqual(expected.map((each) => `POST /users | answer 201 body/${each}`));
  });

  test('the items of a list share one place', () => {
    const breaches = breachesOf({ answer: [anAnswer, { ...anAnswer, id: 7 }, { ...anAnswer, id: 7 }] });
    expect(breaches).toEqual(['GET /users | answer 200 body/*/id | must be string, is 7']);
  });

  test('a status that is not described is a breach, unless a fault asked for it', () => {
    expect(answers({}, { status: 418 })).toEqual(['POST /users | answer 418 status | must be one of 201, 400, 429']);
    expect(answers({}, { status: 418, fault: 'status' })).toEqual([]);
    expect(answers({ what: 1 }, { status: 400 })).toEqual([]);
  });

  test('a fault excuses what it broke and nothing else', () => {
    expect(answers('{"id":', { fault: 'malformed' })).toEqual([]);
    expect(answers({}, { status: 429, fault: 'throttle' })).toEqual([
      'POST /users | answer 429 body/error | is missing',
    ]);
    expect(answers({}, { fault: 'lie' })).toHaveLength(2);
    const unanswered = { ...exchangeOf({ ...create, fault: 'reset' }), answer: null };
    const rules = {
      documents: [{ document: mini, validator: createValidator(mini) }],
      basePath: undefined,
      undescribed: [],
    };
    expect(describeBy(rules, []).check(unanswered).breaches).toEqual([]);
  });

  test('an exception stands for its place in its operation', () => {
    const wrong = { ...anAnswer, id: 7, active: true };
    const exception = {
      operation: ['GET /users', 'POST /users'],
      place: 'answer 201 body/id',
      reason: 'numbers, really',
    };
    expect(breachesOf({ ...create, answer: wrong }, [exception])).toEqual([
      'POST /users | answer 201 body/active | is not described',
    ]);
    expect(breachesOf({ ...create, answer: wrong }, [{ ...exception, operation: 'GET /users' }])).toHaveLength(2);
    expect(breachesOf({ ...create, answer: wrong }, [{ ...exception, place: 'answer 201 body' }])).toEqual([]);
  });
});

describe('descriptions of other kinds', () => {
  test('Swagger 2 is converted', async () => {
    const swagger = {
      swagger: '2.0',
      info: { title: 'x', version: '1' },
      host: 'x.example',
      basePath: '/v1',
      paths: {
        '/a': {
          get: {
            responses: {
              200: { description: 'ok', schema: { type: 'object', properties: { a: { type: 'string' } } } },
            },
          },
        },
      },
    };
    const document = await parseDescription(JSON.stringify(swagger));
    expect(breachesOf({ path: '/v1/a', answer: { a: 'x' } }, [], document)).toEqual([]);
    expect(breachesOf({ path: '/v1/a', answer: { b: 'x' } }, [], document)).toEqual([
      'GET /a | answer 200 body/b | is not described',
    ]);
  });

  test('what is none of them is refused', async () => {
    await expect(parseDescription('{"kind":"discovery#restDescription"}')).rejects.toThrow('neither OpenAPI');
  });
});

test('the words of a failure name vendor, operation, place and count', () => {
  const breach = { operation: 'GET /users', place: 'answer 200 body/*/id', expected: 'must be string, is 7' };
  expect(explainBreaches('Mini', [breach, breach])).toBe(
    'This is not what Mini describes:\n  GET /users\n    answer 200 body/*/id: must be string, is 7 (2 times)',
  );
});

describe('a watched sandbox', () => {
  const State = z.strictObject({ count: z.number() });
  let kit: VendorKit;
  let url: string;
  const seen: Exchange[] = [];

  beforeEach(async () => {
    seen.length = 0;
    const store = openStore(State, undefined, () => ({ count: 0 }), undefined);
    const refuse = (c: SandboxContext, status: number) => c.json({ refused: true }, status as 400);
    kit = createVendorKit({ store, options: {}, refuse, describe: () => store.data });
    kit.app.post('/things', async (c) => c.json({ got: await readJson(c) }, 201));
    kit.server.watch((exchange) => seen.push(exchange));
    ({ url } = await kit.server.listen(0));
  });
  afterEach(() => kit.server.close());

  const send = () => fetch(`${url}/things?a=1`, { method: 'POST', body: '{"x":1}', headers: { 'x-who': 'me' } });

  test('shows both bodies, and the client still gets its answer', async () => {
    expect(await (await send()).json()).toEqual({ got: { x: 1 } });
    expect(seen).toMatchObject([
      { method: 'POST', path: '/things', query: '?a=1', requestBody: '{"x":1}', fault: null },
    ]);
    expect(seen[0]?.requestHeaders.get('x-who')).toBe('me');
    expect(seen[0]?.answer).toMatchObject({ status: 201, body: '{"got":{"x":1}}' });
  });

  test.each(['status', 'lie', 'malformed', 'lostResponse', 'reset'] as const)('marks the fault %s', async (kind) => {
    kit.server.faults.add({ kind });
    await send().catch(() => undefined);
    expect(seen).toMatchObject([{ fault: kind, requestBody: '{"x":1}' }]);
    expect(seen[0]?.answer === null).toBe(kind === 'lostResponse' || kind === 'reset');
  });
});
