/** `npm start`, second half: the company, its addresses, its first morning, its story, until Ctrl-C. */
import { existsSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { startCompany, type Company } from './company.ts';
import { checkout, dataDirOf } from './data-folder.ts';
import { beginMorning } from './sandbox-addresses.ts';
import { runMain, secondsSince } from './step.ts';
import { aborted, stopSignal } from './stop-signal.ts';
import { followStory, httpStory, rememberedPlace } from './story.ts';

const say = (line: string): void => console.log(line);

function printAddresses({ serverUrl, temporalUiUrl, sandbox, folder }: Company): void {
  const lines: [name: string, at: string][] = [
    ['Usher', serverUrl],
    ['Temporal UI', temporalUiUrl],
    ...Object.entries(sandbox.systems),
    ['mailbox', sandbox.mailbox.url],
    ['logs', relative(checkout, folder.logs)],
  ];
  say('');
  for (const [name, at] of lines) say(`  ${name.padEnd(12)} ${at}`);
  say('');
}

/** Lets the first morning flow, once in the life of a data folder. A refusal is told and ends nothing. */
async function firstMorning({ folder, sandbox }: Company): Promise<void> {
  const mark = join(folder.dir, 'first-morning');
  if (existsSync(mark)) {
    say('This goes on where the last run stopped. What waits for a person:  npm run usher -- approvals');
    return;
  }
  try {
    await beginMorning(sandbox);
    writeFileSync(mark, '');
    say('The first morning begins: HR enters joiners and leavers, and not every system is well.');
  } catch (error) {
    say(`The first morning did not begin: ${error instanceof Error ? error.message : String(error)}`);
  }
}

await runMain(async () => {
  const signal = stopSignal();
  const startedAt = performance.now();
  const company = await startCompany({ dataDir: dataDirOf(process.env), say, env: process.env }, signal).catch(
    (error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    },
  );
  if (!company) return 0;
  try {
    say(`everything is up (${secondsSince(startedAt)})`);
    printAddresses(company);
    await firstMorning(company);
    say('Ctrl-C stops everything; the next start goes on here. Try:  npm run hr -- --help');
    const { dir } = company.folder;
    await Promise.race([followStory(httpStory(dir), say, rememberedPlace(dir), signal), aborted(signal)]);
    say('stopping …');
  } finally {
    await company.stop();
  }
  say('stopped');
  return 0;
});
