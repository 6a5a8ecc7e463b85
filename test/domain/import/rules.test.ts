/** The rules of an import: which columns, which rows, and what is worth a look. */
import { describe, expect, test } from '@jest/globals';
import { assessImport, type ImportAssessment } from '../../../src/domain/import/assess-import.ts';
import { planColumns, whyForbidden } from '../../../src/domain/import/columns.ts';
import { dateOrderOf, readDate } from '../../../src/domain/import/dates.ts';
import { editDistance, isMisspelt } from '../../../src/domain/import/text-distance.ts';
import { readMapping } from '../../../src/use-cases/read-mapping.ts';

const header = [
  'id',
  'Name',
  'Hire date',
  'End date',
  'Type',
  'Status',
  'Manager ID',
  'Title',
  'Department',
  'Email',
  'DOB',
];
const good = ['1', 'Ada Byron', '2020-01-31', '', 'Employee', 'Active', '', 'Engineer', 'Research', '', ''];

/** Rows from the good one, with some cells changed by column name; lines count from 2. */
function assess(changes: Record<string, string>[], mapping: string | null = null): ImportAssessment {
  const rows = changes.map((change, index) => ({
    line: index + 2,
    cells: header.map((name, position) => change[name] ?? (name === 'id' ? String(index + 1) : (good[position] ?? ''))),
  }));
  const names = 'abcdefghijklmnop';
  for (const [index, row] of rows.entries())
    if (changes[index]?.['Name'] === undefined) row.cells[1] = `${names[index]?.repeat(9) ?? ''} Only`;
  const settings = readMapping(mapping);
  return assessImport({ table: { header, rows }, settings, knownKeys: new Set(), today: '2026-11-24' });
}

const codes = (found: { code: string }[]): string[] => found.map(({ code }) => code);

describe('a row that cannot be used says why', () => {
  test.each([
    ['an id that is missing', { id: '' }, 'missingId', 'id'],
    ['an id with a slash', { id: 'a/b' }, 'invalidId', 'id'],
    ['a name that is missing', { Name: ' - ' }, 'missingName', 'Name'],
    ['no first day', { 'Hire date': '' }, 'missingStartDate', 'Hire date'],
    ['a day that does not exist', { 'Hire date': '2023-02-30' }, 'impossibleDate', 'Hire date'],
    ['a month that does not exist', { 'Hire date': '2023-13-01' }, 'impossibleDate', 'Hire date'],
    ['a year of another century', { 'Hire date': '1835-02-01' }, 'impossibleDate', 'Hire date'],
    ['a date that can be two', { 'Hire date': '03/04/2020' }, 'ambiguousDate', 'Hire date'],
    ['an end before the start', { 'End date': '2019-12-31' }, 'endsBeforeStart', 'End date'],
    ['a kind of employment that nobody knows', { Type: 'Ghost' }, 'unknownEmploymentType', 'Type'],
    ['a status that nobody knows', { Status: 'Limbo' }, 'unknownStatus', 'Status'],
    ['a cell that a spreadsheet would run', { Title: '=HYPERLINK("http://x")' }, 'formula', 'Title'],
    ['a cell that begins like a formula', { Name: '@SUM(A1)' }, 'formula', 'Name'],
    ['a NUL', { Department: 'Re\u0000search' }, 'controlCharacter', 'Department'],
    ['half a character', { Title: 'Engineer \ud800' }, 'controlCharacter', 'Title'],
    ['a title of a million characters', { Title: 'x'.repeat(1_000_000) }, 'tooLong', 'Title'],
  ])('%s', (_what, change: Record<string, string>, code, column) => {
    const { people, unusable } = assess([change, {}]);
    expect(unusable).toEqual([expect.objectContaining({ line: 2, code, column })]);
    expect(unusable[0]?.reason).not.toContain('Byron');
    expect(people.map(({ line }) => line)).toEqual([3]);
  });

  test('a mapping gives words and defaults what they mean', () => {
    const mapping = `
employmentTypes: { Ghost: contractor }
statuses: { Limbo: ended }
dateOrder: DMY
defaults: { startDate: 2015-01-01 }`;
    const { people, unusable } = assess(
      [{ Type: 'ghost' }, { Status: 'LIMBO' }, { 'Hire date': '03/04/2020' }, { 'Hire date': '' }],
      mapping,
    );
    expect(unusable).toEqual([]);
    expect(people.map(({ facts }) => [facts.employmentType, facts.isTerminated, facts.startDate])).toEqual([
      ['contractor', false, '2020-01-31'],
      ['employee', true, '2020-01-31'],
      ['employee', false, '2020-04-03'],
      ['employee', false, '2015-01-01'],
    ]);
  });
});

