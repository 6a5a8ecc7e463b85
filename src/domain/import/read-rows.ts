/** Rows of an HR export to facts about people. A row is read as a whole or not at all, and each refusal says why. */
import type { EmploymentType, PersonFacts } from '../../schemas/facts.ts';
import type { ColumnPlan, ImportField } from './columns.ts';
import { dateOrderOf, readDate, type DateOrder } from './dates.ts';
import type { UnusableCode, UnusableRow } from './findings.ts';
import { readEmploymentState, readEmploymentType, readYesNo, type EmploymentState } from './words.ts';

export interface TableRow {
  /** Of the file, counted from 1. */
  line: number;
  cells: readonly string[];
}

export interface ImportTable {
  header: readonly string[];
  rows: readonly TableRow[];
}

/** What a mapping file decides; see `ImportMapping`. */
export interface ReadSettings {
  employmentTypes: Readonly<Record<string, EmploymentType>>;
  statuses: Readonly<Record<string, EmploymentState>>;
  dateOrder: DateOrder | null;
  defaults: { startDate: string | null; employmentType: EmploymentType | null };
}

export interface ImportedRow {
  line: number;
  facts: PersonFacts;
  /** For the comparison of people in memory; never stored. */
  birthDate: string | null;
}

interface Problem {
  code: UnusableCode;
  field: ImportField | null;
  reason: string;
}

class RowProblem extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.reason);
    this.problem = problem;
  }
}

/** Longest text of a field; names are as long as the systems that hold them allow. */
const lengthMax: Readonly<Partial<Record<ImportField, number>>> = {
  sourceKey: 64,
  managerKey: 64,
  givenName: 1_000,
  familyName: 1_000,
  displayName: 2_000,
  workEmail: 320,
};
const OTHER_LENGTH_MAX = 500;
/** What people type where nothing is to be said. */
const emptyWords: ReadonlySet<string> = new Set(['', '-', '--', 'n/a', 'null', 'none', '#n/a', '(none)', '(null)']);
const keyPattern = /^[A-Za-z0-9._-]{1,64}$/;
// Line breaks and tabs inside a cell are white space; everything else below the space is an accident or an attack.
// oxlint-disable-next-line no-control-regex
const controlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

export interface RowsRead {
  usable: ImportedRow[];
  unusable: UnusableRow[];
}

/** Reads all rows. `thisYear` bounds what dates can mean. */
export function readRows(
  table: ImportTable,
  plan: Pick<ColumnPlan, 'positions'>,
  settings: ReadSettings,
  thisYear: number,
): RowsRead {
  const orders = {
    startDate: orderOf(table, plan.positions.startDate, settings),
    endDate: orderOf(table, plan.positions.endDate, settings),
    birthDate: orderOf(table, plan.positions.birthDate, settings),
  };
  const result: RowsRead = { usable: [], unusable: [] };
  for (const row of table.rows) {
    const reader = createReader(table, plan, row);
    try {
      result.usable.push(readRow(reader, row, settings, orders, thisYear));
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      const { code, field, reason } = error.problem;
      const position = field === null ? undefined : plan.positions[field];
      const column = position === undefined ? null : (table.header[position] ?? null);
      result.unusable.push({ line: row.line, sourceKey: reader.key(), code, column, reason });
    }
  }
  return result;
}

function orderOf(table: ImportTable, position: number | undefined, { dateOrder }: ReadSettings): DateOrder | null {
  if (dateOrder !== null || position === undefined) return dateOrder;
  return dateOrderOf(table.rows.map(({ cells }) => (cells[position] ?? '').trim()));
}

interface Reader {
  /** The cell without white space around it, null where it says nothing. Throws RowProblem. */
  text(field: ImportField): string | null;
  has(field: ImportField): boolean;
  /** The id for the report, as far as it can be shown. */
  key(): string | null;
}

function createReader({ header }: ImportTable, { positions }: Pick<ColumnPlan, 'positions'>, row: TableRow): Reader {
  const raw = (field: ImportField): string => {
    const position = positions[field];
    return position === undefined ? '' : (row.cells[position] ?? '').replaceAll(/\s+/g, ' ').trim();
  };
  return {
    has: (field) => positions[field] !== undefined,
    key: () => (keyPattern.test(raw('sourceKey')) ? raw('sourceKey') : null),
    text(field) {
      if (row.cells.length !== header.length) {
        const reason = `expected ${header.length} cells as in the header, found ${row.cells.length}`;
        throw new RowProblem({ code: 'cellCount', field: null, reason });
      }
      const text = raw(field);
      if (emptyWords.has(text.toLowerCase())) return null;
      const max = lengthMax[field] ?? OTHER_LENGTH_MAX;
      if (text.length > max)
        throw new RowProblem({ code: 'tooLong', field, reason: `expected at most ${max} characters` });
      if (controlCharacter.test(text) || !text.isWellFormed())
        throw new RowProblem({ code: 'controlCharacter', field, reason: 'expected text without control characters' });
      if (/^[=@]|^[+-]\S/.test(text))
        throw new RowProblem({ code: 'formula', field, reason: 'expected text, found what a spreadsheet would run' });
      return text;
    },
  };
}

