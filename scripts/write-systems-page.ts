/** Writes docs/systems.md from the manifests: `node scripts/run.js scripts/write-systems-page.ts`. */
import { writeFileSync } from 'node:fs';
import { allManifests } from '../src/connectors/registry.ts';
import { renderSystemsPage } from './systems-page.ts';

writeFileSync(new URL('../docs/systems.md', import.meta.url), renderSystemsPage(allManifests()));
