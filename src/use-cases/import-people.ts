/**
 * Takes the people of an HR export over as those who were there before Usher: persons, links and signed snapshots, and no
 * case. A first call writes nothing and gives a report with a hash; a call that brings the hash back writes.
 */
import { connectorById } from '../connectors/registry.ts';
import { assessImport, type ImportAssessment } from '../domain/import/assess-import.ts';
import type { ImportWarning } from '../domain/import/findings.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { AppError } from '../domain/errors.ts';
import type { ImportQuery } from '../schemas/import.ts';
import type { Policy } from '../schemas/policy.ts';
import { importedSources, type ImportedSource } from '../store/import-people.ts';
import { sha256Hex } from '../store/sha256.ts';
import { effectsOf, windowReader, type ImportEffect } from './import-effect.ts';
import { readCsv } from './read-csv.ts';
import { readMapping } from './read-mapping.ts';
import type { ServerDeps } from './server-deps.ts';
import { writeImport } from './write-import.ts';

export interface ImportInput extends Pick<ImportQuery, 'source' | 'keysOf' | 'confirm'> {
  file: Uint8Array;
  /** YAML, or null. */
  mapping: string | null;
  by: string;
}

export interface ImportCounts {
  created: number;
  updated: number;
  unchanged: number;
  known: number;
  erased: number;
}

export interface ImportReport extends Pick<ImportAssessment, 'rowCount' | 'unusable' | 'warnings'> {
  reportHash: string;
  isWritten: boolean;
  source: string;
  keysOf: string | null;
  columns: ImportAssessment['columns']['read'];
  notImported: ImportAssessment['columns']['notImported'];
  /** Distinct people in the usable rows. */
  people: number;
  counts: ImportCounts;
  /** Of the people, by what the file says of today. */
  employed: number;
  ended: number;
  startsLater: number;
  tookMs: number;
}

/**
 * Writes only when `confirm` is the hash of the report as it is now. Idempotent: the same file again changes nothing, and
 * an import that was interrupted goes on when it is asked for again. Throws AppError: invalidInput for a file or mapping
 * that cannot be read; conflict without a policy or for a source of another kind; stale when the report changed.
 */
export async function importPeople(deps: ServerDeps, input: ImportInput): Promise<ImportReport> {
  const startedMs = performance.now();
  const version = await deps.policies.active();
  if (!version) throw new AppError('conflict', 'No policy is active yet: usher policy activate');
  const source = await sourceOf(deps, version.policy, input);
  const assessed = await assess(deps, source, input);
  const windowOf = windowReader(version.policy.lifecycle, deps.now());
  const effects = await effectsOf(deps, deps.db, source, assessed.people, windowOf);
  const summary = summaryOf(source, assessed, effects);
  const asked = { file: sha256Hex(input.file), mapping: input.mapping, policyHash: version.policyHash };
  const reportHash = sha256Hex(canonicalJson({ asked, ...summary }));
  if (input.confirm !== undefined && input.confirm !== reportHash)
    throw new AppError('stale', 'The report is another one than the confirmed: read it again.', 'confirm');
  const isWritten = input.confirm !== undefined;
  if (isWritten) {
    const { people } = assessed;
    await writeImport(deps, { source, people, windowOf, reportHash, by: input.by, fileDigest: asked.file });
  }
  return { ...summary, reportHash, isWritten, tookMs: Math.round(performance.now() - startedMs) };
}

async function sourceOf(deps: ServerDeps, policy: Policy, input: ImportInput): Promise<ImportedSource> {
  const { source } = input;
  if (policy.systems.some(({ id }) => id === source))
    throw new AppError('invalidInput', 'source: expected a name that no system of the policy has', 'source');
  const hris = policy.systems.filter(({ connector }) => connectorById(connector)?.manifest.kind === 'hris');
  const known = (await importedSources(deps.db)).find((each) => each.source === source);
  const [only] = hris;
  const byDefault = known ? known.keysOf : hris.length === 1 && only ? only.id : null;
  const keysOf = input.keysOf === undefined ? byDefault : input.keysOf === 'none' ? null : input.keysOf;
  if (keysOf !== null && !hris.some(({ id }) => id === keysOf))
    throw new AppError('invalidInput', 'keysOf: expected an HR system of the active policy, or none', 'keysOf');
  if (known && known.keysOf !== keysOf)
    throw new AppError('conflict', `The ids of ${source} were imported as those of ${known.keysOf ?? 'nobody else'}.`);
  return { source, keysOf };
}

async function assess(deps: ServerDeps, source: ImportedSource, input: ImportInput): Promise<ImportAssessment> {
  const settings = readMapping(input.mapping);
  const table = readCsv(input.file, settings.delimiter);
  const today = deps.now().toISOString().slice(0, 10);
  const assessed = assessImport({ table, settings, knownKeys: await keysOfSources(deps, source), today });
  const [fault] = assessed.columns.faults;
  if (fault)
    throw new AppError(
      'invalidInput',
      `mapping.columns.${fault.field}: ${fault.reason}`,
      `mapping.columns.${fault.field}`,
    );
  const { positions } = assessed.columns;
  const hasName = positions.displayName !== undefined || positions.familyName !== undefined;
  if (positions.sourceKey === undefined || !hasName) {
    const missing = positions.sourceKey === undefined ? 'ids of people' : 'names of people';
    throw new AppError(
      'invalidInput',
      `file: no column is known to hold the ${missing}; is the first line a header? A mapping names columns.`,
      'file',
    );
  }
  return assessed;
}

/** Ids of everybody whom the sources know already: a manager may stand in another file or in the HR system. */
async function keysOfSources(deps: ServerDeps, { source, keysOf }: ImportedSource): Promise<Set<string>> {
  const rows = await deps.db
    .selectFrom('identity_link')
    .select('source_key')
    .where('source', 'in', keysOf === null ? [source] : [source, keysOf])
    .where('valid_to', 'is', null)
    .execute();
  return new Set(rows.map((row) => row.source_key));
}

function summaryOf(
  source: ImportedSource,
  assessed: ImportAssessment,
  effects: readonly ImportEffect[],
): Omit<ImportReport, 'reportHash' | 'isWritten' | 'tookMs'> {
  const count = (kind: ImportEffect['kind']): number => effects.filter((effect) => effect.kind === kind).length;
  const spells = effects.map((effect) => ('spell' in effect ? effect.spell : null));
  return {
    source: source.source,
    keysOf: source.keysOf,
    columns: assessed.columns.read,
    notImported: assessed.columns.notImported,
    rowCount: assessed.rowCount,
    people: assessed.people.length,
    unusable: assessed.unusable,
    warnings: [...assessed.warnings, ...endedSince(effects)],
    counts: {
      created: count('created'),
      updated: count('updated'),
      unchanged: count('unchanged'),
      known: count('known'),
      erased: count('erased'),
    },
    employed: spells.filter((spell) => spell === 'open').length,
    ended: spells.filter((spell) => spell === 'ended').length,
    startsLater: spells.filter((spell) => spell === 'none').length,
  };
}

function endedSince(effects: readonly ImportEffect[]): ImportWarning[] {
  const gone = effects.filter((effect) => effect.kind === 'updated' && effect.hasEnded).map(({ row }) => row);
  if (gone.length === 0) return [];
  const message =
    'were employed in the last import and are not any more: no departure opens from a file; usher leave PERSON';
  const sourceKeys = gone.map(({ facts }) => facts.sourceKey);
  return [{ code: 'endedSinceImport', lines: gone.map(({ line }) => line), sourceKeys, message }];
}
