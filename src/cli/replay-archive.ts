/**
 * Replays a case from the archive alone: the histories that lie there, each with the workflow bundle that ran it last.
 * Needs the folder and the keys; neither Temporal nor the database nor a server.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { manifestFile, readBundle, readHistory, readManifest } from '../evidence/archive-folder.ts';
import type { ArchivedHistory, ArchiveManifest } from '../schemas/archive.ts';
import { openPersonVault } from '../store/person-vault.ts';
import { openVerifier } from '../store/signing-key.ts';
import type { CliContext } from './command-context.ts';
import { CliError, exitCodes } from './exit-code.ts';
import { replayHistories, type Replayed } from './replay-histories.ts';

interface Findings {
  lines: string[];
  isErased: boolean;
}

/** The manifest of a case in the archive, or null when the archive does not hold it. */
export function findManifest(archiveDir: string, caseId: string): string | null {
  const file = manifestFile(archiveDir, caseId);
  return existsSync(file) ? file : null;
}

/** Exit code 1 when something is missing, changed, erased, or does not replay. */
export async function replayArchive(
  file: string,
  keysDir: string,
  context: CliContext,
  asJson: boolean,
): Promise<void> {
  if (!existsSync(join(keysDir, 'public')) || !existsSync(join(keysDir, 'codec')))
    throw new CliError(
      exitCodes.usage,
      `${keysDir} is not the key folder of an installation.`,
      'Give --keys-dir FOLDER.',
    );
  const reading = readManifest(file, openVerifier(keysDir));
  if (reading.outcome !== 'sound') {
    context.setExitCode(exitCodes.negative);
    const finding = 'The manifest is not what this installation signed: nothing was replayed.';
    return asJson ? context.out.json({ isSound: false, findings: [finding], replayed: [] }) : context.out.line(finding);
  }
  const { manifest } = reading;
  const dir = dirname(dirname(file));
  const findings = missingThings(manifest);
  const replayed = await replayAll(dir, keysDir, manifest, findings);
  const isSound = findings.lines.length === 0;
  if (!isSound || replayed.some(({ difference }) => difference !== null)) context.setExitCode(exitCodes.negative);
  if (asJson) return context.out.json({ caseId: manifest.caseId, isSound, findings: findings.lines, replayed });
  const { out } = context;
  for (const line of findings.lines) out.line(line);
  for (const { workflowId, bundleHash, difference } of replayed) {
    const by = bundleHash === null ? 'the code here' : `bundle ${bundleHash.slice(0, 12)}`;
    out.line(difference === null ? `replays: ${workflowId} (${by})` : `DIFFERS: ${workflowId} (${by}): ${difference}`);
  }
  out.line(
    `${isSound ? 'Sound' : 'NOT SOUND'}: archived ${manifest.archivedAt}, ${manifest.histories.length} histories.`,
  );
}

function missingThings({ missing, missingBundles, histories }: ArchiveManifest): Findings {
  return {
    isErased: false,
    lines: [
      ...missing.map(({ workflowId }) => `missing: ${workflowId} was gone from Temporal when the case was archived`),
      ...missingBundles.map((hash) => `missing: bundle ${hash.slice(0, 12)} was not kept; the code here replays it`),
      ...(histories.length === 0 ? ['missing: every history of the case'] : []),
    ],
  };
}

async function replayAll(
  dir: string,
  keysDir: string,
  manifest: ArchiveManifest,
  findings: Findings,
): Promise<(Replayed & { bundleHash: string | null })[]> {
  const vault = openPersonVault(keysDir);
  const byBundle = Map.groupBy(manifest.histories, ({ bundleHashes }) => bundleHashes.at(-1) ?? null);
  const replayed: (Replayed & { bundleHash: string | null })[] = [];
  for (const [bundleHash, entries] of byBundle) {
    const code = bundleHash === null ? null : readBundle(dir, bundleHash);
    if (bundleHash !== null && code === null && !manifest.missingBundles.includes(bundleHash))
      findings.lines.push(`changed: bundle ${bundleHash.slice(0, 12)} is missing or not what its hash says`);
    const histories = entries.flatMap((entry) => openEntry(dir, vault, manifest, entry, findings));
    const answer = await replayHistories(histories, keysDir, code);
    if (answer.notReplayed !== null) findings.lines.push(answer.notReplayed);
    const by = code === null ? null : bundleHash;
    replayed.push(...answer.replayed.map((each) => ({ ...each, bundleHash: by })));
  }
  return replayed;
}

function openEntry(
  dir: string,
  vault: ReturnType<typeof openPersonVault>,
  manifest: ArchiveManifest,
  entry: ArchivedHistory,
  findings: Findings,
): [string, unknown][] {
  const reading = readHistory(dir, vault, manifest, entry);
  switch (reading.outcome) {
    case 'read':
      return [[entry.workflowId, reading.history]];
    case 'missing':
    case 'changed':
      findings.lines.push(`${reading.outcome}: ${entry.workflowId} (run ${entry.runId})`);
      return [];
    case 'erased':
      if (!findings.isErased)
        findings.lines.push('erased: the person of this case was erased, or their key is not in this key folder');
      findings.isErased = true;
      return [];
    default:
      return reading satisfies never;
  }
}
