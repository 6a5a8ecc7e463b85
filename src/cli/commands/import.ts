/** `import`: sends the file as it is; the server reads it, reports, and writes once the report's hash is confirmed. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { ImportAnswer } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { CliError, exitCodes } from '../exit-code.ts';

interface ImportOptions {
  map?: string;
  source?: string;
  keysOf?: string;
  confirm?: string;
  dryRun?: boolean;
}

/** More lines than this of one kind are for `--json`. */
const SHOWN_MAX = 10;

export function importCommands(program: Command, context: CliContext): void {
  program
    .command('import <file>')
    .description('Take over people from a CSV export; shows a report first and writes with --confirm only')
    .option('--map <file>', 'mapping (YAML): which column is what, and what its words mean')
    .option('--source <name>', 'under which source the people are kept (default: csv)')
    .option('--keys-of <hris>', 'the HR system whose keys the ids are, or none (default: the only one of the policy)')
    .option('--dry-run', 'report only; the default without --confirm')
    .option('--confirm <hash>', 'write: the hash of the report that you read')
    .action(async (file: string, options: ImportOptions, command: Command) => {
      if (options.dryRun === true && options.confirm !== undefined)
        throw new CliError(exitCodes.usage, 'Give --dry-run or --confirm, not both.');
      const form = new FormData();
      form.set('file', new Blob([await readInput(file)]), basename(file));
      if (options.map !== undefined) form.set('mapping', new Blob([await readInput(options.map)]), 'mapping.yaml');
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries({
        source: options.source,
        keysOf: options.keysOf,
        confirm: options.confirm,
      }))
        if (value !== undefined) query.set(name, value);
      const answer = await apiOf(context, command).postForm(`/api/v1/import?${query.toString()}`, form, ImportAnswer);
      if (isJson(command)) return context.out.json(answer);
      show(answer, context);
    });
}

async function readInput(file: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(file);
  } catch {
    throw new CliError(exitCodes.usage, `The file ${file} cannot be read.`);
  }
}

function show(answer: ImportAnswer, { out }: CliContext): void {
  const { counts } = answer;
  const read = answer.columns.map(({ field, column }) => `${column} → ${field}`);
  out.line(`Columns: ${read.join(', ')}`);
  out.table(
    ['not imported', 'why'],
    answer.notImported.map(({ column, reason }) => [column, reason]),
    'Every column is read.',
  );
  for (const [code, rows] of Map.groupBy(answer.unusable, ({ code }) => code)) {
    out.line(`Not usable: ${code} (${rows.length} rows)`);
    for (const row of rows.slice(0, SHOWN_MAX))
      out.line(`  line ${row.line}${row.column === null ? '' : `, ${row.column}`}: ${row.reason}`);
    if (rows.length > SHOWN_MAX) out.line(`  and ${rows.length - SHOWN_MAX} more: --json shows all`);
  }
  for (const [code, warnings] of Map.groupBy(answer.warnings, ({ code }) => code)) {
    out.line(`Look at: ${code} (${warnings.length})`);
    for (const { lines, sourceKeys, message } of warnings.slice(0, SHOWN_MAX))
      out.line(`  ${firstOf(sourceKeys)}${firstOf(sourceKeys) === '' ? '' : ' '}${message} (${linesText(lines)})`);
    if (warnings.length > SHOWN_MAX) out.line(`  and ${warnings.length - SHOWN_MAX} more: --json shows all`);
  }
  const keys = answer.keysOf === null ? 'ids of its own' : `ids of ${answer.keysOf}`;
  out.line(`${answer.rowCount} rows, ${answer.people} people, source ${answer.source} with ${keys}:`);
  out.line(
    `${counts.created} new, ${counts.updated} changed, ${counts.unchanged} unchanged, ${counts.known} known from ${answer.keysOf ?? 'an HR system'}, ${counts.erased} erased before; ${answer.unusable.length} rows not usable.`,
  );
  if (answer.isWritten) return out.line(`Written in ${(answer.tookMs / 1000).toFixed(1)} s. No case was opened.`);
  out.line('Nothing is written yet. To write exactly this, give the same command with:');
  out.line(`  --confirm ${answer.reportHash}`);
}

function firstOf(keys: readonly string[]): string {
  return keys.length <= SHOWN_MAX
    ? keys.join(', ')
    : `${keys.slice(0, SHOWN_MAX).join(', ')} and ${keys.length - SHOWN_MAX} more`;
}

function linesText(lines: readonly number[]): string {
  return lines.length === 1 ? `line ${lines[0]}` : `lines ${firstOf(lines.map(String))}`;
}
