/**
 * Okta's lifecycle as two states. Suspending is reversible and there for active accounts only; in every other status the
 * person or an administrator could still go on, so that nothing less than deactivation ends the login there.
 * https://developer.okta.com/docs/reference/api/users/#user-status
 */
import { z } from 'zod';
import type { CallContext, WriteResult } from '../kit/contract.ts';
import { ConnectorError } from '../kit/errors.ts';
import { pathOf } from '../kit/escape.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { mustRead, type OktaApi } from './api.ts';

type Transition = 'suspend' | 'unsuspend' | 'activate' | 'deactivate' | 'none' | 'wait';

/** How soon to look again after an account that Okta is moving; it takes seconds, with many applications minutes. */
const transitionRetryMs = 5_000;

/** The step from a status to a login that works or does not; `wait` while Okta moves the account, whichever way. */
export function oktaTransition(
  user: { status: string; transitioningToStatus?: string | null | undefined },
  state: 'enabled' | 'disabled',
): Transition {
  // A move that goes our way is not there yet, and Okta refuses a second one meanwhile.
  if (user.transitioningToStatus != null) return 'wait';
  if (state === 'disabled') {
    if (user.status === 'SUSPENDED' || user.status === 'DEPROVISIONED') return 'none';
    return user.status === 'ACTIVE' ? 'suspend' : 'deactivate';
  }
  if (user.status === 'SUSPENDED') return 'unsuspend';
  // In the remaining statuses the person can go on alone; asking again would void a link that was sent to them.
  return user.status === 'STAGED' || user.status === 'DEPROVISIONED' ? 'activate' : 'none';
}

export async function setLogin(
  api: OktaApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'setLogin';
  const transition = oktaTransition(await mustRead(api, operation, accountId, ctx), state);
  if (transition === 'none') return { outcome: 'unchanged', receipt: noReceipt };
  if (transition === 'wait') throw propagating(api, operation, 'a change of status is under way');
  const path = () => pathOf('api', 'v1', 'users', accountId, 'lifecycle', transition);
  const sendEmail = transition === 'activate' && api.sendActivationMail;
  const hasMail = transition === 'activate' || transition === 'deactivate';
  const params = () => (hasMail ? { sendEmail } : {});
  try {
    // The answer may hold an activation token: nothing of it is kept.
    const call = { operation, method: 'POST' as const, path, params, schema: z.unknown() };
    return { outcome: 'changed', receipt: (await api.client.call(call, ctx)).receipt };
  } catch (error) {
    if (!isConnectorError(error, 'precondition')) throw error;
    // Somebody else was faster, or the status changed in between: the next attempt decides on a new read.
    const now = oktaTransition(await mustRead(api, operation, accountId, ctx), state);
    if (now === 'none') return { outcome: 'unchanged', receipt: noReceipt };
    throw now === transition ? error : propagating(api, operation, 'the status changed meanwhile');
  }
}

function propagating({ client }: OktaApi, operation: string, message: string): ConnectorError {
  const detail = { systemId: client.systemId, operation, retryAfterMs: transitionRetryMs };
  return new ConnectorError('propagating', message, detail);
}
