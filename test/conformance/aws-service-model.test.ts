/** The gate over service models catches what it is there for. */
import { expect, test } from '@jest/globals';
import type { Exchange } from '../../sandbox/exchange.ts';
import { checkAwsExchange, type ServiceModel } from './aws-service-model.ts';
import { parseXml } from './small-xml.ts';

const shapes: ServiceModel['shapes'] = {
  Name: { type: 'string', pattern: '[a-z]+', min: 2, max: 5 },
  Status: { type: 'string', enum: ['ON', 'OFF'] },
  Count: { type: 'integer', min: 1, max: 9 },
  Names: { type: 'list', member: { shape: 'Name' }, max: 2 },
  Date: { type: 'timestamp' },
  In: {
    type: 'structure',
    required: ['Name'],
    members: { Name: { shape: 'Name' }, Count: { shape: 'Count' }, Names: { shape: 'Names' } },
  },
  Out: { type: 'structure', required: ['Status'], members: { Status: { shape: 'Status' }, At: { shape: 'Date' } } },
  Gone: { type: 'structure', members: {} },
};
const operations: ServiceModel['operations'] = {
  Do: { input: { shape: 'In' }, output: { shape: 'Out' }, errors: [{ shape: 'Gone' }] },
};
const json: ServiceModel = { metadata: { protocol: 'json', targetPrefix: 'Svc' }, operations, shapes };
const query: ServiceModel = { metadata: { protocol: 'query' }, operations, shapes };

function exchange(headers: Record<string, string>, requestBody: string, status: number, body: string): Exchange {
  const answer = { status, headers: new Headers(), body };
  return {
    method: 'POST',
    path: '/',
    query: '',
    requestHeaders: new Headers(headers),
    requestBody,
    fault: null,
    answer,
  };
}

const overJson = (input: object, answer: object, status = 200, target = 'Svc.Do') =>
  checkAwsExchange(exchange({ 'x-amz-target': target }, JSON.stringify(input), status, JSON.stringify(answer)), [json]);
const overQuery = (form: string, xml: string, status = 200) =>
  checkAwsExchange(exchange({ 'content-type': 'application/x-www-form-urlencoded' }, form, status, xml), [query]);

const fine = { Name: 'ada' };
const on = { Status: 'ON', At: 1.5 };

test('what fits has no breach, in both protocols', () => {
  expect(overJson({ ...fine, Count: 9, Names: ['ab', 'cd'] }, on)).toEqual([]);
  const xml = '<DoResponse><DoResult><Status>ON</Status><At>2026-01-01T00:00:00Z</At></DoResult></DoResponse>';
  expect(overQuery('Action=Do&Version=1&Name=ada&Count=9&Names.member.1=ab', xml)).toEqual([]);
  expect(overJson(fine, { __type: 'Gone' }, 400)).toEqual([]);
});

test.each([
  [{}, on, 'request/Name is missing'],
  [{ Name: 'a' }, on, 'request/Name 1 is out of bounds'],
  [{ Name: 'ADA' }, on, 'request/Name does not match'],
  [{ Name: 7 }, on, 'request/Name is no string'],
  [{ ...fine, Extra: 1 }, on, 'request/Extra is not described'],
  [{ ...fine, Count: 10 }, on, 'request/Count 10 is out of bounds'],
  [{ ...fine, Names: ['ab', 'cd', 'ef'] }, on, 'request/Names 3 is out of bounds'],
  [fine, { Status: 'MAYBE' }, 'answer/Status is no word'],
  [fine, { ...on, At: '2026' }, 'answer/At is no timestamp'],
])('%j answered by %j: %s', (input, answer, breach) => {
  expect(overJson(input, answer)).toEqual([expect.stringContaining(breach)]);
});

test('refusals, operations and documents that the service does not have', () => {
  expect(overJson(fine, { __type: 'Odd' }, 400)).toEqual([expect.stringContaining('Odd is unknown')]);
  expect(overJson(fine, on, 200, 'Svc.Undo')).toEqual(['Undo: no such operation']);
  expect(overQuery('Action=Do&Name=ada', '<DoResponse/>')).toEqual([expect.stringContaining('has no result')]);
  expect(overQuery('Action=Do&Name=ada', '<E><Code>Odd</Code></E>', 400)).toEqual([
    expect.stringContaining('Odd is unknown'),
  ]);
  expect(() => parseXml('<a><b></a>')).toThrow('closes');
});

test('a call of another kind is not held against the models', () => {
  expect(checkAwsExchange(exchange({}, '', 200, '{}'), [json])).toBeNull();
});
