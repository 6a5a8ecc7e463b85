/** What `usher doctor` and its endpoint find. */
import { z } from 'zod';
import { Instant } from './ids.ts';

export const DoctorArea = z.enum([
  'runtime',
  'folder',
  'ports',
  'server',
  'clock',
  'database',
  'temporal',
  'worker',
  'systems',
  'policy',
  'mail',
  'evidence',
]);
export type DoctorArea = z.infer<typeof DoctorArea>;

export const DoctorFinding = z
  .looseObject({
    area: DoctorArea,
    level: z.enum(['ok', 'warning', 'error']),
    text: z.string().meta({ description: 'No personal data and no secret.' }),
    fix: z.string().nullable().meta({ description: 'What to do; null where nothing is wrong.' }),
  })
  .meta({ id: 'DoctorFinding' });
export interface DoctorFinding {
  area: DoctorArea;
  level: 'ok' | 'warning' | 'error';
  text: string;
  fix: string | null;
}

export const Diagnosis = z.looseObject({
  /** The server's clock. */
  at: Instant,
  findings: z.array(DoctorFinding),
});
