/** The OpenAPI document about policy: versions, proposals, what a version would do, and duties that are kept apart. */
import { DiffBody, PolicyDiff, SimulateBody, SimulatedPlan } from '../../schemas/api-policy-trials.ts';
import {
  ApprovedPolicy,
  Conflicts,
  PolicyVersionList,
  ProposalList,
  ProposedPolicy,
} from '../../schemas/api-policy.ts';
import { Activated, ActivePolicy } from '../../schemas/api-systems.ts';
import type { ApiEndpoint, ApiOperation } from './api-operation.ts';

export const policyOperations = {
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
    summary: "Make the server's policy folder the active version; refused where two people stand behind a version",
    answer: Activated,
    errors: ['policyInvalid', 'conflict'],
  },
  'GET /api/v1/policy/conflicts': {
    id: 'listConflicts',
    tag: 'policy',
    summary: 'Who holds duties that are to be kept apart, and until when that is allowed',
    answer: Conflicts,
    errors: ['notFound'],
  },
  'GET /api/v1/policy/versions': {
    id: 'listPolicyVersions',
    tag: 'policy',
    summary: 'Which version was active from when, newest first, and who stands behind it',
    answer: PolicyVersionList,
  },
  'GET /api/v1/policy/proposals': {
    id: 'listPolicyProposals',
    tag: 'policy',
    summary: 'Versions that were proposed, newest first, at most 50',
    answer: ProposalList,
  },
  'POST /api/v1/policy/proposals': {
    id: 'proposePolicy',
    tag: 'policy',
    summary: "Propose the server's policy folder as the next version; it takes the place of an open proposal",
    status: 201,
    answer: ProposedPolicy,
    errors: ['policyInvalid', 'conflict'],
  },
  'POST /api/v1/policy/proposals/:hash/approve': {
    id: 'approvePolicy',
    tag: 'policy',
    summary: 'Approve a version that somebody else proposed, which makes it the active one',
    answer: ApprovedPolicy,
    errors: ['notFound', 'selfApproval', 'stale'],
  },
  'POST /api/v1/policy/diff': {
    id: 'diffPolicies',
    tag: 'policy',
    summary: 'What a step from one version to another means for the people of today; writes nothing',
    body: DiffBody,
    answer: PolicyDiff,
    errors: ['notFound', 'policyInvalid'],
  },
  'POST /api/v1/policy/simulate': {
    id: 'simulateEvent',
    tag: 'policy',
    summary: 'Plan an invented event; writes nothing',
    body: SimulateBody,
    answer: SimulatedPlan,
    errors: ['notFound', 'noApprover', 'policyInvalid'],
  },
} as const satisfies Partial<Record<ApiEndpoint, ApiOperation>>;
