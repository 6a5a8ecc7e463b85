/**
 * What the OpenAPI document says about each endpoint below `/api/v1`, beside the scopes, which stand in the one table of
 * endpoints. An endpoint without an entry does not compile, and a test finds it as well.
 */
import { z } from 'zod';
import type { Endpoint } from '../../auth/scopes.ts';
import type { AppErrorCode } from '../../domain/errors.ts';
import { ApprovalList, ApprovalListQuery, Approval, Decided, DecisionBody } from '../../schemas/api-approvals.ts';
import { Story, StoryQuery, Verification } from '../../schemas/api-audit.ts';
import {
  CaseDetail,
  CaseList,
  CaseListQuery,
  HoldList,
  ReleaseBody,
  Released,
  RetryAccepted,
  RetryBody,
} from '../../schemas/api-cases.ts';
import { Diagnosis } from '../../schemas/api-doctor.ts';
import { EraseBody, Erased, LeaveAccepted, LeaveBody, Me, Person } from '../../schemas/api-persons.ts';
import {
  Activated,
  ActivePolicy,
  CheckBody,
  CheckedSystems,
  IncidentList,
  IncidentListQuery,
  SystemList,
} from '../../schemas/api-systems.ts';
import { CaseBundle } from '../../schemas/evidence.ts';

export type ApiEndpoint = Extract<Endpoint, `${string} /api/v1/${string}`>;

export interface ApiOperation {
  /** Names the function in generated clients: never changes. */
  id: string;
  tag: string;
  summary: string;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Default 200. */
  status?: 200 | 201 | 202;
  answer: z.ZodType;
  /** Beyond those that every endpoint can answer with. */
  errors?: readonly AppErrorCode[];
}

export const operations: Record<ApiEndpoint, ApiOperation> = {
  'GET /api/v1/openapi.json': {
    id: 'getDocument',
    tag: 'meta',
    summary: 'This document',
    answer: z.record(z.string(), z.unknown()),
  },
  'GET /api/v1/doctor': {
    id: 'diagnose',
    tag: 'meta',
    summary: 'What is wrong with the installation, as the server sees it',
    answer: Diagnosis,
  },
  'GET /api/v1/me': { id: 'getMe', tag: 'meta', summary: 'Who the token names and what it may do', answer: Me },
  'GET /api/v1/cases': {
    id: 'listCases',
    tag: 'cases',
    summary: 'Cases, newest first, at most 200',
    query: CaseListQuery,
    answer: CaseList,
  },
  'GET /api/v1/cases/:caseId': {
    id: 'getCase',
    tag: 'cases',
    summary: 'One case: what happened, who can act, what comes next',
    answer: CaseDetail,
    errors: ['notFound'],
  },
  'POST /api/v1/cases/:caseId/retry': {
    id: 'retryCase',
    tag: 'cases',
    summary: 'Try the failed items of a case on one system again',
    body: RetryBody,
    status: 202,
    answer: RetryAccepted,
    errors: ['notFound', 'conflict', 'stale'],
  },
  'GET /api/v1/approvals': {
    id: 'listApprovals',
    tag: 'approvals',
    summary: 'Approvals, earliest deadline first',
    query: ApprovalListQuery,
    answer: ApprovalList,
  },
  'GET /api/v1/approvals/:approvalId': {
    id: 'getApproval',
    tag: 'approvals',
    summary: 'One approval',
    answer: Approval,
    errors: ['notFound'],
  },
  'POST /api/v1/approvals/:approvalId/decisions': {
    id: 'decide',
    tag: 'approvals',
    summary: 'Decide items of an approval, as the person whom the token names',
    body: DecisionBody,
    status: 201,
    answer: Decided,
    errors: ['notFound', 'selfApproval', 'notApprover', 'alreadyDecided', 'stale', 'expired', 'noApprover'],
  },
  'GET /api/v1/persons/:person': {
    id: 'getPerson',
    tag: 'persons',
    summary: 'What a person holds and why',
    answer: Person,
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
  'GET /api/v1/holds': {
    id: 'listHolds',
    tag: 'cases',
    summary: 'Departures that an unusual wave holds',
    answer: HoldList,
  },
  'POST /api/v1/holds/release': {
    id: 'releaseHolds',
    tag: 'cases',
    summary: 'Let held departures go on, after each was read from the HR system again',
    body: ReleaseBody,
    answer: Released,
    errors: ['notFound'],
  },
  'GET /api/v1/policy': {
    id: 'getPolicy',
    tag: 'policy',
    summary: 'The active version',
    answer: ActivePolicy,
    errors: ['notFound'],
  },
  'POST /api/v1/policy/activate': {
    id: 'activatePolicy',
    tag: 'policy',
    summary: "Make the server's policy folder the active version",
    answer: Activated,
    errors: ['policyInvalid'],
  },
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
  'GET /api/v1/incidents': {
    id: 'listIncidents',
    tag: 'systems',
    summary: 'Incidents and what hangs on them',
    query: IncidentListQuery,
    answer: IncidentList,
  },
  'GET /api/v1/audit/verify': {
    id: 'verifyLog',
    tag: 'audit',
    summary: 'Verify the whole evidence log',
    answer: Verification,
  },
  'GET /api/v1/audit/cases/:caseId': {
    id: 'exportCase',
    tag: 'audit',
    summary: 'One case with the proof of each record and its workflow histories',
    answer: CaseBundle.meta({ id: 'CaseBundle' }),
    errors: ['notFound', 'conflict', 'unavailable'],
  },
  'GET /api/v1/story': {
    id: 'getStory',
    tag: 'cases',
    summary: 'What happened since, line by line',
    query: StoryQuery,
    answer: Story,
  },
};
