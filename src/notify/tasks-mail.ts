/** The mail to the owner of a manual system: what to confirm, and what nobody has done yet. It holds no secret. */
import { printableText } from '../domain/printable-text.ts';

export interface TaskMailEntry {
  what: string;
  systemId: string;
  personName: string;
  ticket: string | null;
  /** What the command takes. */
  name: string;
  isClaimed: boolean;
  since: Date;
}

export function tasksMail(ownerName: string, entries: readonly TaskMailEntry[]): { subject: string; text: string } {
  const claimed = entries.filter(({ isClaimed }) => isClaimed);
  const open = entries.filter(({ isClaimed }) => !isClaimed);
  const lines = [
    `Hello ${printableText(ownerName)},`,
    '',
    ...(claimed.length === 0
      ? []
      : [
          'You own a system that Usher cannot read. These changes are said to be done there. Please look, and say whether they are:',
          '',
          ...claimed.flatMap((entry) => [
            `  ${lineOf(entry)}`,
            `    done:     usher confirm ${entry.name}`,
            `    not done: usher confirm ${entry.name} --not-done`,
            '',
          ]),
        ]),
    ...(open.length === 0
      ? []
      : [
          'These tasks are open. Please see to it that somebody does them:',
          '',
          ...open.map((entry) => `  ${lineOf(entry)}`),
          '',
        ]),
    'Nothing counts as done before you confirm it.',
    '',
  ];
  const count = entries.length === 1 ? 'a change' : `${entries.length} changes`;
  return {
    subject: claimed.length > 0 ? `Please confirm ${count} made by hand` : `Still open: ${count} to be made by hand`,
    text: lines.join('\n'),
  };
}

function lineOf({ systemId, what, personName, ticket, since }: TaskMailEntry): string {
  const where = ticket === null ? '' : `, ticket ${ticket}`;
  return printableText(`${systemId}: ${what}, ${personName}${where}, asked for on ${since.toISOString().slice(0, 10)}`);
}
