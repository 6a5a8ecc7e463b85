/** The OpenAPI document about systems: their health and incidents, and the way from baseline to enforcement. */
import { BaselineAnswer, BaselineBody, EnforceAnswer, EnforceBody } from '../../schemas/api-baseline.ts';
import { CheckBody, CheckedSystems, IncidentList, IncidentListQuery, SystemList } from '../../schemas/api-systems.ts';
import type { ApiEndpoint, ApiOperation } from './api-operation.ts';

export const systemOperations = {
  'GET /api/v1/systems': {
    id: 'listSystems',
    tag: 'systems',
    summary: 'Systems of the active policy with their health',
    answer: SystemList,
  },
  'POST /api/v1/systems/check': {
    id: 'checkSystems',
    tag: 'systems',
    summary: 'Ask one system, or all, whether Usher can use it; waits up to 30 s',
    body: CheckBody,
    answer: CheckedSystems,
    errors: ['notFound', 'conflict'],
  },
  'POST /api/v1/systems/:systemId/baseline': {
    id: 'recordBaseline',
    tag: 'systems',
    summary: 'Record what a system holds as found before Usher; waits up to 40 s, then answers `reading`',
    body: BaselineBody,
    answer: BaselineAnswer,
    errors: ['notFound', 'conflict', 'unavailable'],
  },
  'POST /api/v1/systems/:systemId/enforce': {
    id: 'enforceSystem',
    tag: 'systems',
    summary: 'Show who would gain and lose on a system, and switch once exactly that was confirmed',
    body: EnforceBody,
    answer: EnforceAnswer,
    errors: ['notFound', 'conflict', 'stale', 'unavailable'],
  },
  'GET /api/v1/incidents': {
    id: 'listIncidents',
    tag: 'systems',
    summary: 'Incidents and what hangs on them',
    query: IncidentListQuery,
    answer: IncidentList,
  },
} as const satisfies Partial<Record<ApiEndpoint, ApiOperation>>;
