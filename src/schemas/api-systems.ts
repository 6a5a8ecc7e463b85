/** Systems, incidents and policy, as the API takes and tells them. */
import { z } from 'zod';
import { InstantOrNull } from './api-common.ts';
import { Instant, SystemId } from './ids.ts';
import { Policy } from './policy.ts';

export const System = z
  .looseObject({
    systemId: z.string(),
    displayName: z.string(),
    connector: z.string(),
    authenticates: z.boolean(),
    owner: z.string(),
    failingSince: InstantOrNull,
    lastErrorCode: z.string().nullable(),
    lastSuccessAt: InstantOrNull,
    openIncidents: z.int(),
  })
  .meta({ id: 'System' });

export const SystemList = z.looseObject({ systems: z.array(System) });

export const CheckBody = z.strictObject({
  systemId: SystemId.optional(),
  timeoutSeconds: z.int().min(1).max(30).default(30).meta({ description: 'Then a system counts as without answer.' }),
});

/** An answer as the worker or a connector gave it. */
export const CheckAnswer = z.object({
  isHealthy: z.boolean(),
  findings: z.array(z.object({ level: z.enum(['ok', 'warning', 'error']), text: z.string() })),
});

export const CheckedSystems = z.looseObject({
  isHealthy: z.boolean(),
  systems: z.array(
    z.looseObject({
      systemId: z.string(),
      hasAnswered: z.boolean().meta({ description: 'False when no answer came in time.' }),
      ...CheckAnswer.shape,
    }),
  ),
});

export const IncidentListQuery = z.strictObject({ state: z.enum(['open', 'any']).default('any') });
export const IncidentList = z.looseObject({
  incidents: z.array(
    z
      .looseObject({
        incidentId: z.string(),
        systemId: z.string(),
        kind: z.string(),
        state: z.enum(['open', 'closed']),
        summary: z.string(),
        ticketNumber: z.string().nullable(),
        openedAt: Instant,
        closedAt: InstantOrNull,
        attached: z.array(
          z.looseObject({ itemKey: z.string(), caseId: z.string().nullable(), person: z.string().nullable() }),
        ),
      })
      .meta({ id: 'Incident' }),
  ),
});

export const ActivePolicy = z.looseObject({ policyHash: z.string(), policy: Policy });
export const Activated = z.looseObject({
  policyHash: z.string(),
  changed: z.boolean().meta({ description: 'False when the version was active already.' }),
});
