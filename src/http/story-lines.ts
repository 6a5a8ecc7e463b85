/** The story as calm lines for a terminal, with the command that decides what waits. */
import { printableText } from '../domain/printable-text.ts';
import type { StoryView } from '../store/read-story.ts';
import { entryItems, entrySeats, entryTexts, type EntryItem } from './story-entry.ts';

/** How the CLI is called from a checkout. */
const CLI = 'npx usher';
const LINE_LENGTH_MAX = 400;
const INDENT = ' '.repeat(10);
/** More labels than these become a number. */
const LABELS_MAX = 4;
/** Approving above this needs a reason. */
const REASON_ABOVE_RISK = 6;

export interface StoryNames {
  nameOf: (personId: string) => string;
  profileOf: (personId: string) => string | null;
}

/** No line for what another one tells already; for what waits, further lines with the commands, ready to copy. */
export function storyLines(entry: StoryView, names: StoryNames): string[] {
  const what = sentence(entry, names);
  if (what === null) return [];
  const who = entry.person ?? text(entry.data['systemId']) ?? 'Usher';
  const line = `${entry.at.slice(11, 19)}  ${printableText(`${who}: ${what}`).slice(0, LINE_LENGTH_MAX)}`;
  return [line, ...commands(entry, names).map((command) => `${INDENT}${command}`)];
}

/** The people whom an entry names by id, for {@link StoryNames}. */
export function personsIn(entry: StoryView): string[] {
  const approverId = text(entry.data['approverId']);
  const seated = entrySeats(entry.data).flatMap((seat) => seat.approverIds);
  const others = [text(entry.data['toId']), text(entry.data['ofId'])].filter((id) => id !== null);
  return [...seated, ...(approverId === null ? [] : [approverId]), ...others, ...entryTexts(entry.data, 'toIds')];
}

function sentence(entry: StoryView, names: StoryNames): string | null {
  const { data } = entry;
  const systemId = text(data['systemId']) ?? 'a system';
  const errorCode = text(data['errorCode']) ?? 'transient';
  switch (entry.kind) {
    case 'planned':
      return plannedSentence(data);
    case 'approvalOpened':
      return waitsSentence(data, names);
    case 'decided':
      return decidedSentence(data, names);
    case 'approvalClosed':
      return text(data['state']) === 'expired' ? 'nobody decided in time: denied' : null;
    case 'reminded':
      return 'approvers were reminded';
    case 'escalated':
      return escalatedSentence(data, names);
    case 'approversChanged':
      return `now waits for ${seatTexts(data, names).join(', and ')}`;
    case 'handedOver':
      return `${names.nameOf(text(data['approverId']) ?? '')} handed the decision over to ${names.nameOf(text(data['toId']) ?? '')}`;
    case 'asked':
      return `${names.nameOf(text(data['approverId']) ?? '')} asks ${names.nameOf(text(data['ofId']) ?? '')} before deciding; the clock stands`;
    case 'answered':
      return `${names.nameOf(text(data['approverId']) ?? '')} answered; the clock goes on`;
    case 'verified':
      return verifiedSentence(systemId, entryItems(data));
    case 'contradicted':
      return `${systemId} said yes to ${shortList(labels(entryItems(data)))}, but a fresh read says no: ${data['round'] === 1 ? 'one more try' : 'incident'}`;
    case 'cutOff':
      return `cut off at ${systemId}: login disabled and read back, sessions revoked`;
    case 'caseWaiting':
      return waitingSentence(data);
    case 'held':
      return 'departure held: more leavers than policy allows';
    case 'systemDown':
      return `does not answer (${errorCode}); what it concerns waits, everything else goes on`;
    case 'systemBack':
      return 'answers again';
    case 'incidentOpened':
      return `incident opened (${text(data['kind']) ?? 'failure'}, ${errorCode})`;
    case 'incidentClosed':
      return `incident closed (${text(data['kind']) ?? 'failure'})`;
    case 'caseClosed':
      return closedSentence(data);
    default:
      return entry.kind === 'waitingOutside' ? outsideSentence(systemId, data) : entry.kind;
  }
}

function outsideSentence(systemId: string, data: Record<string, unknown>): string {
  return `waits for a person outside: ${systemId}, ${text(data['what']) ?? 'a change'}, ticket ${text(data['ticket']) ?? 'none'}`;
}

/** What is found of a leaver gets no line of its own: its removal follows. */
function plannedSentence(data: Record<string, unknown>): string | null {
  const planned = entryItems(data);
  if (planned.some((item) => item.action === 'assignProfile')) return 'joins: no role profile fits, a person chooses';
  const granted = planned.filter((item) => item.action === 'grant');
  const updated = new Set(planned.filter((item) => item.action === 'update').map((item) => item.label));
  const changes = updated.size === 0 ? [] : [`attributes change at ${shortList([...updated])}`];
  if (granted.length === 0 && changes.length > 0) return changes.join(', ');
  if (granted.length === 0) return text(data['kind']) === 'leaver' ? null : 'nothing to change';
  const byPolicy = granted.filter((item) => item.route === 'policy').length;
  const byPeople = Map.groupBy(
    granted.filter((item) => item.route !== 'policy'),
    (item) => item.route.replaceAll('+', ' and '),
  );
  const parts = [
    ...(byPolicy > 0 ? [`${byPolicy} granted by policy`] : []),
    ...[...byPeople].map(([roles, items]) => `${items.length} up to ${roles}`),
    ...changes,
  ];
  return `joins: ${plural(granted.length, 'right')}, ${parts.join(', ')}`;
}