describe('one id on several lines', () => {
  const rows = [
    { id: '7', Title: 'A' },
    { id: '7', Title: 'B' },
    { id: '8', Name: 'Same Row' },
    { id: '8', Name: 'Same Row' },
  ];

  test.each([
    ['first', ['A'], [3]],
    ['last', ['B'], [2]],
    ['refuse', [], [2, 3]],
  ])('%s', (rule, titles, lines) => {
    const { people, unusable, warnings } = assess(rows, `duplicateIds: ${rule}`);
    expect(people.filter(({ facts }) => facts.sourceKey === '7').map(({ facts }) => facts.title)).toEqual(titles);
    expect(unusable.map(({ line }) => line)).toEqual(lines);
    expect(codes(warnings)).toEqual(['repeatedRow']);
  });
});

describe('managers', () => {
  test('one who does not exist, one who is their own, and a circle of three', () => {
    const { people, warnings } = assess([
      { id: 'a', 'Manager ID': 'b' },
      { id: 'b', 'Manager ID': 'c' },
      { id: 'c', 'Manager ID': 'a' },
      { id: 'd', 'Manager ID': 'd' },
      { id: 'e', 'Manager ID': 'nobody' },
      { id: 'f', 'Manager ID': 'a' },
    ]);
    expect(people).toHaveLength(6);
    expect(Object.fromEntries(warnings.map(({ code, sourceKeys }) => [code, sourceKeys]))).toEqual({
      managerCycle: ['a', 'b', 'c'],
      ownManager: ['d'],
      unknownManager: ['nobody'],
    });
  });
});

describe('one person under two ids', () => {
  test.each([
    ['one address', [{ Email: 'Ada@x.test' }, { Email: 'ada@X.test' }], 'samePerson'],
    [
      'one name and one birth date',
      [
        { Name: 'Ada Byron', DOB: '1990-05-05' },
        { Name: 'BYRON, Áda', DOB: '1990-05-05' },
      ],
      'samePerson',
    ],
    ['one name and one first day', [{ Name: 'Ada Byron' }, { Name: 'ada byron' }], 'nearlySamePerson'],
    [
      'one birth date and a slip',
      [
        { Name: 'Adeline Byron', DOB: '1990-05-05' },
        { Name: 'Adelinr Byron', DOB: '1990-05-05' },
      ],
      'nearlySamePerson',
    ],
  ])('%s', (_what, rows: Record<string, string>[], code) => {
    const { people, warnings } = assess(rows);
    expect(people).toHaveLength(2);
    expect(warnings).toEqual([expect.objectContaining({ code, lines: [2, 3], sourceKeys: ['1', '2'] })]);
  });

  test('people of one name and another birth date and first day are two people; birth dates are no facts', () => {
    const { people, warnings } = assess([
      { Name: 'Ada Byron', DOB: '1990-05-05' },
      { Name: 'Ada Byron', DOB: '1991-05-05', 'Hire date': '2021-01-31' },
    ]);
    expect(warnings).toEqual([]);
    expect(JSON.stringify(people.map(({ facts }) => facts))).not.toContain('1990');
  });
});

