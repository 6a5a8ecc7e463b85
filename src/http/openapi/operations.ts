/**
 * What the OpenAPI document says about each endpoint below `/api/v1`, beside the scopes, which stand in the one table of
 * endpoints. An endpoint without an entry does not compile, and a test finds it as well.
 */
import { z } from 'zod';
import { Diagnosis } from '../../schemas/api-doctor.ts';
import { Me } from '../../schemas/api-persons.ts';
import type { ApiEndpoint, ApiOperation } from './api-operation.ts';
import { approvalOperations } from './approval-operations.ts';
import { auditOperations } from './audit-operations.ts';
import { caseOperations } from './case-operations.ts';
import { personOperations } from './person-operations.ts';
import { policyOperations } from './policy-operations.ts';
import { systemOperations } from './system-operations.ts';
import { taskOperations } from './task-operations.ts';

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
  ...caseOperations,
  ...taskOperations,
  ...approvalOperations,
  ...personOperations,
  ...policyOperations,
  ...systemOperations,
  ...auditOperations,
};
