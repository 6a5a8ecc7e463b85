/** The OpenAPI document about systems: their health and incidents, and the way from baseline to enforcement. */
import { BaselineAnswer, BaselineBody, EnforceAnswer, EnforceBody } from '../../schemas/api-baseline.ts';
import { InventoryAnswer, InventoryBody, SystemDetail, SystemQuery } from '../../schemas/api-inventory.ts';
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
  'GET /api/v1/systems/:systemId': {
    id: 'getSystem',
    tag: 'systems',
    summary: 'What a system offers and who owns that; its accounts, whose they are and when they were last used',
    query: SystemQuery,
    answer: SystemDetail,
    errors: ['notFound', 'conflict'],
  },
  'POST /api/v1/systems/:systemId/inventory': {
    id: 'takeInventory',
    tag: 'systems',
    summary: 'Read a whole system into the catalogue; answers `reading` with the progress until it was read',
    body: InventoryBody,
    answer: InventoryAnswer,
    errors: ['notFound', 'conflict', 'unavailable'],
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
