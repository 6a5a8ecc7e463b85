/** `audit sample`: population, completeness and a reproducible sample, as a table, CSV or JSON. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { stringify } from 'csv-stringify/sync';
import { AuditSample } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { moment } from '../output.ts';

interface SampleOptions {
  from: string;
  to: string;
  kind?: string;
  size: string;
  seed?: string;
  format?: string;
  output?: string;
}

const columns = [
  'caseId',
  'personId',
  'kind',
  'state',
  'effectiveAt',
  'openedAt',
  'closedAt',
  'route',
  'policyHash',
  'eventId',
] as const;

export function sampleCommand(audit: Command, context: CliContext): void {
  audit
    .command('sample')
    .description('Population of a period, whether it is complete, and a sample that the seed reproduces')
    .requiredOption('--from <date>', 'cases opened on or after this day or instant')
    .requiredOption('--to <date>', 'and before this day or instant')
    .option('--kind <kind>', 'only this kind, for instance joiner')
    .option('--size <number>', 'how many cases', '25')
    .option('--seed <text>', 'draws the same sample again (default: a new one, which is printed)')
    .option('--format <format>', 'table, csv or json', 'table')
    .option('-o, --output <file>', 'write CSV or JSON to a file')
    .action(async (options: SampleOptions, command: Command) => {
      const format = isJson(command) ? 'json' : (options.format ?? 'table');
      if (!['table', 'csv', 'json'].includes(format))
        throw new CliError(exitCodes.usage, `--format: expected table, csv or json`);
      const seed = options.seed ?? randomBytes(8).toString('hex');
      const query = new URLSearchParams({ from: options.from, to: options.to, size: options.size, seed });
      if (options.kind !== undefined) query.set('kind', options.kind);
      const result = await apiOf(context, command).get(`/api/v1/audit/sample?${query.toString()}`, AuditSample);
      if (!result.completeness.isComplete) context.setExitCode(exitCodes.negative);
      if (format === 'table') return show(result, context);
      const text = format === 'csv' ? toCsv(result) : `${JSON.stringify(result, null, 2)}\n`;
      if (options.output === undefined) return context.write(text);
      writeTo(options.output, text);
      context.out.line(`Written to ${options.output}. Seed: ${seed}`);
    });
}

/** Cells that a spreadsheet would take for formulas are quoted as text. */
export function toCsv({ sample }: { sample: Record<(typeof columns)[number], string | null>[] }): string {
  return stringify(sample, { header: true, columns: [...columns], escape_formulas: true });
}

function show(result: AuditSample, { out }: CliContext): void {
  const { completeness, populationSize, populationByKind, seed } = result;
  const kinds = Object.entries(populationByKind).map(([kind, count]) => `${count} ${kind}`);
  out.line(`Population: ${populationSize} cases${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}.`);
  out.line(
    `Events accepted: ${completeness.eventsAccepted}. Cases: ${completeness.casesOpened} opened, ${completeness.casesRecorded} of them in evidence; ${completeness.casesClosed} closed, ${completeness.closingsRecorded} in evidence, ${completeness.casesArchived} archived.`,
  );
  for (const { code, id } of completeness.gaps) out.line(`gap: ${code} ${id}`);
  out.line(completeness.isComplete ? 'Complete: no gap.' : `NOT COMPLETE: ${completeness.gaps.length} gaps.`);
  out.table(
    ['case', 'kind', 'state', 'opened', 'closed'],
    result.sample.map((each) => [each.caseId, each.kind, each.state, moment(each.openedAt), moment(each.closedAt)]),
    'No case in this period.',
  );
  out.line(`Seed: ${seed}. The same seed and period draw the same sample again.`);
}

function writeTo(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600 });
  } catch {
    throw new CliError(exitCodes.usage, `${file} cannot be written.`);
  }
}
