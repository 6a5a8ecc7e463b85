/** The whole check of an imported file, as one pure function: what is read, what is left out, and what is worth a look. */
import { checkManagers } from './check-managers.ts';
import { checkPeople } from './check-people.ts';
import { checkSpelling } from './check-spelling.ts';
import { planColumns, type ColumnPlan, type MappedColumns } from './columns.ts';
import type { ImportWarning, UnusableRow } from './findings.ts';
import { mergeRows, type DuplicateRule } from './merge-rows.ts';
import { readRows, type ImportedRow, type ImportTable, type ReadSettings } from './read-rows.ts';

export interface ImportSettings extends ReadSettings {
  columns: MappedColumns;
  duplicateIds: DuplicateRule;
}

export interface ImportAssessment {
  columns: ColumnPlan;
  rowCount: number;
  people: ImportedRow[];
  unusable: UnusableRow[];
  warnings: ImportWarning[];
}

export interface AssessInput {
  table: ImportTable;
  settings: ImportSettings;
  /** Ids of managers whom Usher knows from elsewhere. */
  knownKeys: ReadonlySet<string>;
  /** The day of the import, `YYYY-MM-DD`. */
  today: string;
}

/** A file whose columns cannot be told gives no person: ask `columns.faults` and `columns.positions` first. */
export function assessImport({ table, settings, knownKeys, today }: AssessInput): ImportAssessment {
  const columns = planColumns(table.header, settings.columns);
  const rows = readRows(table, columns, settings, Number(today.slice(0, 4)));
  const merged = mergeRows(rows.usable, settings.duplicateIds);
  const { people } = merged;
  return {
    columns,
    rowCount: table.rows.length,
    people,
    unusable: [...rows.unusable, ...merged.unusable].toSorted((a, b) => a.line - b.line),
    warnings: [
      ...merged.warnings,
      ...checkTypeColumn(columns, settings),
      ...checkManagers(people, knownKeys),
      ...checkPeople(people),
      ...checkSpelling(people),
      ...checkDates(people, today),
    ],
  };
}

function checkDates(people: readonly ImportedRow[], today: string): ImportWarning[] {
  const later = people.filter(({ facts }) => !facts.isTerminated && facts.startDate > today);
  const ending = people.filter(({ facts }) => !facts.isTerminated && facts.endDate !== null && facts.endDate >= today);
  return [
    ...noted(later, 'startsLater', 'start later: the HR system opens their case once it is connected'),
    ...noted(ending, 'endsLater', 'have a last day to come: the HR system opens their departure once it is connected'),
  ];
}

function noted(rows: readonly ImportedRow[], code: 'startsLater' | 'endsLater', message: string): ImportWarning[] {
  if (rows.length === 0) return [];
  return [{ code, lines: rows.map(({ line }) => line), sourceKeys: rows.map(({ facts }) => facts.sourceKey), message }];
}

/** A contractor who is taken for an employee skips a manager's yes: a person has to know that nothing told them apart. */
function checkTypeColumn({ positions }: ColumnPlan, { defaults }: ImportSettings): ImportWarning[] {
  if (positions.employmentType !== undefined || defaults.employmentType !== null) return [];
  const message = 'no column tells the kind of employment: everybody is taken for an employee';
  return [{ code: 'noEmploymentType', lines: [1], sourceKeys: [], message }];
}