function readRow(
  reader: Reader,
  row: TableRow,
  settings: ReadSettings,
  orders: Record<'startDate' | 'endDate' | 'birthDate', DateOrder | null>,
  thisYear: number,
): ImportedRow {
  const sourceKey = readKey(reader);
  const names = readNames(reader);
  const date = (field: 'startDate' | 'endDate'): string | null => {
    const text = reader.text(field);
    return text === null ? null : dateOf(text, field, orders[field], thisYear);
  };
  const startDate = date('startDate') ?? settings.defaults.startDate;
  if (startDate === null)
    throw new RowProblem({
      code: 'missingStartDate',
      field: 'startDate',
      reason: 'expected the first day of work (a mapping may give defaults.startDate)',
    });
  const endDate = date('endDate');
  if (endDate !== null && endDate < startDate)
    throw new RowProblem({ code: 'endsBeforeStart', field: 'endDate', reason: 'the last day lies before the first' });
  const managerKey = reader.text('managerKey');
  return {
    line: row.line,
    birthDate: birthDateOf(reader, orders.birthDate, thisYear),
    facts: {
      sourceKey,
      ...names,
      workEmail: reader.text('workEmail')?.toLowerCase() ?? null,
      title: reader.text('title'),
      department: reader.text('department'),
      division: reader.text('division'),
      location: reader.text('location'),
      employmentType: employmentTypeOf(reader, settings),
      // A manager under an id that cannot be one is no manager; the person's own id is told apart later.
      managerKey: managerKey !== null && keyPattern.test(managerKey) ? managerKey : null,
      startDate,
      endDate,
      isTerminated: hasEnded(reader, settings),
    },
  };
}

function readKey(reader: Reader): string {
  const key = reader.text('sourceKey');
  if (key === null) throw new RowProblem({ code: 'missingId', field: 'sourceKey', reason: 'expected an id' });
  if (keyPattern.test(key)) return key;
  const reason = 'expected an id of at most 64 letters, digits, dots, dashes and underscores';
  throw new RowProblem({ code: 'invalidId', field: 'sourceKey', reason });
}

function readNames(reader: Reader): Pick<PersonFacts, 'givenName' | 'familyName' | 'displayName'> {
  const displayName = reader.text('displayName');
  const [first = '', ...rest] = (displayName ?? '').split(' ');
  const givenName = reader.text('givenName') ?? (reader.has('givenName') ? '' : first);
  const familyName = reader.text('familyName') ?? (reader.has('familyName') ? '' : rest.join(' '));
  const name = displayName ?? `${givenName} ${familyName}`.trim();
  if (name === '')
    throw new RowProblem({ code: 'missingName', field: 'displayName', reason: 'expected a name, or its two parts' });
  return { givenName, familyName, displayName: name };
}

function dateOf(
  text: string,
  field: 'startDate' | 'endDate' | 'birthDate',
  order: DateOrder | null,
  thisYear: number,
): string {
  const read = readDate(text, order, thisYear);
  if ('date' in read) return read.date;
  const reasons = {
    impossibleDate: 'expected a date that exists, such as 2026-01-31',
    ambiguousDate: 'day and month can be told apart by no date of this column: give dateOrder in a mapping',
  };
  throw new RowProblem({ code: read.problem, field, reason: reasons[read.problem] });
}

/** Compared only: one that cannot be read keeps nobody out. */
function birthDateOf(reader: Reader, order: DateOrder | null, thisYear: number): string | null {
  try {
    const text = reader.text('birthDate');
    const read = text === null ? null : readDate(text, order, thisYear);
    return read !== null && 'date' in read ? read.date : null;
  } catch (error) {
    if (error instanceof RowProblem) return null;
    throw error;
  }
}

function employmentTypeOf(reader: Reader, { employmentTypes, defaults }: ReadSettings): EmploymentType {
  const word = reader.text('employmentType');
  if (word === null && defaults.employmentType !== null) return defaults.employmentType;
  if (word === null && !reader.has('employmentType')) return 'employee';
  const known = readEmploymentType(word ?? '', employmentTypes);
  if (known !== null) return known;
  const reason =
    'no known kind of employment: say under employmentTypes in a mapping whether it is employee or contractor';
  throw new RowProblem({ code: 'unknownEmploymentType', field: 'employmentType', reason });
}

/** Whether HR says that the employment is over now, whatever the dates say. */
function hasEnded(reader: Reader, { statuses }: ReadSettings): boolean {
  const flag = reader.text('terminated');
  const isTerminated = readYesNo(flag ?? '');
  if (isTerminated === null)
    throw new RowProblem({ code: 'unknownStatus', field: 'terminated', reason: 'expected true or false' });
  const word = reader.text('status');
  if (word === null) return isTerminated;
  const state = readEmploymentState(word, statuses);
  if (state === null) {
    const reason = 'no known status: say under statuses in a mapping whether it is employed or ended';
    throw new RowProblem({ code: 'unknownStatus', field: 'status', reason });
  }
  return isTerminated || state === 'ended';
}
