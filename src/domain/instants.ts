/** Arithmetic on instants, which are ISO 8601 texts in UTC. It reads no clock: every instant comes from the caller. */

/** The instant so many seconds after another one. */
export function instantAfter(instant: string, seconds: number): string {
  return new Date(Date.parse(instant) + seconds * 1000).toISOString();
}

/** Whether `a` lies at or before `b`. */
export function isAtOrBefore(a: string, b: string): boolean {
  return Date.parse(a) <= Date.parse(b);
}
