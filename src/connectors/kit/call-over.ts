/** Calls over transports that are not HTTP, under the same rules: one budget, a bound in time, one watcher, closed errors. */
import { type CallDeps, timeoutMsOf } from './call-deps.ts';
import type { CallContext, ConnectorRuntime, ForeignCall } from './contract.ts';
import { ConnectorError } from './errors.ts';

/** Makes `callOver` for one system. */
export function createCallOver(deps: CallDeps): ConnectorRuntime<unknown>['callOver'] {
  const timeoutMs = timeoutMsOf(deps);
  return async (call, send, ctx) => {
    const { systemId, watchCall } = deps;
    const startedAtMs = performance.now();
    const finish = watchCall?.({ systemId, operation: call.operation, method: call.method });
    const end = (outcome: 'ok' | ConnectorError['code']): void =>
      finish?.({ outcome, status: null, vendorRequestId: null, durationMs: performance.now() - startedAtMs });
    try {
      const result = await bounded(call, send, { deps, timeoutMs, ctx });
      end('ok');
      return result;
    } catch (error) {
      const failure = error instanceof ConnectorError ? error : unexpected(call, systemId);
      end(failure.code);
      throw failure;
    }
  };
}

async function bounded<T>(
  call: ForeignCall,
  send: (signal: AbortSignal) => Promise<T>,
  { deps, timeoutMs, ctx }: { deps: CallDeps; timeoutMs: number; ctx: CallContext },
): Promise<T> {
  const detail = { systemId: deps.systemId, operation: call.operation };
  const taken = await deps.rateLimiter.take();
  if (ctx.signal?.aborted === true) throw new ConnectorError('transient', 'cancelled before the call was sent', detail);
  if (!taken.ok) {
    throw new ConnectorError('throttled', 'own rate limit reached', { ...detail, retryAfterMs: taken.retryAfterMs });
  }
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = ctx.signal === undefined ? timeout : AbortSignal.any([ctx.signal, timeout]);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    const what = timeout.aborted ? 'time-out' : 'cancelled while the call was under way';
    reject(new ConnectorError(call.isWrite ? 'unknownOutcome' : 'transient', what, detail));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([send(signal), ended]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** What a library threw may quote values: only the fact goes on. */
function unexpected(call: ForeignCall, systemId: string): ConnectorError {
  const code = call.isWrite ? 'unknownOutcome' : 'transient';
  return new ConnectorError(code, 'the call failed in an unexpected way', { systemId, operation: call.operation });
}
