/**
 * What a process makes of each call at a vendor: a line at level debug, a counter and a histogram, and a span of the running
 * trace. Labels come from closed sets (systems and operations of the policy and its connectors, codes of failures).
 */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { CallWatcher } from '../connectors/kit/call-watcher.ts';
import type { Logger } from '../telemetry.ts';
import { startClientSpan } from './tracing.ts';
import { SpanStatusCode } from '@opentelemetry/api';

const DURATION_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];

/** Registers both metrics and answers the watcher for the connector pool. */
export function createCallWatcher(log: Logger, registry: Registry): CallWatcher {
  const labelNames = ['system', 'operation', 'outcome'] as const;
  const calls = new Counter({
    name: 'usher_connector_calls_total',
    help: 'Calls at vendors, by how they ended (ok, or the class of the failure).',
    labelNames,
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'usher_connector_call_seconds',
    help: 'How long calls at vendors took.',
    labelNames,
    buckets: DURATION_BUCKETS_S,
    registers: [registry],
  });
  return ({ systemId, operation, method }) => {
    const span = startClientSpan(`${systemId} ${operation}`, {
      'usher.system': systemId,
      'usher.operation': operation,
      'http.request.method': method,
    });
    return ({ outcome, status, durationMs, vendorRequestId }) => {
      const labels = { system: systemId, operation, outcome };
      calls.inc(labels);
      durations.observe(labels, durationMs / 1_000);
      span.setAttribute('usher.outcome', outcome);
      if (status !== null) span.setAttribute('http.response.status_code', status);
      if (outcome !== 'ok') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      const line = { system: systemId, operation, method, outcome, status, durationMs: Math.round(durationMs) };
      log.debug({ ...line, vendorRequestId }, 'call at a system');
    };
  };
}
