/** The story as calm lines for a terminal, with the command that decides what waits. */
import { printableText } from '../domain/printable-text.ts';
import type { StoryView } from '../store/read-story.ts';

/** How the CLI is called from a checkout. */
const CLI = 'npm run usher --';
const LINE_LENGTH_MAX = 400;

export interface StoryNames {
  nameOf: (personId: string) => string;
  profileOf: (personId: string) => string | null;
}

/** One line, and for an approval that was opened a second one with the command, ready to copy. */
export function storyLines(entry: StoryView, names: StoryNames): string[] {
  const who = entry.person ?? text(entry.data['systemId']) ?? 'Usher';
  const line = `${entry.at.slice(11, 19)}  ${printableText(`${who}: ${sentence(entry, names)}`).slice(0, LINE_LENGTH_MAX)}`;
  const approvalId = text(entry.data['approvalId']);
  const isAsking = entry.kind === 'approvalOpened' || entry.kind === 'reminded';
  if (isAsking && approvalId !== null) return [line, `          ${decideCommand(approvalId, entry, names)}`];
  return entry.kind === 'held' ? [line, `          ${CLI} hold list`] : [line];
}

/** The people whom an entry names by id, for {@link StoryNames}. */
export function personsIn(entry: StoryView): string[] {
  const ids = entry.data['approverIds'];
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}

function sentence(entry: StoryView, names: StoryNames): string {
  const { data } = entry;
  const detail = ['systemId', 'reason', 'errorCode', 'ticketNumber', 'text'].flatMap((key) => text(data[key]) ?? []);
  const extra = detail.length === 0 ? '' : ` (${detail.join(', ')})`;
  switch (entry.kind) {
    case 'caseOpened':
      return `${text(data['kind']) ?? 'case'} case opened`;
    case 'caseWaiting':
      return `waits${text(data['until']) === null ? '' : ` until ${text(data['until'])}`}`;
    case 'planned':
      return `access is planned${count(data['items'])}`;
    case 'approvalOpened':
      return `${list(data['items']) ?? 'access'} waits for ${personsIn(entry).map(names.nameOf).join(', ')}`;
    case 'approvalClosed':
      return `approval ${text(data['state']) ?? 'closed'}`;
    case 'reminded':
      return 'approvers were reminded';
    case 'cutOff':
      return `logins disabled, sessions revoked${extra}`;
    case 'held':
      return `departure held until a person releases it${extra}`;
    case 'systemDown':
      return `does not answer${extra}`;
    case 'systemBack':
      return 'answers again';
    case 'incidentOpened':
      return `incident opened${extra}`;
    case 'incidentClosed':
      return `incident closed${extra}`;
    case 'contradicted':
      return `the system said yes, the read says no; trying again${extra}`;
    case 'verified':
      return `${list(data['items']) ?? text(data['item']) ?? 'access'} verified by an independent read${extra}`;
    case 'alert':
      return `alert${extra}`;
    case 'caseClosed':
      return `case closed: ${text(data['state']) ?? 'done'}`;
    default:
      return `${entry.kind}${extra}`;
  }
}

function decideCommand(approvalId: string, entry: StoryView, names: StoryNames): string {
  const profile = personsIn(entry)
    .map(names.profileOf)
    .find((name) => name !== null);
  return `${CLI} approve ${approvalId}${profile === undefined ? '' : ` --profile ${profile}`}`;
}

const text = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : null;

const list = (value: unknown): string | null =>
  Array.isArray(value) && value.length > 0 ? value.map(String).join(', ') : null;

const count = (value: unknown): string => {
  const size = Array.isArray(value) ? value.length : value;
  return typeof size === 'number' ? `: ${size} ${size === 1 ? 'item' : 'items'}` : '';
};
