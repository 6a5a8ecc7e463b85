/** Changes that people make by hand, as the API takes and tells them. */
import { z } from 'zod';
import { InstantOrNull, PersonName, Reason } from './api-common.ts';
import { Instant } from './ids.ts';

/** The number of the ticket, or the id of the task where there is none. */
export const TaskName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, 'expected the number of a ticket, or the id of a task');

export const TaskAnswerBody = z.strictObject({
  word: z
    .enum(['confirmed', 'denied'])
    .meta({ description: 'Whether the change was made, by your own look at the system.' }),
  reason: Reason.optional(),
});
export const TaskAnswered = z.looseObject({ answered: z.int().meta({ description: 'How many changes it answers.' }) });

export const HandTask = z
  .looseObject({
    taskId: z.string(),
    systemId: z.string(),
    caseId: z.string(),
    person: PersonName,
    what: z.string(),
    ticketNumber: z.string().nullable(),
    state: z
      .enum(['open', 'claimed'])
      .meta({ description: '`claimed`: the ticket is closed as done; the owner of the system is asked.' }),
    since: Instant,
    claimedAt: InstantOrNull,
    owner: PersonName.nullable().meta({ description: 'Who confirms it.' }),
  })
  .meta({ id: 'HandTask' });
export const HandTaskList = z.looseObject({ tasks: z.array(HandTask) });
