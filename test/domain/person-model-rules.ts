/**
 * The small company of the model test: its policy for the real rules, and what that policy means in plain words, written
 * down a second time without any of them. Where the two disagree, one is wrong.
 */
import { policyWith } from './support.ts';

export const titles = ['Builder', 'Seller', 'Auditor'] as const;
export type ModelTitle = (typeof titles)[number];

const dayMs = 86_400_000;

interface Right {
  titles: readonly ModelTitle[];
  isAsked: boolean;
  termDays: number | null;
}

/** The policy in plain words. */
export const rights: Readonly<Record<string, Right>> = {
  'idp/base': { titles, isAsked: false, termDays: null },
  'app/code': { titles: ['Builder'], isAsked: false, termDays: null },
  'app/customers': { titles: ['Seller', 'Auditor'], isAsked: true, termDays: null },
  'app/books': { titles: ['Auditor'], isAsked: false, termDays: 20 },
  'idp/keys': { titles: ['Builder', 'Auditor'], isAsked: true, termDays: 15 },
};

const profiles = titles.map((title) => ({
  id: title.toLowerCase(),
  description: title,
  when: `title eq "${title}"`,
  grants: Object.entries(rights).flatMap(([id, right]) => (right.titles.includes(title) ? [id] : [])),
}));

/** The same policy for the real rules. */
export const modelPolicy = policyWith({
  entitlements: Object.entries(rights).map(([id, { isAsked, termDays }]) => ({
    id,
    system: id.split('/')[0] ?? '',
    vendorId: `g-${id.split('/')[1] ?? ''}`,
    owner: 'hr/own',
    riskPoints: isAsked ? 4 : 1,
    dataClass: 'internal' as const,
    description: id,
    ...(termDays === null ? {} : { expiresAfter: `${termDays}d` }),
  })),
  profiles,
});

export interface PlainQuestion {
  title: ModelTitle;
  isEmployed: boolean;
  nowMs: number;
  /** Decisions of the employment of now about a right under a title, oldest first. */
  saidAbout: (entitlementId: string, title: ModelTitle) => { isYes: boolean; atMs: number }[];
  /** All moments of this employment at which it was given. */
  givenMs: (entitlementId: string) => readonly number[];
}

/**
 * Who should hold what, in plain words: nobody without employment; what the title gives without asking; what it gives after
 * somebody said yes in this employment and nobody said no. A term runs from the first day on which it was held in this
 * employment, for what was asked on or after the yes; a yes that nobody used for thirty days is none.
 */
export function shouldHold(question: PlainQuestion): string[] {
  if (!question.isEmployed) return [];
  return Object.entries(rights)
    .filter(([id, right]) => right.titles.includes(question.title) && mayHold(id, right, question))
    .map(([id]) => id)
    .toSorted();
}

function mayHold(id: string, { isAsked, termDays }: Right, question: PlainQuestion): boolean {
  const { saidAbout, title, givenMs, nowMs } = question;
  const said = saidAbout(id, title);
  const yes = said.findLast(({ isYes }) => isYes);
  if (isAsked && (yes === undefined || said.some(({ isYes }) => !isYes))) return false;
  const yesMs = isAsked ? (yes?.atMs ?? 0) : 0;
  const [usedMs] = givenMs(id).filter((ms) => ms >= yesMs);
  if (usedMs === undefined) return !isAsked || nowMs < yesMs + 30 * dayMs;
  return termDays === null || nowMs < usedMs + termDays * dayMs;
}
