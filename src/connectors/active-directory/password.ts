/** Passwords that nobody is told: one that an account must have, and one that replaces what a leaver knows. */
import { randomInt } from 'node:crypto';

const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const pairs = 32;

/**
 * 64 characters with about 280 random bits. Letter and digit take turns, so that no part of a name can occur in it, which
 * Active Directory would refuse; upper case, lower case, digit and sign are there whatever the dice say.
 */
export function randomPassword(): string {
  const random = Array.from({ length: pairs }, () => `${letters.charAt(randomInt(letters.length))}${randomInt(10)}`);
  return `A1b2-${random.join('').slice(5)}`;
}

/** The value of `unicodePwd`: in quotes, UTF-16LE (MS-ADTS, section 3.1.1.3.1.5.1). */
export function unicodePwd(password: string): Buffer {
  return Buffer.from(`"${password}"`, 'utf16le');
}
