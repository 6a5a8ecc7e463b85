/**
 * Verifies an exported case and replays its workflow histories against the workflow code of this checkout: the code
 * takes the recorded steps again, or the replay names the first one that differs.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, exitCodes } from './exit-code.ts';
import type { CliContext } from './command-context.ts';
import { replayHistories, type Replay } from './replay-histories.ts';

/** Sets exit code 1 when the bundle is not sound, does not replay, or cannot be replayed here. */
export async function replayBundle(
  bundle: unknown,
  keysDir: string,
  context: CliContext,
  asJson: boolean,
): Promise<void> {
  const { verifyExport } = await import('../evidence/verify-export.ts');
  const verification = verifyExport(bundle, trustedKeys(keysDir));
  // What is not as it was exported proves nothing, whether it replays or not.
  const replay: Replay = verification.isSound
    ? await replayHistories(historiesIn(bundle), keysDir, null)
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

export function readBundle(file: string): unknown {
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
