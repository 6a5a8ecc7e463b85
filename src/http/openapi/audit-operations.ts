/** The OpenAPI document about evidence: the log, exports, recomputation, the archive and the auditor's sample. */
import { ArchivedCase, AuditSample, Recomputation, SampleQuery } from '../../schemas/api-audit-cases.ts';
import { Verification } from '../../schemas/api-audit.ts';
import { CaseBundle } from '../../schemas/evidence.ts';
import type { ApiEndpoint, ApiOperation } from './api-operation.ts';

export const auditOperations = {
  'GET /api/v1/audit/verify': {
    id: 'verifyLog',
    tag: 'audit',
    summary: 'Verify the whole evidence log',
    answer: Verification,
  },
  'GET /api/v1/audit/sample': {
    id: 'sampleCases',
    tag: 'audit',
    summary: 'The cases of a period, whether they are complete, and a sample that the seed reproduces',
    query: SampleQuery,
    answer: AuditSample,
  },
  'GET /api/v1/audit/cases/:caseId': {
    id: 'exportCase',
    tag: 'audit',
    summary: 'One case with the proof of each record and its workflow histories',
    answer: CaseBundle.meta({ id: 'CaseBundle' }),
    errors: ['notFound', 'conflict', 'unavailable'],
  },
  'GET /api/v1/audit/cases/:caseId/recompute': {
    id: 'recomputeCase',
    tag: 'audit',
    summary: 'Run the recorded plans again from stored facts, policy and decisions, and compare',
    answer: Recomputation,
    errors: ['notFound'],
  },
  'GET /api/v1/audit/cases/:caseId/archive': {
    id: 'getArchive',
    tag: 'audit',
    summary: 'What the archive holds of a case, and whether every file is what was archived',
    answer: ArchivedCase,
    errors: ['notFound', 'conflict', 'unavailable'],
  },
} as const satisfies Partial<Record<ApiEndpoint, ApiOperation>>;
