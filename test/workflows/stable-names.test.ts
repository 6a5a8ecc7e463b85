/** The names that histories, tokens, files and clients hold on to. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { lostNames, parseStableNames, renderStableNames, stableNames } from '../../scripts/stable-names.ts';
import { SearchAttributeType } from '@temporalio/common';
import { searchAttributes } from '../../src/workflows/wire.ts';

const page = readFileSync(new URL('../../docs/stable-names.md', import.meta.url), 'utf8');

describe('stable names', () => {
  test('that were promised are all still in the code', () => {
    expect(lostNames(parseStableNames(page), stableNames())).toEqual([]);
  });

  test('are written down completely: the page is what the script writes', () => {
    expect(page).toBe(renderStableNames(stableNames()));
  });

  test('are missed one by one when they disappear', () => {
    const promised = parseStableNames(page);
    for (const [heading, list] of Object.entries(promised)) {
      expect(list.length).toBeGreaterThan(0);
      for (const name of list) {
        const without = { ...promised, [heading]: list.filter((other) => other !== name) };
        expect(lostNames(promised, without)).toEqual([`${heading}: ${name}`]);
      }
    }
  });

  test('of workflow ids fit the 255 characters of an SQL database', () => {
    const id = `provisioning_${crypto.randomUUID()}_${Number.MAX_SAFE_INTEGER}_${Number.MAX_SAFE_INTEGER}`;
    expect(id.length).toBeLessThanOrEqual(255);
  });
});

describe('search attributes', () => {
  test('fit what Temporal has room for on PostgreSQL', () => {
    const roomFor: Record<SearchAttributeType, number> = {
      [SearchAttributeType.KEYWORD]: 10,
      [SearchAttributeType.TEXT]: 3,
      [SearchAttributeType.INT]: 3,
      [SearchAttributeType.DOUBLE]: 3,
      [SearchAttributeType.BOOL]: 3,
      [SearchAttributeType.DATETIME]: 3,
      [SearchAttributeType.KEYWORD_LIST]: 3,
    };
    const all = Object.values(searchAttributes);
    expect(all.length).toBeGreaterThan(0);
    for (const type of Object.values(SearchAttributeType)) {
      const used = all.filter((attribute) => attribute.type === type).map(({ name }) => name);
      expect([type, used.length <= roomFor[type]]).toEqual([type, true]);
    }
  });

  test('are named after themselves, without a collision', () => {
    for (const [key, { name }] of Object.entries(searchAttributes)) expect(name).toBe(key);
  });
});
