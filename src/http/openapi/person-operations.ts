/** The OpenAPI document about people: what they hold and why, departures, erasure, and taking people over from a file. */
import { AccessQuery, ExplainedAccess } from '../../schemas/api-access.ts';
import { ImportAnswer, ImportForm } from '../../schemas/api-import.ts';
import { EraseBody, Erased, LeaveAccepted, LeaveBody, Person } from '../../schemas/api-persons.ts';
import { ImportQuery } from '../../schemas/import.ts';
import type { ApiEndpoint, ApiOperation } from './api-operation.ts';

export const personOperations = {
  'GET /api/v1/persons/:person': {
    id: 'getPerson',
    tag: 'persons',
    summary: 'What a person holds and why',
    answer: Person,
    errors: ['notFound'],
  },
  'GET /api/v1/persons/:person/access': {
    id: 'explainAccess',
    tag: 'persons',
    summary: 'Why a person may hold an entitlement, or why not, today or on a day that is over',
    query: AccessQuery,
    answer: ExplainedAccess,
    errors: ['notFound'],
  },
  'POST /api/v1/persons/:person/leave': {
    id: 'leave',
    tag: 'persons',
    summary: 'A departure, now: logins first, then everything else',
    body: LeaveBody,
    status: 202,
    answer: LeaveAccepted,
    errors: ['notFound', 'selfApproval'],
  },
  'POST /api/v1/persons/:person/erase': {
    id: 'erase',
    tag: 'persons',
    summary: 'Erase a person for good; the evidence stays verifiable',
    body: EraseBody,
    answer: Erased,
    errors: ['notFound', 'conflict'],
  },
  'POST /api/v1/import': {
    id: 'importPeople',
    tag: 'persons',
    summary: 'Take over people from a CSV export: a report, and with its hash as `confirm` the import itself',
    query: ImportQuery,
    form: ImportForm,
    answer: ImportAnswer,
    errors: ['conflict', 'stale'],
  },
} as const satisfies Partial<Record<ApiEndpoint, ApiOperation>>;
