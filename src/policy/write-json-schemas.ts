/**
 * Writes docs/reference/policy.schema.json. Run it, and prettier over the result, after a
 * change of src/schemas/policy.ts; a test fails when the file is stale.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { policyJsonSchema } from './json-schema.ts';

const folder = new URL('../../docs/reference/', import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(new URL('policy.schema.json', folder), `${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
