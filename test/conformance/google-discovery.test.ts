import { expect, test } from '@jest/globals';
import type { Exchange } from '../../sandbox/exchange.ts';
import { createValidator } from './description/validator.ts';
import { parseDiscovery } from './google-discovery.ts';
import { describeBy } from './vendor-description.ts';

const parameter = (location: string, rest: object = {}) => ({ type: 'string', location, ...rest });
const discovery = {
  discoveryVersion: 'v1',
  baseUrl: 'https://admin.example/',
  parameters: { fields: parameter('query') },
  schemas: {
    User: {
      id: 'User',
      type: 'object',
      properties: { id: { type: 'string' }, etag: { type: 'string', readOnly: true }, relations: { type: 'any' } },
    },
  },
  resources: {
    users: {
      methods: {
        get: {
          httpMethod: 'GET',
          path: 'v1/users/{userKey}',
          parameters: { userKey: parameter('path', { required: true }) },
          response: { $ref: 'User' },
        },
        list: {
          httpMethod: 'GET',
          path: 'v1/users',
          parameters: { maxResults: parameter('query', { type: 'integer', minimum: '1', maximum: '500' }) },
          response: { $ref: 'User' },
        },
        insert: { httpMethod: 'POST', path: 'v1/users', request: { $ref: 'User' }, response: { $ref: 'User' } },
      },
      resources: {
        units: { methods: { delete: { httpMethod: 'DELETE', path: 'v1/users/{userKey}/units/{+unitPath}' } } },
      },
    },
  },
};

const document = parseDiscovery(JSON.stringify(discovery));
const description = describeBy(
  { documents: [{ document, validator: createValidator(document) }], basePath: undefined, undescribed: [] },
  [],
);

function breachesOf(call: Partial<Exchange>, body: unknown = { id: '1' }, status = 200): string[] {
  const json = { 'content-type': 'application/json' };
  const exchange: Exchange = {
    method: 'GET',
    path: '/v1/users/1',
    query: '',
    requestHeaders: new Headers({ authorization: 'Bearer t', ...(call.requestBody === undefined ? {} : json) }),
    requestBody: '',
    fault: null,
    answer: { status, headers: new Headers(json), body: JSON.stringify(body) },
    ...call,
  };
  return description.check(exchange).breaches.map(({ operation, place }) => `${operation} ${place}`);
}

test('what Google describes passes: parameters of every method, fields of any kind, refusals', () => {
  expect(breachesOf({ query: '?fields=id' })).toEqual([]);
  expect(breachesOf({}, { id: '1', relations: [{ type: 'manager' }] })).toEqual([]);
  expect(breachesOf({ path: '/v1/users', query: '?maxResults=500' })).toEqual([]);
  expect(breachesOf({}, { error: { code: 404 } }, 404)).toEqual([]);
  const removal = { method: 'DELETE', path: '/v1/users/1/units/a' };
  expect(breachesOf({ ...removal, answer: { status: 204, headers: new Headers(), body: '' } })).toEqual([]);
});

test.each([
  [{ query: '?projection=full' }, undefined, 'GET /v1/users/{userKey} query/projection'],
  [{ path: '/v1/users', query: '?maxResults=501' }, undefined, 'GET /v1/users query/maxResults'],
  [{}, { identity: '1' }, 'GET /v1/users/{userKey} answer 200 body/identity'],
  [{}, { id: 1 }, 'GET /v1/users/{userKey} answer 200 body/id'],
  [{ requestHeaders: new Headers() }, undefined, 'GET /v1/users/{userKey} credentials'],
  [{ method: 'POST', path: '/v1/users', requestBody: '{"etag":"1"}' }, undefined, 'POST /v1/users request body/etag'],
])('what it does not describe is a breach: %j', (call, body, breach) => {
  expect(breachesOf(call, body)).toEqual([breach]);
});

test('another text is refused', () => {
  expect(() => parseDiscovery('{"openapi":"3.0.3"}')).toThrow('no discovery document');
});
