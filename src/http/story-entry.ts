/** What the rows of the story hold, read defensively: a row that an older version wrote must not break the page. */

export interface EntryItem {
  label: string;
  action: string;
  route: string;
}

export interface EntrySeat {
  role: string;
  approverIds: string[];
}

/** The items of an entry; without those that do not fit. */
export function entryItems(data: Record<string, unknown>): EntryItem[] {
  return records(data['items']).map((record) => ({
    label: field(record, 'label'),
    action: field(record, 'action'),
    route: field(record, 'route'),
  }));
}

/** The seats of an approval that was opened. */
export function entrySeats(data: Record<string, unknown>): EntrySeat[] {
  return records(data['seats']).map((record) => ({
    role: field(record, 'role'),
    approverIds: texts(record['approverIds']),
  }));
}

/** A list of plain texts. */
export const entryTexts = (data: Record<string, unknown>, name: string): string[] => texts(data[name]);

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((entry: unknown) => typeof entry === 'string') : [];

function records(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null ? [entry as Record<string, unknown>] : [],
  );
}

const field = (record: Record<string, unknown>, name: string): string => {
  const value = record[name];
  return typeof value === 'string' ? value : '';
};
