/** A case must not close while its write is still on the way: every call waits for its end when it is cancelled. */
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../../src/workflows/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
const sourceOf = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

/** The options of every call of that function, up to the end of its statement. */
function optionsOf(source: string, callee: RegExp): string[] {
  return [...source.matchAll(callee)].map(({ index }) => source.slice(index, source.indexOf('});', index)));
}

describe('a cancelled call', () => {
  test('to an activity is waited for, in every class of call', () => {
    const options = optionsOf(sourceOf('options.ts'), /(?<!\w)proxyActivities</g);
    expect(options.length).toBeGreaterThanOrEqual(4);
    for (const text of options) expect(text).toContain('cancellationType: WAIT_CANCELLATION_COMPLETED');
  });

  test('to a child workflow is waited for', () => {
    const options = files.flatMap((name) => optionsOf(sourceOf(name), /\b(?:startChild|executeChild)\(/g));
    expect(options.length).toBeGreaterThanOrEqual(2);
    for (const text of options) {
      expect(text).toContain('cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED');
    }
  });

  test('is set up in one place, and no single call chooses another way', () => {
    for (const name of files.filter((file) => file !== 'options.ts')) {
      expect(sourceOf(name)).not.toMatch(/proxy(?:Local)?Activities|\bActivityCancellationType|TRY_CANCEL|'ABANDON'/);
    }
  });
});
