/** The table of systems says what the manifests say. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { renderSystemsPage } from '../../scripts/systems-page.ts';
import type { ConnectorManifest } from '../../src/connectors/kit/contract.ts';
import { allManifests } from '../../src/connectors/registry.ts';

describe('docs/systems.md', () => {
  const rowOf = (page: string, id: string): string[] =>
    (page.split('\n').find((line) => line.includes(`\`${id}\``)) ?? '').split('|').map((cell) => cell.trim());

  test('is what the script writes', () => {
    const page = readFileSync(new URL('../../docs/systems.md', import.meta.url), 'utf8');
    expect(page).toBe(renderSystemsPage(allManifests()));
  });

  test('has a row for every connector, with its scopes', () => {
    const page = renderSystemsPage(allManifests());
    for (const { id, scopes } of allManifests()) {
      const row = rowOf(page, id);
      for (const scope of scopes) expect(row.at(-2)).toContain(scope);
    }
  });

  test('tells a capability, and on what it was verified, from the manifest alone', () => {
    const [target] = allManifests().filter(({ kind }) => kind === 'target');
    if (!target) throw new Error('there is a system that holds accounts');
    const rowWith = (
      change: Partial<ConnectorManifest>,
      capabilities: Partial<ConnectorManifest['capabilities']> = {},
    ) =>
      rowOf(
        renderSystemsPage([
          { ...target, ...change, id: 'invented', capabilities: { ...target.capabilities, ...capabilities } },
        ]),
        'invented',
      );
    expect(rowWith({ provedOn: [] })).toContain('sandbox only');
    expect(rowWith({ provedOn: ['vendorDescription', 'realServer'] })).toContain('real server, vendor description');
    expect(rowWith({}, { suspend: 'destructive' })).toContain('no: disabling loses things');
    expect(rowWith({}, { sessionRevocation: 'refreshOnly', residualSessionSeconds: 5400 })).toContain(
      'not renewed; up to 90 min',
    );
    expect(rowWith({}, { usage: 'account' })).toContain('sign-ins');
    expect(rowWith({ scopes: ['a|b'] }).join('|')).toContain('a\\|b');
  });
});
