/** `npm start`, second half: the company, its addresses, its first morning, its story, until Ctrl-C. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { namespace } from './child-env.ts';
import { startCompany, type Company } from './company.ts';
import { checkout, dataDirOf } from './data-folder.ts';
import { beginMorning } from './sandbox-addresses.ts';
import { runMain, secondsSince } from './step.ts';
import { aborted, stopSignal } from './stop-signal.ts';
import { followStory, httpStory, rememberedPlace } from './story.ts';

const suggestions = [
  'npx usher approvals                  what waits for a person, and for whom',
  'npm run hr -- leave "Marcus Bell"    a departure: every login is gone within seconds',
  'npx usher audit verify               prove that no record was changed',
];

const say = (line: string): void => console.log(line);

/** The page with its one-time login link, which the server writes anew at each start. */
function pageOf({ folder, serverUrl }: Company): string {
  const file = join(folder.dir, 'login-link');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : serverUrl;
}

function printAddresses(company: Company): void {
  const { temporalUiUrl, sandbox, folder } = company;
  const { systems, mailbox } = sandbox;
  const samples = Object.entries(systems).map(([name, url]) => `${name} :${new URL(url).port}`);
  const lines: [name: string, at: string][] = [
    ['the page', `${pageOf(company)}  (opens once, then stays logged in)`],
    ['mailbox', `${mailbox.url}  (what Usher mailed, with links that decide)`],
    ['Temporal UI', `${temporalUiUrl}/namespaces/${namespace}/workflows`],
    ['sandbox', samples.join(', ')],
    ['logs', shortest(folder.logs)],
  ];
  say('');
  for (const [name, at] of lines) say(`  ${name.padEnd(12)} ${at}`);
  say('');
}

/** As seen from the checkout, where that is shorter. */
function shortest(path: string): string {
  const seen = relative(checkout, path);
  return seen.startsWith('..') ? path : seen;
}

/** Lets the first morning flow, once in the life of a data folder. A refusal is told and ends nothing. */
async function firstMorning({ folder, sandbox }: Company): Promise<void> {
  const mark = join(folder.dir, 'first-morning');
  if (existsSync(mark)) {
    say('This goes on where the last run stopped.');
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
    say('Ctrl-C stops everything; the next start goes on here. In a second terminal, try:');
    for (const line of suggestions) say(`  ${line}`);
    say('');
    const { dir } = company.folder;
    await Promise.race([followStory(httpStory(dir), say, rememberedPlace(dir), signal), aborted(signal)]);
    say('stopping …');
  } finally {
    await company.stop();
  }
  say('stopped');
  return 0;
});