function seatTexts(data: Record<string, unknown>, { nameOf }: Pick<StoryNames, 'nameOf'>): string[] {
  return entrySeats(data).map(({ role, approverIds }) => `${approverIds.map(nameOf).join(' or ')} (${role})`);
}

function escalatedSentence(data: Record<string, unknown>, { nameOf }: StoryNames): string {
  const asked = entryTexts(data, 'toIds').map(nameOf);
  return asked.length === 0 ? 'nobody is left to ask above; told again' : `${asked.join(' and ')} asked as well`;
}

function waitsSentence(data: Record<string, unknown>, { nameOf }: StoryNames): string {
  const subjects = entryTexts(data, 'items');
  const what = isChoice(data) ? `a choice among ${plural(subjects.length, 'profile')}` : shortList(subjects);
  const seats = seatTexts(data, { nameOf });
  const isOne = subjects.length === 1 || isChoice(data);
  const why = entryTexts(data, 'why');
  return `${what} ${isOne ? 'waits' : 'wait'} for ${seats.join(', and ')}${why.length === 0 ? '' : `: ${why.join('; ')}`}`;
}

function decidedSentence(data: Record<string, unknown>, { nameOf }: StoryNames): string {
  const parts = (['approved', 'denied'] as const).flatMap((verdict) => {
    const about = entryTexts(data, verdict);
    return about.length === 0 ? [] : [`${verdict} ${shortList(about)}`];
  });
  return `${nameOf(text(data['approverId']) ?? '')} ${parts.join(' and ')}`;
}

function verifiedSentence(systemId: string, verified: EntryItem[]): string {
  const granted = verified.filter((item) => item.action === 'grant');
  const revoked = verified.filter((item) => item.action === 'revoke').length;
  const parts = [
    ...(granted.length > 0 ? [`has ${shortList(labels(granted))}`] : []),
    ...(revoked > 0 ? [`${plural(revoked, 'right')} removed at ${systemId}`] : []),
    ...(verified.some((item) => item.action === 'update') ? [`attributes changed at ${systemId}`] : []),
    ...(verified.some((item) => item.action === 'disable') ? [`account disabled at ${systemId}`] : []),
  ];
  return `${parts.join(', ')} (verified by a fresh read)`;
}

function waitingSentence(data: Record<string, unknown>): string {
  const left = Array.isArray(data['leftSystemIds']) ? data['leftSystemIds'].map(String) : [];
  const outcome = left.length > 0 ? `something is left at ${left.join(', ')}` : 'nothing is left';
  const until = (text(data['until']) ?? '').slice(0, 16).replace('T', ' ');
  return `${outcome}: ${plural(Number(data['verifiedCount'] ?? 0), 'removal')} verified; looks again at ${until} UTC`;
}

function closedSentence(data: Record<string, unknown>): string {
  const state = text(data['state']) ?? 'done';
  const failed = Number(data['failedCount'] ?? 0);
  const verified = Number(data['verifiedCount'] ?? 0);
  return `${state}, ${plural(verified, 'change')} verified${failed > 0 ? `, ${failed} failed` : ''}`;
}

function commands({ kind, data }: StoryView, { profileOf }: StoryNames): string[] {
  if (kind === 'held') return [`${CLI} hold list`];
  const approvalId = text(data['approvalId']);
  if (kind !== 'approvalOpened' || approvalId === null) return [];
  const reason = Number(data['riskMax'] ?? 0) > REASON_ABOVE_RISK ? ' --reason "WHY"' : '';
  return entrySeats(data).flatMap(({ approverIds }) => {
    const profile = approverIds.map(profileOf).find((name) => name !== null);
    const as = profile === undefined ? '' : ` --profile ${profile}`;
    if (!isChoice(data)) return [`${CLI} approve ${approvalId}${reason}${as}`];
    // Whatever is neither approved nor denied stays open.
    return [
      `${CLI} approvals${as}   shows the digests; then`,
      `${CLI} approve ${approvalId} --item DIGEST${as}`,
      `${CLI} deny ${approvalId} --reason "only that one"${as}`,
    ];
  });
}

/** A manager chooses profiles for a report whom no profile fits: to approve all of them would be no choice. */
const isChoice = (data: Record<string, unknown>): boolean =>
  entryTexts(data, 'items').some((label) => label.startsWith('profile '));

const labels = (items: readonly EntryItem[]): string[] => items.map((item) => item.label);

const shortList = (names: readonly string[]): string =>
  names.length > LABELS_MAX ? `${names.length} items` : names.join(', ') || 'access';

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
