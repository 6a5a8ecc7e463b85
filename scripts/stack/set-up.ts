/** The second half of the set-up, under the project's Node: the Temporal command line and the PostgreSQL binaries. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureTemporalCli, findTemporalCli } from '../../temporal/cli.ts';
import { checkout } from './data-folder.ts';
import { embeddedBinaries } from './postgres-home.ts';
import { runMain, size, step } from './step.ts';

const say = (line: string): void => console.log(line);

function sizeOf(path: string): number {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

await runMain(async () => {
  await step(say, 'Node', async () => {
    const bytes = statSync(join(checkout, 'node_modules', 'node', 'bin', 'node')).size;
    return { value: null, text: `${process.version}, ${size(bytes)}` };
  });
  await step(say, 'Temporal', async () => {
    const file = await ensureTemporalCli(say);
    const found = findTemporalCli();
    const from = found ? `${found.version.cli} (server ${found.version.server}, from ${found.from})` : file;
    return { value: file, text: `${from}, ${size(statSync(file).size)}` };
  });
  await step(say, 'PostgreSQL', async () => {
    if (process.env['DATABASE_URL']) return { value: null, text: 'the server of DATABASE_URL' };
    const binDir = embeddedBinaries();
    return { value: null, text: `embedded, ${size(sizeOf(dirname(binDir)))}` };
  });
  return 0;
});
