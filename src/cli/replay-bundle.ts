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

interface Replay {
  replayed: Replayed[];
  /** Why nothing was replayed; null when something was, or when there was nothing. */
  notReplayed: string | null;
}

/** Sets exit code 1 when the bundle is not sound, does not replay, or cannot be replayed here. */
export async function replayBundle(file: string, keysDir: string, context: CliContext, asJson: boolean): Promise<void> {
  const bundle = readBundle(file);
  const { verifyExport } = await import('../evidence/verify-export.ts');
  const verification = verifyExport(bundle, trustedKeys(keysDir));
  // What is not as it was exported proves nothing, whether it replays or not.
  const replay: Replay = verification.isSound
    ? await replayHistories(historiesIn(bundle), keysDir)
    : { replayed: [], notReplayed: 'the file is not what was exported.' };
  const { replayed, notReplayed } = replay;
  const isGood = notReplayed === null && replayed.every(({ difference }) => difference === null);
  if (!isGood) context.setExitCode(exitCodes.negative);
  if (asJson) return context.out.json({ verification, replayed, notReplayed });
  const { out } = context;
  for (const finding of verification.findings) out.line(`${finding.code}: ${finding.message}`);
  const keys = verification.isKeyTrusted ? 'keys of this installation' : 'keys inside the file only';
  out.line(`${verification.isSound ? 'Sound' : 'NOT SOUND'}: ${verification.recordCount} records, ${keys}.`);
  for (const [keyId, print] of Object.entries(verification.keyFingerprints)) out.line(`  key ${keyId}: ${print}`);
  for (const { workflowId, difference } of replayed)
    out.line(difference === null ? `replays: ${workflowId}` : `DIFFERS: ${workflowId}: ${difference}`);
  if (notReplayed !== null) out.line(`Not replayed: ${notReplayed}`);
  else if (replayed.length === 0) out.line('The file holds no workflow history.');
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

async function replayHistories(histories: [string, unknown][], keysDir: string): Promise<Replay> {
  if (histories.length === 0) return { replayed: [], notReplayed: null };
  // Opening a key folder makes what is missing, and a key made here decodes nothing.
  if (!existsSync(join(keysDir, 'codec'))) {
    const help = 'give --keys-dir with the key folder of the installation (its folder "codec" is enough).';
    return { replayed: [], notReplayed: `the histories are encrypted and no key for them is here: ${help}` };
  }
  const { Runtime, DefaultLogger, makeTelemetryFilterString, Worker } = await import('@temporalio/worker');
  const { createDataConverter } = await import('../data-converter.ts');
  // The answer names what differs; the engine would write the same to standard output, between the lines or the JSON.
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), telemetryOptions: { logging: { filter } } });
  const options = {
    workflowsPath: join(import.meta.dirname, '..', 'workflows', 'index.ts'),
    // Without the converter that encodes failures: those of a replay go nowhere but into the answer, readable.
    dataConverter: { payloadCodecs: createDataConverter(keysDir).payloadCodecs ?? [] },
  };
  const inputs = histories.map(([workflowId, history]) => ({ workflowId, history }));
  const replayed: Replayed[] = [];
  try {
    for await (const result of Worker.runReplayHistories(options, inputs)) {
      const difference = result.error === undefined ? null : result.error.message.slice(0, 500);
      replayed.push({ workflowId: result.workflowId, difference });
    }
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 300) : 'unknown';
    return { replayed, notReplayed: `a history cannot be read: ${why}` };
  }
  return { replayed, notReplayed: null };
}
