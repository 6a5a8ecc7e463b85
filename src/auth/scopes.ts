/**
 * What a token may do, and the one table of all endpoints with the scopes that open them. A route that has no row here
 * does not compile, and a row that has no route fails a test.
 */

/** Scope to the sentence that the docs and the token list show. Names never change: tokens carry them. */
export const scopeSentences = {
  decide: 'Decide approvals that name you.',
  'read:own-cases': 'Read your own cases and what you hold.',
  operate: 'See all cases and systems, retry, release holds, propose and approve policy, make somebody leave.',
  security: 'See departures before they take effect, and everything that `operate` sees; approve policy.',
  audit: 'Read, verify and export evidence.',
  erase: 'Erase a person for good.',
  internal: 'The worker asks for authorisations, approvals and the check of claims. Service tokens only.',
} as const;

export type Scope = keyof typeof scopeSentences;

export const allScopes = Object.keys(scopeSentences) as Scope[];

/** `anonymous`: no token. `oneTimeLink`: the secret in the path is the proof. `signature`: the body is signed. */
export type EndpointNeed = readonly Scope[] | 'anonymous' | 'oneTimeLink' | 'signature';

/** Any one of the scopes opens the endpoint; what a caller then sees of it is narrowed by the handler. */
export const endpoints = {
  'GET /healthz': 'anonymous',
  'GET /readyz': 'anonymous',
  'POST /webhooks/:systemId': 'signature',
  'GET /decide/:secret': 'oneTimeLink',
  'POST /decide/:secret': 'oneTimeLink',
  'GET /login/:secret': 'oneTimeLink',
  'POST /login/:secret': 'oneTimeLink',
  'GET /': ['operate', 'security'],
  'GET /api/v1/openapi.json': ['decide', 'read:own-cases', 'operate', 'security', 'audit', 'erase'],
  'GET /api/v1/doctor': ['operate', 'security', 'audit'],
  'GET /api/v1/me': ['decide', 'read:own-cases', 'operate', 'security', 'audit', 'erase'],
  'GET /api/v1/cases': ['read:own-cases', 'operate', 'security', 'audit'],
  'GET /api/v1/cases/:caseId': ['read:own-cases', 'decide', 'operate', 'security', 'audit'],
  'POST /api/v1/cases/:caseId/retry': ['operate'],
  'POST /api/v1/cases/:caseId/hand-over/end': ['decide', 'operate'],
  'POST /api/v1/cases/:caseId/resume': ['operate'],
  'GET /api/v1/approvals': ['decide', 'operate', 'security', 'audit'],
  'GET /api/v1/approvals/:approvalId': ['decide', 'operate', 'security', 'audit'],
  'POST /api/v1/approvals/:approvalId/decisions': ['decide'],
  'POST /api/v1/approvals/:approvalId/hand-over': ['decide'],
  'POST /api/v1/approvals/:approvalId/questions': ['decide'],
  'GET /api/v1/questions': ['decide', 'read:own-cases'],
  'POST /api/v1/questions/:questionId/answer': ['decide', 'read:own-cases'],
  'GET /api/v1/tasks': ['decide', 'operate', 'security', 'audit'],
  'POST /api/v1/tasks/:task/answer': ['decide'],
  'GET /api/v1/deputies': ['decide', 'operate', 'security', 'audit'],
  'POST /api/v1/deputies': ['decide'],
  'POST /api/v1/deputies/:mandateId/end': ['decide'],
  'GET /api/v1/persons/:person': ['read:own-cases', 'operate', 'security', 'audit'],
  'POST /api/v1/persons/:person/leave': ['operate', 'security'],
  'POST /api/v1/persons/:person/erase': ['erase'],
  'GET /api/v1/holds': ['operate', 'security', 'audit'],
  'POST /api/v1/holds/release': ['operate', 'security'],
  'GET /api/v1/policy': ['operate', 'security', 'audit'],
  'GET /api/v1/policy/conflicts': ['operate', 'security', 'audit'],
  'POST /api/v1/policy/activate': ['operate'],
  'GET /api/v1/policy/versions': ['operate', 'security', 'audit'],
  'GET /api/v1/policy/proposals': ['operate', 'security', 'audit'],
  'POST /api/v1/policy/proposals': ['operate'],
  'POST /api/v1/policy/proposals/:hash/approve': ['operate', 'security'],
  'POST /api/v1/policy/diff': ['operate', 'security', 'audit'],
  'POST /api/v1/policy/simulate': ['operate', 'security'],
  'GET /api/v1/persons/:person/access': ['read:own-cases', 'operate', 'security', 'audit'],
  'GET /api/v1/systems': ['operate', 'security', 'audit'],
  'POST /api/v1/systems/check': ['operate'],
  'GET /api/v1/systems/:systemId': ['operate', 'security', 'audit'],
  'POST /api/v1/systems/:systemId/inventory': ['operate'],
  'POST /api/v1/systems/:systemId/baseline': ['operate'],
  'POST /api/v1/systems/:systemId/enforce': ['operate'],
  'POST /api/v1/import': ['operate'],
  'GET /api/v1/incidents': ['operate', 'security', 'audit'],
  'GET /api/v1/audit/verify': ['audit'],
  'GET /api/v1/audit/sample': ['audit'],
  'GET /api/v1/audit/cases/:caseId': ['audit'],
  'GET /api/v1/audit/cases/:caseId/recompute': ['audit'],
  'GET /api/v1/audit/cases/:caseId/archive': ['audit'],
  'GET /api/v1/story': ['operate', 'security'],
  'POST /codec/decode': ['operate', 'security', 'audit'],
  'POST /internal/authorisations': ['internal'],
  'POST /internal/decisions/claim': ['internal'],
  'POST /internal/approvals/open': ['internal'],
  'POST /internal/approvals/remind': ['internal'],
  'POST /internal/approvals/escalate': ['internal'],
  'POST /internal/approvals/close': ['internal'],
  'POST /internal/work-email': ['internal'],
} as const satisfies Record<string, EndpointNeed>;

/** `METHOD /path/:parameter`. */
export type Endpoint = keyof typeof endpoints;

/** True when the scopes open an endpoint that needs scopes. */
export function isOpenTo(need: readonly Scope[], held: ReadonlySet<Scope>): boolean {
  return need.some((scope) => held.has(scope));
}
