/** Sends files to the import as the command does, and makes files of people who do not exist. */
import type { World } from './world.ts';

export interface ImportAnswer {
  reportHash: string;
  isWritten: boolean;
  people: number;
  rowCount: number;
  keysOf: string | null;
  counts: Record<'created' | 'updated' | 'unchanged' | 'known' | 'erased', number>;
  unusable: { line: number; code: string; column: string | null; sourceKey: string | null; reason: string }[];
  warnings: { code: string; lines: number[]; sourceKeys: string[]; message: string }[];
  notImported: { column: string; reason: string }[];
  tookMs: number;
}

export interface ImportRequest {
  token: string;
  file: string | Uint8Array;
  mapping?: string;
  query?: Record<string, string>;
}

export async function postImport(
  world: Pick<World, 'url'>,
  { token, file, mapping, query = {} }: ImportRequest,
): Promise<{ status: number; json: ImportAnswer }> {
  const form = new FormData();
  form.set('file', new Blob([typeof file === 'string' ? file : Uint8Array.from(file)]), 'people.csv');
  if (mapping !== undefined) form.set('mapping', new Blob([mapping]), 'mapping.yaml');
  const path = `/api/v1/import?${new URLSearchParams(query).toString()}`;
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${world.url}${path}`, { method: 'POST', headers, body: form });
  return { status: response.status, json: (await response.json()) as ImportAnswer };
}

export interface FilePerson {
  id: string;
  givenName: string;
  familyName: string;
  email: string;
  title: string;
  department: string;
  location: string;
  type: string;
  status: string;
  startDate: string;
  managerId: string;
}

const titles = ['Engineer', 'Accountant', 'Account Manager', 'Recruiter', 'Warehouse Lead'];
const departments = ['Engineering', 'Finance', 'Sales', 'People', 'Logistics'];
const places = ['Berlin', 'London', 'Lisbon'];

/** People with ids from `firstId` on; every twentieth manages those after them. */
export function personRows(count: number, firstId: number): FilePerson[] {
  return Array.from({ length: count }, (_unused, index): FilePerson => {
    const id = firstId + index;
    const lead = index - (index % 20);
    return {
      id: String(id),
      givenName: `Given${letters(id)}`,
      familyName: `Family${letters(id * 7)}`,
      email: `person.${id}@example.test`,
      title: titles[index % titles.length] ?? '',
      department: departments[index % departments.length] ?? '',
      location: places[index % places.length] ?? '',
      type: index % 9 === 0 ? 'Contractor' : 'Employee',
      status: 'Active',
      startDate: `20${String(10 + (index % 15)).padStart(2, '0')}-0${1 + (index % 9)}-1${index % 9}`,
      managerId: lead === index ? '' : String(firstId + lead),
    };
  });
}

/** A number as letters, so that names do not differ by digits only. */
function letters(value: number): string {
  return Array.from(String(value), (digit) => 'bdfghklmnr'[Number(digit)]).join('');
}

export function peopleCsv(rows: readonly FilePerson[]): string {
  const header =
    'Employee ID,First Name,Last Name,Work Email,Job Title,Department,Location,Worker Type,Status,Hire Date,Manager ID';
  const lines = rows.map((row) =>
    [
      row.id,
      row.givenName,
      row.familyName,
      row.email,
      row.title,
      row.department,
      row.location,
      row.type,
      row.status,
      row.startDate,
      row.managerId,
    ].join(','),
  );
  return `${[header, ...lines].join('\n')}\n`;
}