describe('spelling', () => {
  test('names spellings of one title and of one department, and leaves levels alone', () => {
    const { warnings } = assess([
      { Title: 'Software Engineer' },
      { Title: 'software  engineer' },
      { Title: 'Sofware Engineer' },
      { Title: 'Engineer Level 1', Department: 'Sales' },
      { Title: 'Engineer Level 2', Department: 'Sales ' },
      { Title: 'Engineer II', Department: 'Human Resources' },
      { Title: 'Engineer III', Department: 'Human-Resources' },
    ]);
    expect(codes(warnings)).toEqual(['titleSpelling', 'departmentSpelling']);
    expect(warnings[0]?.message).toContain('"Sofware Engineer"');
    expect(warnings[1]?.message).toContain('"Human-Resources"');
  });

  test('distance counts a swap of neighbours once and stops at its bound', () => {
    expect(editDistance('manager', 'manaegr', 2)).toBe(1);
    expect(editDistance('manager', 'gardener', 2)).toBe(3);
    expect(isMisspelt('hr', 'hc')).toBe(false);
  });
});

describe('columns', () => {
  test.each([
    ['the Entra sample', ['WorkerID', 'WorkerStatus', 'WorkerType', 'FullName', 'ManagerID', 'HireDate', 'JobTitle']],
    [
      'BambooHR',
      ['employeeNumber', 'status', 'employmentHistoryStatus', 'displayName', 'supervisorEId', 'hireDate', 'jobTitle'],
    ],
    ['Workday', ['Employee_ID', 'Status', 'Worker_Type', 'Name', 'Manager_ID', 'Hire Date', 'businessTitle']],
    ['Gusto', ['uuid', 'terminated', 'current_employment_status', 'last_name', 'manager_uuid', 'hire_date', 'title']],
    ['Personio', ['ID', 'Status', 'Employment type', 'Last name', 'Supervisor ID', 'Hire date', 'Position']],
    ['Humi', ['id', 'status', 'employment_type', 'last_name', 'manager_id', 'start_date', 'position']],
  ])('are found by the names of %s', (_what, names) => {
    const plan = planColumns(names, {});
    expect(plan.read).toHaveLength(7);
    expect(plan.notImported).toEqual([]);
  });

  test.each([
    'Birthday',
    'date_of_birth',
    'Gender',
    'GenderPronoun',
    'Salary',
    'Pay rate',
    'SSN',
    'National ID',
    'Nationality',
    'StreetAddress',
    'Home address',
    'ZipCode',
    'City',
    'Personal email',
    'mobilePhone',
    'Marital status',
    'OnLeave',
  ])('%s is never imported, and the reason is named', (column) => {
    expect(whyForbidden(column)).not.toBeNull();
    const asked = planColumns(['id', column], { title: column });
    expect(asked.positions.title).toBeUndefined();
    expect(asked.faults).toEqual([expect.objectContaining({ field: 'title', column })]);
  });

  test.each(['Work email', 'Location', 'Office location', 'Department', 'Company'])(
    '%s is nothing private',
    (column) => {
      expect(whyForbidden(column)).toBeNull();
    },
  );
});

describe('dates', () => {
  test('an order is told by a part above twelve, or not at all', () => {
    expect(dateOrderOf(['01/02/2020', '13/02/2020'])).toBe('DMY');
    expect(dateOrderOf(['01/02/2020', '02/13/2020'])).toBe('MDY');
    expect(dateOrderOf(['01/02/2020'])).toBeNull();
    expect(readDate('05/05/2020', null, 2026)).toEqual({ date: '2020-05-05' });
    expect(readDate('2020-02-29T00:00:00+01:00', null, 2026)).toEqual({ date: '2020-02-29' });
    expect(readDate('2021-02-29', null, 2026)).toEqual({ problem: 'impossibleDate' });
  });
});
