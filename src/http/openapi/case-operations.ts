/** The OpenAPI document about cases, held departures and the story. */
import { Story, StoryQuery } from '../../schemas/api-audit.ts';
import {
  Accepted,
  CaseDetail,
  CaseList,
  CaseListQuery,
  HoldList,
  ReleaseBody,
  Released,
  RetryAccepted,
  RetryBody,
} from '../../schemas/api-cases.ts';
import type { ApiEndpoint, ApiOperation } from './api-operation.ts';

export const caseOperations = {
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
  'POST /api/v1/cases/:caseId/hand-over/end': {
    id: 'endHandOver',
    tag: 'cases',
    summary: 'End the hand-over of a mover now, as the manager of before or as an operator',
    status: 202,
    answer: Accepted,
    errors: ['notFound', 'stale'],
  },
  'POST /api/v1/cases/:caseId/resume': {
    id: 'resumeCase',
    tag: 'cases',
    summary: 'Start a case again whose workflow is gone',
    status: 202,
    answer: Accepted,
    errors: ['notFound', 'conflict', 'stale'],
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
  'GET /api/v1/story': {
    id: 'getStory',
    tag: 'cases',
    summary: 'What happened since, line by line',
    query: StoryQuery,
    answer: Story,
  },
} as const satisfies Partial<Record<ApiEndpoint, ApiOperation>>;
