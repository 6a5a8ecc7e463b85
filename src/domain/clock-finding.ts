/** What a difference between two clocks means for an installation whose authorisations live for five minutes. */
import type { DoctorFinding } from '../schemas/api-doctor.ts';

const WARNING_MS = 2_000;
const ERROR_MS = 60_000;

/** `skewMs` is how far the other clock, which `whose` names, is ahead of ours; negative when it is behind. */
export function clockFinding(whose: string, skewMs: number): DoctorFinding {
  const awayMs = Math.abs(skewMs);
  if (awayMs < WARNING_MS) return { area: 'clock', level: 'ok', text: `The clock of ${whose} agrees.`, fix: null };
  return {
    area: 'clock',
    level: awayMs >= ERROR_MS ? 'error' : 'warning',
    text: `The clock of ${whose} is ${(awayMs / 1000).toFixed(1)} s ${skewMs > 0 ? 'ahead' : 'behind'}.`,
    fix: 'Let both machines take their time from the same source (NTP).',
  };
}
