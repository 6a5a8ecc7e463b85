import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { policyJsonSchema } from '../../src/policy/json-schema.ts';

describe('JSON Schema for editors', () => {
  test('the written file is the schema of today', async () => {
    const written = await readFile(new URL('../../docs/reference/policy.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(written)).toEqual(policyJsonSchema());
  });

  test('describes what a person writes: durations as texts, defaults optional, unknown keys refused', () => {
    expect(policyJsonSchema()).toMatchObject({
      additionalProperties: false,
      properties: {
        routing: {
          required: ['security', 'fallbackOwner'],
          properties: { expireAfter: { type: 'string', default: '14d' } },
        },
      },
    });
  });
});
