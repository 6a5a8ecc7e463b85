/** Calendar dates as HR exports write them. A date is read in one way or not at all: an ambiguous column is never guessed. */

export type DateOrder = 'YMD' | 'DMY' | 'MDY';

const yearFirst = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{2}:\d{2}.*)?$/;
const yearLast = /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T ]\d{2}:\d{2}.*)?$/;

/** Years outside of this are slips of the keyboard, or the day zero of some system. */
const YEAR_MIN = 1940;
const YEARS_AHEAD_MAX = 10;

/**
 * The order of a column whose dates end in the year: a first part above 12 is a day, a second part above 12 is one too.
 * Null where nothing tells: then the mapping has to. `YMD` where no date of the column ends in the year.
 */
export function dateOrderOf(values: Iterable<string>): DateOrder | null {
  let isYearLast = false;
  for (const value of values) {
    const parts = yearLast.exec(value);
    if (parts === null) continue;
    isYearLast = true;
    if (Number(parts[1]) > 12) return 'DMY';
    if (Number(parts[2]) > 12) return 'MDY';
  }
  return isYearLast ? null : 'YMD';
}

export type ReadDate = { date: string } | { problem: 'impossibleDate' | 'ambiguousDate' };

/** The date as `YYYY-MM-DD`; a time of day behind it is left away. `thisYear` bounds what can be meant. */
export function readDate(text: string, order: DateOrder | null, thisYear: number): ReadDate {
  const first = yearFirst.exec(text);
  if (first !== null) return checked(Number(first[1]), Number(first[2]), Number(first[3]), thisYear);
  const last = yearLast.exec(text);
  if (last === null) return { problem: 'impossibleDate' };
  const [a, b, year] = [Number(last[1]), Number(last[2]), Number(last[3])];
  // The same day in both orders: nothing to guess.
  if (a === b) return checked(year, a, b, thisYear);
  if (order === null || order === 'YMD') return { problem: 'ambiguousDate' };
  return order === 'DMY' ? checked(year, b, a, thisYear) : checked(year, a, b, thisYear);
}

function checked(year: number, month: number, day: number, thisYear: number): ReadDate {
  const isKnown = year >= YEAR_MIN && year <= thisYear + YEARS_AHEAD_MAX && month >= 1 && month <= 12;
  if (!isKnown || day < 1 || day > daysIn(year, month)) return { problem: 'impossibleDate' };
  return { date: `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}` };
}

function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (month === 2) return isLeap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
