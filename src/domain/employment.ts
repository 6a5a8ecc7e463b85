/** Where an instant lies relative to the time in which a person may have access. */
import type { AccessWindow } from '../schemas/facts.ts';

export type AccessPhase = 'before' | 'lead' | 'employed' | 'after';

/**
 * `before` the lead time, in the `lead` before the first day of work, `employed`, or `after` the end. Each bound belongs
 * to the phase that it opens. The end wins: a window that ends before it begins never has access.
 */
export function accessAt(window: AccessWindow, at: string): AccessPhase {
  const atMs = Date.parse(at);
  if (window.until !== null && atMs >= Date.parse(window.until)) return 'after';
  if (atMs < Date.parse(window.from)) return 'before';
  return atMs < Date.parse(window.startsAt) ? 'lead' : 'employed';
}

/** Whether the person may have access at that instant. */
export function mayHaveAccess(window: AccessWindow, at: string): boolean {
  const phase = accessAt(window, at);
  switch (phase) {
    case 'lead':
    case 'employed':
      return true;
    case 'before':
    case 'after':
      return false;
    default:
      return phase satisfies never;
  }
}
