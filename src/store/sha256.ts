/** SHA-256 in lower-case hex: the one hash of digests, keys and tokens. */
import { createHash } from 'node:crypto';

export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
