/**
 * Traces by OpenTelemetry, off unless a collector is named. One trace goes from the webhook through derivation, delivery,
 * workflow and activity to the call at a vendor: between processes it travels as a `traceparent` in rows and headers.
 * Attributes are ids, codes and names of operations, never values of a person.
 */
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { AsyncContextManager } from './context-manager.ts';
import { redactingExporter } from './redacting-exporter.ts';

const EXPORT_TIMEOUT_MS = 5_000;
const EXPORT_EVERY_MS = 2_000;
const SPANS_PER_EXPORT_MAX = 512;
const SPANS_WAITING_MAX = 8_192;

export interface Tracing {
  isOn: boolean;
  /** Sends what is waiting, for at most a few seconds; never rejects. */
  stop(): Promise<void>;
}

/** `otlpUrl` is the base address of an OTLP collector over HTTP (`/v1/traces` is added), or null for no traces. Once a process. */
export function startTracing(service: 'usher-server' | 'usher-worker', otlpUrl: string | null): Tracing {
  if (otlpUrl === null) return { isOn: false, stop: () => Promise.resolve() };
  const exporter = new OTLPTraceExporter({
    url: `${otlpUrl.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new BasicTracerProvider({
    resource: new Resource({ 'service.name': service }),
    spanProcessors: [
      new BatchSpanProcessor(redactingExporter(exporter), {
        scheduledDelayMillis: EXPORT_EVERY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
        maxExportBatchSize: SPANS_PER_EXPORT_MAX,
        maxQueueSize: SPANS_WAITING_MAX,
      }),
    ],
  });
  provider.register({ contextManager: new AsyncContextManager(), propagator: new W3CTraceContextPropagator() });
  return { isOn: true, stop: () => provider.shutdown().catch(() => undefined) };
}

const tracer = () => trace.getTracer('usher');

export interface SpanOptions {
  attributes?: Attributes;
  kind?: SpanKind;
  /** A `traceparent` that was stored: the span continues its trace. Null or malformed: a trace of its own. */
  parent?: string | null;
}

/** Runs `body` inside a span, of the running trace unless `parent` is given. A failure marks the span and goes on. */
export async function inSpan<T>(name: string, options: SpanOptions, body: (span: Span) => Promise<T>): Promise<T> {
  const { attributes = {}, kind = SpanKind.INTERNAL } = options;
  const around = options.parent === undefined ? context.active() : contextOf(options.parent);
  return tracer().startActiveSpan(name, { attributes, kind }, around, async (span) => {
    try {
      return await body(span);
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Starts a span of the running trace that somebody else ends. */
export function startClientSpan(name: string, attributes: Attributes): Span {
  return tracer().startSpan(name, { attributes, kind: SpanKind.CLIENT });
}

/** Marks the span as failed, with the name of the error alone. */
export function markFailed(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
}

/** The running trace as W3C `traceparent`, or null when there is none. */
export function currentTraceparent(): string | null {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent ?? null;
}

/** The id of the running trace, or null. */
export function currentTraceId(): string | null {
  const id = trace.getSpanContext(context.active());
  return id?.traceId ?? null;
}

function contextOf(traceparent: string | null): Context {
  return traceparent === null ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent });
}
