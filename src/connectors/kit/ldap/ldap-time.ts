/** Moments as directories write them (RFC 4517, section 3.3.13), always in UTC. */

/** Milliseconds since the epoch of a GeneralizedTime as directories write it, `20260302080000.0Z`; null for anything else. */
export function generalizedTimeMs(text: string | null): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(text ?? '');
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
