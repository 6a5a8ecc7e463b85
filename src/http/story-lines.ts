/** The story as calm lines for a terminal, with the command that decides what waits. */
import { printableText } from '../domain/printable-text.ts';
import type { StoryView } from '../store/read-story.ts';

/** How the CLI is called from a checkout. */
const CLI = 'npx usher';
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
  const systemId = text(data['systemId']) ?? 'a system';
  switch (entry.kind) {
    case 'caseOpened':
      return `${text(data['kind']) ?? 'case'} case opened`;
    case 'caseWaiting':
      return `waits${text(data['until']) === null ? '' : ` until ${text(data['until'])}`}`;
    case 'planned':
      return plannedSentence(data);
    case 'approvalOpened':
      return `${approvalSubject(data)} ${isOne(data['items']) ? 'waits' : 'wait'} for ${personsIn(entry).map(names.nameOf).join(' or ')}`;
    case 'approvalClosed':
      return text(data['state']) === 'expired'
        ? 'nobody decided in time: denied'
        : `approval ${text(data['state']) ?? 'closed'}`;
    case 'reminded':
      return 'approvers were reminded';
    case 'cutOff':
      return `cut off at ${systemId}: login disabled and read back, sessions revoked`;
    case 'held':
      return 'departure held: more leavers than policy allows';
    case 'systemDown':
      return `does not answer (${text(data['errorCode']) ?? 'transient'}); what it concerns waits, everything else goes on`;
    case 'systemBack':
      return 'answers again';
    case 'incidentOpened':
      return `incident opened (${text(data['kind']) ?? ''}, ${text(data['errorCode']) ?? ''})`;
    case 'incidentClosed':
      return `incident closed (${text(data['kind']) ?? ''})`;
    case 'contradicted':
      return `${systemId} said yes to ${labels(data['items'])}, but a fresh read says no: ${data['round'] === 1 ? 'one more try' : 'incident'}`;
    case 'verified':
      return verifiedSentence(systemId, data);
    case 'alert':
      return `alert${extra}`;
    case 'caseClosed':
      return closedSentence(data);
    default:
      return `${entry.kind}${extra}`;
  }
}

interface PlannedItem {
  label: string;
  action: string;
  route: string;
  systemId: string;
}

/** Rows of the table hold what the worker wrote: anything that does not fit is left out. */
function items(value: unknown): PlannedItem[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const record = entry as Record<string, unknown>;
    const field = (name: string): string => text(record[name]) ?? '';
    return [{ label: field('label'), action: field('action'), route: field('route'), systemId: field('systemId') }];
  });
}

function plannedSentence(data: Record<string, unknown>): string {
  const planned = items(data['items']);
  if (planned.length === 0) return 'nothing to change';
  const removals = planned.filter((item) => item.action === 'revoke' || item.action === 'disable');
  if (removals.length === planned.length) {
    return `found at ${[...new Set(removals.map((item) => item.systemId))].join(', ')}: ${plural(removals.length, 'thing')} to take away`;
  }
  if (planned.some((item) => item.action === 'assignProfile')) return 'no role profile fits: the manager chooses';
  const byRoute = Map.groupBy(planned, (item) => item.route);
  const parts = [...byRoute].map(([route, group]) =>
    route === 'policy' ? `${group.length} by policy` : `${group.length} by ${route.replaceAll('+', ' and ')}`,
  );
  return `joins: ${plural(planned.length, 'item')} planned, decided ${parts.join(', ')}`;
}

function verifiedSentence(systemId: string, data: Record<string, unknown>): string {
  const verified = items(data['items']);
  const granted = verified.filter((item) => item.action === 'grant').length;
  const revoked = verified.filter((item) => item.action === 'revoke').length;
  const parts = [
    ...(granted > 0 ? [`${labels(data['items'])} granted`] : []),
    ...(revoked > 0 ? [`${plural(revoked, 'right')} removed`] : []),
    ...(verified.some((item) => item.action === 'disable') ? ['account disabled'] : []),
  ];
  return `${systemId}: ${parts.join(', ')}, verified by a fresh read`;
}

function closedSentence(data: Record<string, unknown>): string {
  const state = text(data['state']) ?? 'done';
  const failed = Number(data['failedCount'] ?? 0);
  const verified = Number(data['verifiedCount'] ?? 0);
  return `case closed: ${state}, ${verified} verified${failed > 0 ? `, ${failed} failed` : ''}`;
}

function approvalSubject(data: Record<string, unknown>): string {
  const all = Array.isArray(data['items']) ? data['items'].map(String) : [];
  if (all.length > 4) return plural(all.length, all[0]?.startsWith('profile ') ? 'possible profile' : 'item');
  return all.join(', ') || 'access';
}

const isOne = (value: unknown): boolean => Array.isArray(value) && value.length === 1;

const labels = (value: unknown): string =>
  items(value)
    .map((item) => item.label)
    .join(', ');

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function decideCommand(approvalId: string, entry: StoryView, names: StoryNames): string {
  const profile = personsIn(entry)
    .map(names.profileOf)
    .find((name) => name !== null);
  return `${CLI} approve ${approvalId}${profile === undefined ? '' : ` --profile ${profile}`}`;
}

const text = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : null;
