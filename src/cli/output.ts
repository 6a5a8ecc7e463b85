/** What commands print: tables for people, JSON for programs. */
import Table from 'cli-table3';
import { printableText } from '../domain/printable-text.ts';

export interface Output {
  line(text: string): void;
  /** Rows under heads; one calm line when there are none. */
  table(heads: string[], rows: (string | number | null)[][], empty: string): void;
  json(value: unknown): void;
}

export function createOutput(write: (text: string) => void): Output {
  const line = (text: string): void => write(`${printableText(text)}\n`);
  return {
    line,
    table(heads, rows, empty) {
      if (rows.length === 0) return line(empty);
      const table = new Table({ head: heads, style: { head: [], border: [] }, wordWrap: true });
      for (const row of rows) table.push(row.map(cell));
      write(`${table.toString()}\n`);
    },
    json: (value) => write(`${JSON.stringify(value, null, 2)}\n`),
  };
}

/** Line breaks that a command puts between the parts of a cell stay; those inside a part do not. */
function cell(value: string | number | null): string {
  if (value === null) return '–';
  return String(value).split(CELL_BREAK).map(printableText).join('\n');
}

const CELL_BREAK = '\u001e';

/** Several lines in one cell. */
export function cellLines(lines: string[]): string {
  return lines.join(CELL_BREAK);
}

/** An instant for readers, to the minute. */
export function moment(instant: string | null): string {
  return instant === null ? '–' : `${instant.slice(0, 10)} ${instant.slice(11, 16)}Z`;
}
