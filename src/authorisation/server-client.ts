/** The worker's way to the server's internal endpoints: authorisations, claims, approvals. It carries the service token. */
import axios from 'axios';
import { z } from 'zod';
import { currentTraceparent } from '../observe/tracing.ts';
import { IssueResult } from '../schemas/authorisation.ts';
import { WorkEmailAnswer } from '../schemas/work-email.ts';

export interface ServerClient {
  /** At most ten digests. */
  issue(request: { personId: string; caseN: number; k: number; itemDigests: string[] }): Promise<IssueResult[]>;
  claimDecision(request: { approvalId: string; claimId: string; payload: unknown }): Promise<ClaimAnswer>;
  openApproval(request: {
    personId: string;
    n: number;
    k: number;
    proposalId: string;
    itemDigests: string[];
  }): Promise<OpenApprovalAnswer>;
  remindApprovers(request: { approvalId: string }): Promise<{ told: number }>;
  /** Told 0 when it is not time yet. */
  escalateApproval(request: { approvalId: string; level: number }): Promise<{ told: number }>;
  closeApproval(request: { approvalId: string; state: 'decided' | 'expired' | 'cancelled' }): Promise<void>;
  reportWorkEmail(report: {
    personId: string;
    caseN: number;
    systemId: string;
    workEmail: string;
    login: string;
  }): Promise<WorkEmailAnswer>;
}

const ClaimAnswer = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('accepted'), decisionId: z.string() }),
  z.object({ outcome: z.literal('refused'), reason: z.string() }),
]);
export type ClaimAnswer = z.infer<typeof ClaimAnswer>;

const OpenApprovalAnswer = z.object({ approvalId: z.string(), itemDigests: z.array(z.string()), told: z.number() });
export type OpenApprovalAnswer = z.infer<typeof OpenApprovalAnswer>;

/** Codes of the server's problem answers that waiting cannot heal. */
export type ServerRefusalCode = 'notFound' | 'stale' | 'invalidInput' | 'noApprover';

/** The server could not be reached, or failed: trying again may help. It never carries an address or a token. */
export class ServerUnavailable extends Error {
  override readonly name = 'ServerUnavailable';
}

/** The server understood and refused. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const CALL_TIMEOUT_MS = 15_000;
const Problem = z.object({ code: z.string(), detail: z.string().optional() });

/** `token` has the scope `internal`. Calls throw ServerUnavailable or ServerRefusal. */
export function createServerClient(baseUrl: string, token: () => string): ServerClient {
  const http = axios.create({
    baseURL: baseUrl,
    timeout: CALL_TIMEOUT_MS,
    maxRedirects: 0,
    validateStatus: () => true,
  });

  async function call<T>(path: string, body: unknown, shape: z.ZodType<T>): Promise<T> {
    let status: number;
    let data: unknown;
    try {
      const traceparent = currentTraceparent();
      const headers = { authorization: `Bearer ${token()}`, ...(traceparent === null ? {} : { traceparent }) };
      const answer = await http.post<unknown>(path, body, { headers });
      ({ status, data } = answer);
    } catch {
      throw new ServerUnavailable('the server did not answer');
    }
    if (status >= 500 || status === 429) throw new ServerUnavailable(`the server answered ${status}`);
    if (status >= 400) {
      const problem = Problem.safeParse(data);
      if (status === 401 || status === 403) throw new ServerUnavailable('the server does not accept the service token');
      throw new ServerRefusal(problem.success ? problem.data.code : 'invalidInput', `the server refused (${status})`);
    }
    const parsed = shape.safeParse(data);
    if (!parsed.success) throw new ServerUnavailable('the answer of the server has an unexpected shape');
    return parsed.data;
  }

  return {
    issue: async (request) =>
      (await call('/internal/authorisations', request, z.object({ results: z.array(IssueResult) }))).results,
    claimDecision: (request) => call('/internal/decisions/claim', request, ClaimAnswer),
    openApproval: (request) => call('/internal/approvals/open', request, OpenApprovalAnswer),
    remindApprovers: (request) => call('/internal/approvals/remind', request, z.object({ told: z.number() })),
    escalateApproval: (request) => call('/internal/approvals/escalate', request, z.object({ told: z.number() })),
    closeApproval: async (request) => {
      await call('/internal/approvals/close', request, z.object({}));
    },
    reportWorkEmail: (report) => call('/internal/work-email', report, WorkEmailAnswer),
  };
}
