/** When something was last used, as a system told it. Nothing known is another matter than never used. */
import { z } from 'zod';

export const LastUse = z
  .looseObject({
    state: z.enum(['used', 'never', 'unknown']).meta({ description: '`unknown`: the system says nothing about it.' }),
    at: z.iso.datetime({ offset: false }).nullable().meta({ description: 'Null unless `used`.' }),
    observedAt: z.iso.datetime({ offset: false }).nullable().meta({ description: 'When Usher first read this.' }),
  })
  .meta({ id: 'LastUse' });
export type LastUse = z.infer<typeof LastUse>;
