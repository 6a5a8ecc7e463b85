/**
 * Verifies an exported case and replays its workflow histories against the workflow code of this checkout: the code
 * takes the recorded steps again, or the replay names the first one that differs.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, exitCodes } from './exit-code.ts';
import type { CliContext } from './command-context.ts';

interface Replayed {
  workflowId: string;
  /** Null when the history replays. */
  difference: string | null;
}

/** Sets exit code 1 when the bundle is not sound or a history does not replay. */
export async function replayBundle(file: string, keysDir: string, context: CliContext, asJson: boolean): Promise<void> {
  const bundle = readBundle(file);
  const { verifyExport } = await import('../evidence/verify-export.ts');
  const verification = verifyExport(bundle, trustedKeys(keysDir));
  const replayed = verification.caseId === null ? [] : await replayHistories(historiesIn(bundle), keysDir);
  const isGood = verification.isSound && replayed.every(({ difference }) => difference === null);
  if (!isGood) context.setExitCode(exitCodes.negative);
  if (asJson) return context.out.json({ verification, replayed });
  const { out } = context;
  for (const finding of verification.findings) out.line(`${finding.code}: ${finding.message}`);
  const keys = verification.isKeyTrusted ? 'keys of this installation' : 'keys inside the file only';
  out.line(`${verification.isSound ? 'Sound' : 'NOT SOUND'}: ${verification.recordCount} records, ${keys}.`);
  for (const [keyId, print] of Object.entries(verification.keyFingerprints)) out.line(`  key ${keyId}: ${print}`);
  for (const { workflowId, difference } of replayed)
    out.line(difference === null ? `replays: ${workflowId}` : `DIFFERS: ${workflowId}: ${difference}`);
  if (replayed.length === 0) out.line('The file holds no workflow history.');
}

function readBundle(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new CliError(exitCodes.usage, `${file} cannot be read.`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CliError(exitCodes.usage, `${file} is not JSON.`, 'Expected a file of: usher audit export CASE -o FILE');
  }
}

/** Public keys of this installation as PEM by key id, or null when there are none here. */
function trustedKeys(keysDir: string): Record<string, string> | null {
  const dir = join(keysDir, 'public');
  if (!existsSync(dir)) return null;
  const names = readdirSync(dir).filter((name) => name.endsWith('.pem'));
  return Object.fromEntries(names.map((name) => [name.slice(0, -4), readFileSync(join(dir, name), 'utf8')]));
}

/** Called for a bundle whose shape was verified. */
function historiesIn(bundle: unknown): [string, unknown][] {
  const { histories } = bundle as { histories: Record<string, unknown> };
  return Object.entries(histories);
}

async function replayHistories(histories: [string, unknown][], keysDir: string): Promise<Replayed[]> {
  if (histories.length === 0) return [];
  const { Runtime, DefaultLogger, makeTelemetryFilterString, Worker } = await import('@temporalio/worker');
  const { createDataConverter } = await import('../data-converter.ts');
  // The answer names what differs; the engine would write the same to standard output, between the lines or the JSON.
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), telemetryOptions: { logging: { filter } } });
  const options = {
    workflowsPath: join(import.meta.dirname, '..', 'workflows', 'index.ts'),
    dataConverter: createDataConverter(keysDir),
  };
  const inputs = histories.map(([workflowId, history]) => ({ workflowId, history }));
  const replayed: Replayed[] = [];
  for await (const result of Worker.runReplayHistories(options, inputs)) {
    const difference = result.error === undefined ? null : result.error.message.slice(0, 500);
    replayed.push({ workflowId: result.workflowId, difference });
  }
  return replayed;
}
