/** The words of HR systems for kinds of employment and for its state. A word that is not here is never guessed. */
import type { EmploymentType } from '../../schemas/facts.ts';

export type EmploymentState = 'employed' | 'ended';

const employee = [
  'employee',
  'fulltime',
  'parttime',
  'permanent',
  'regular',
  'internal',
  'fixedterm',
  'staff',
  'salaried',
  'hourly',
  'intern',
  'trainee',
  'apprentice',
  'workingstudent',
  'student',
  'fulltimeemployee',
  'parttimeemployee',
];
const contractor = [
  'contractor',
  'external',
  'contingent',
  'contingentworker',
  'consultant',
  'freelancer',
  'freelance',
  'agency',
  'agencyworker',
  'temp',
  'temporary',
  'vendor',
  'outsourced',
  'independentcontractor',
];
const employed = ['active', 'employed', 'onleave', 'leave', 'onboarding', 'onboarded', 'current', 'hired', 'a'];
const ended = [
  'inactive',
  'terminated',
  'left',
  'former',
  'formeremployee',
  'resigned',
  'retired',
  'ended',
  'offboarded',
  'dismissed',
  'deceased',
  't',
];

const typeWords = new Map<string, EmploymentType>([
  ...employee.map((word) => [word, 'employee'] as const),
  ...contractor.map((word) => [word, 'contractor'] as const),
]);
const stateWords = new Map<string, EmploymentState>([
  ...employed.map((word) => [word, 'employed'] as const),
  ...ended.map((word) => [word, 'ended'] as const),
]);

const foldWord = (word: string): string => word.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');

/** Null for a word that neither the mapping nor this list knows. */
export function readEmploymentType(
  word: string,
  mapped: Readonly<Record<string, EmploymentType>>,
): EmploymentType | null {
  return ownWord(word, mapped) ?? typeWords.get(foldWord(word)) ?? null;
}

/** Null for a word that neither the mapping nor this list knows. */
export function readEmploymentState(
  word: string,
  mapped: Readonly<Record<string, EmploymentState>>,
): EmploymentState | null {
  return ownWord(word, mapped) ?? stateWords.get(foldWord(word)) ?? null;
}

function ownWord<T>(word: string, mapped: Readonly<Record<string, T>>): T | null {
  const found = Object.keys(mapped).find((key) => foldWord(key) === foldWord(word) && key.trim() !== '');
  const exact = Object.hasOwn(mapped, word) ? word : found;
  return exact === undefined ? null : (mapped[exact] ?? null);
}

/** `true`, `yes`, `1` and their opposites; null for anything else. */
export function readYesNo(word: string): boolean | null {
  const folded = foldWord(word);
  if (['true', 'yes', 'y', '1'].includes(folded)) return true;
  return ['false', 'no', 'n', '0', ''].includes(folded) ? false : null;
}
