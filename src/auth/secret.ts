/**
 * Unguessable strings that people carry: tokens, links, codes. Only their SHA-256 is stored. A secret has at least 128
 * random bits, so that finding its hash in an index compares nothing that a caller could probe by time.
 */
import { randomBytes } from 'node:crypto';

/** A new secret of `byteCount` random bytes in base64url, after `prefix`. */
export function newSecret(prefix: string, byteCount: 16 | 32): string {
  return `${prefix}${randomBytes(byteCount).toString('base64url')}`;
}
