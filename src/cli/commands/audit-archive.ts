/** `audit archive` and `audit replay`. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { ArchivedCase } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { dataDirOf, keysDirOf } from '../credentials.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { moment } from '../output.ts';
import { findManifest, replayArchive } from '../replay-archive.ts';
import { readBundle, replayBundle } from '../replay-bundle.ts';

interface ReplayOptions {
  keysDir?: string;
  archiveDir?: string;
}

export function archiveCommands(audit: Command, context: CliContext): void {
  audit
    .command('archive <case>')
    .description('What the archive holds of a closed case, and whether every file is what was archived')
    .action((id: string, _options: object, command: Command) => showArchive(id, context, command));
  audit
    .command('replay <case-or-file>')
    .description('Replay a case from the archive with the code that ran it, or verify and replay an exported file')
    .option('--keys-dir <folder>', 'keys of the installation (default: USHER_KEYS_DIR)')
    .option('--archive-dir <folder>', 'the archive (default: USHER_ARCHIVE_DIR, or "archive" in the data folder)')
    .action((what: string, options: ReplayOptions, command: Command) =>
      replay(what, options, context, isJson(command)),
    );
}

async function replay(what: string, options: ReplayOptions, context: CliContext, asJson: boolean): Promise<void> {
  const keysDir = options.keysDir ?? keysDirOf(context.env);
  if (/^case_[0-9a-f-]{36}_\d+$/.test(what) && !existsSync(what)) {
    const dir = options.archiveDir ?? context.env['USHER_ARCHIVE_DIR'] ?? join(dataDirOf(context.env), 'archive');
    const manifest = findManifest(dir, what);
    if (manifest === null)
      throw new CliError(
        exitCodes.notFound,
        `${what} is not in the archive ${dir}.`,
        `A case is archived soon after it closed. Before that: usher audit export ${what} -o FILE, then replay FILE.`,
      );
    return replayArchive(manifest, keysDir, context, asJson);
  }
  const content = readBundle(what);
  const isManifest = typeof content === 'object' && content !== null && 'format' in content;
  return isManifest && content.format === 'usher-archive/1'
    ? replayArchive(resolve(what), keysDir, context, asJson)
    : replayBundle(content, keysDir, context, asJson);
}

async function showArchive(id: string, context: CliContext, command: Command): Promise<void> {
  const { out } = context;
  const path = `/api/v1/audit/cases/${encodeURIComponent(id)}/archive`;
  const found = await apiOf(context, command).get(path, ArchivedCase);
  if (!found.isSound) context.setExitCode(exitCodes.negative);
  if (isJson(command)) return out.json(found);
  if (found.state === 'waiting') return out.line(`${id} is not archived yet: that happens soon after it closed.`);
  if (found.state === 'erased')
    return out.line(`${id}: the person was erased before it was archived; nothing is kept.`);
  out.table(
    ['workflow', 'events', 'bundle', 'file'],
    found.histories.map((each) => [
      each.workflowId,
      each.eventCount,
      each.bundleHash?.slice(0, 12) ?? null,
      each.isIntact ? 'intact' : 'CHANGED OR MISSING',
    ]),
    'No history.',
  );
  for (const { workflowId } of found.missing) out.line(`missing: ${workflowId}`);
  for (const { bundleHash, isIntact } of found.bundles)
    if (!isIntact) out.line(`missing: bundle ${bundleHash.slice(0, 12)}`);
  out.line(
    `${found.isSound ? 'Sound' : 'NOT SOUND'}: archived ${moment(found.archivedAt)}, manifest ${found.manifestHash ?? ''}`,
  );
}
