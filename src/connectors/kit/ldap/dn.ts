/** Distinguished names. A value never reaches one by template: names hold commas, quotes and line ends. */
import { EscapeError } from '../escape.ts';

/**
 * One part of a distinguished name (RFC 4514). Whatever is not a plain letter or digit of any script, space inside, dot,
 * dash, underscore or @ is written as hexadecimal pairs, which every server reads alike wherever it stands.
 */
export function rdn(attribute: string, value: string): string {
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(attribute)) throw new EscapeError('not an attribute name');
  if (value === '' || value.includes('\0')) throw new EscapeError('not usable in a distinguished name');
  if (!value.isWellFormed()) throw new EscapeError('not valid Unicode');
  const last = value.length - 1;
  const text = value.replaceAll(/[^\p{L}\p{N}._@-]/gu, (character, at: number) =>
    character === ' ' && at > 0 && at < last ? character : hexPairs(character),
  );
  return `${attribute}=${text}`;
}

/** The entry of that part below another one. */
export function childDn(attribute: string, value: string, parent: string): string {
  return `${rdn(attribute, value)},${parent}`;
}

function hexPairs(character: string): string {
  return [...Buffer.from(character, 'utf8')].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
}
