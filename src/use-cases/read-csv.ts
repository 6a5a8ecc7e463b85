/** Bytes of a CSV file to a table with line numbers: encoding, delimiter, header. What cannot be one is refused with the line. */
import { CsvError, parse } from 'csv-parse/sync';
import type { ImportTable } from '../domain/import/read-rows.ts';
import { AppError } from '../domain/errors.ts';

const delimiters = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof delimiters)[number];

const ROWS_MAX = 200_000;
const COLUMNS_MAX = 500;
/** A quote that is never closed would otherwise swallow the rest of the file into one cell. */
const RECORD_CHARACTERS_MAX = 4_000_000;

/** Throws AppError `invalidInput` on the field `file`. `delimiter` null: the one that the header is made with. */
export function readCsv(bytes: Uint8Array, delimiter: Delimiter | null): ImportTable {
  const text = decode(bytes);
  const records = parseRecords(text, delimiter ?? delimiterOf(text));
  const [first, ...rows] = records;
  if (first === undefined) throw refused('expected a header row, found nothing');
  const header = first.cells.map((cell) => cell.trim());
  checkHeader(header);
  if (rows.length === 0) throw refused('expected at least one row below the header');
  if (rows.length > ROWS_MAX) throw refused(`expected at most ${ROWS_MAX} rows`);
  return { header, rows };
}

const refused = (what: string): AppError => new AppError('invalidInput', `file: ${what}`, 'file');

function decode(bytes: Uint8Array): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refused('expected text in UTF-8; save it as "CSV UTF-8"');
  }
}

/** The sign that the first line holds most of, outside of quotes. */
function delimiterOf(text: string): Delimiter {
  const line = /[^\r\n]*/.exec(text.trimStart())?.[0].slice(0, 100_000) ?? '';
  const bare = line.replaceAll(/"(?:[^"]|"")*"/g, '');
  const counts = delimiters.map((sign) => ({ sign, count: bare.split(sign).length - 1 }));
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).sign;
}

function parseRecords(text: string, delimiter: Delimiter): { line: number; cells: string[] }[] {
  try {
    const records = parse(text, {
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      max_record_size: RECORD_CHARACTERS_MAX,
      // With `info` the parser gives another shape than its types say.
    }) as unknown as { info: { lines: number }; record: string[] }[];
    return records.map(({ info, record }) => ({ line: info.lines - lineBreaksIn(record), cells: record }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { lines?: number };
    throw refused(`line ${lines ?? 'unknown'}: ${csvProblem(error.code)}`);
  }
}

/** The parser counts to the end of a record; a person looks for its beginning. */
function lineBreaksIn(record: readonly string[]): number {
  return record.reduce((sum, cell) => sum + (cell.includes('\n') ? cell.split('\n').length - 1 : 0), 0);
}

function csvProblem(code: string): string {
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote is opened and never closed';
    case 'CSV_INVALID_CLOSING_QUOTE':
    case 'INVALID_OPENING_QUOTE':
      return 'a quote stands in the middle of a cell; expected it doubled and the cell in quotes';
    case 'CSV_MAX_RECORD_SIZE':
      return `a row is longer than ${RECORD_CHARACTERS_MAX} characters; is a quote never closed?`;
    default:
      return 'expected CSV';
  }
}

function checkHeader(header: readonly string[]): void {
  if (header.length === 1)
    throw refused('found one column only; expected columns with comma, semicolon, tab or | between them');
  if (header.length > COLUMNS_MAX) throw refused(`expected at most ${COLUMNS_MAX} columns`);
  const seen = new Set<string>();
  for (const [index, column] of header.entries()) {
    const name = column.toLowerCase();
    // The name is not shown: in a file without a header it may be somebody's.
    if (column !== '' && seen.has(name)) throw refused(`the header names column ${index + 1} as one before it`);
    seen.add(name);
  }
}
