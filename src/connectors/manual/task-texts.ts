/** What the people who carry out a task read. It names the person: whoever gives access has to know to whom. */
import type { AccountProfile } from '../kit/contract.ts';

const personHeading = 'Person';
const closing = [
  'How to answer',
  'Close this task as complete when it is done. If it cannot be done, close it as incomplete and say why in the notes.',
  'The owner of the system is asked afterwards to confirm what was done.',
];

/** One line, whatever the HR system holds. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 200);
}

/** Lines about the person, as later tasks repeat them. */
export function personBlock(accountId: string, profile: AccountProfile): string {
  const { displayName, userName, email, title, department } = profile;
  return [
    personHeading,
    `Name: ${oneLine(displayName)}`,
    `Login name: ${oneLine(userName)}`,
    `E-mail: ${oneLine(email)}`,
    ...(title === null ? [] : [`Title: ${oneLine(title)}`]),
    ...(department === null ? [] : [`Department: ${oneLine(department)}`]),
    `Id at Usher: ${accountId}`,
  ].join('\n');
}

/** The block out of an earlier task; without one, the id alone. */
export function personBlockOf(accountId: string, descriptions: readonly string[]): string {
  for (const description of descriptions.toReversed()) {
    const block = description.split('\n\n').find((part) => part.startsWith(`${personHeading}\n`));
    if (block !== undefined) return block;
  }
  return `${personHeading}\nId at Usher: ${accountId}`;
}

/** The login name out of a block; null where there is none. */
export function userNameIn(block: string): string | null {
  return /^Login name: (.+)$/mu.exec(block)?.[1] ?? null;
}

export function taskText(what: string, systemId: string, block: string): string {
  return [`What to do\n${what}\nSystem: ${systemId}`, block, closing.join('\n')].join('\n\n');
}
