/**
 * Stands before the exporter of spans: messages and stacks of errors stay here, since a library may quote an address or a
 * name in them. What leaves is the name of the span, its ids and codes, and the type of the error.
 */
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';

export function redactingExporter(exporter: SpanExporter): SpanExporter {
  return {
    export: (spans, done) => exporter.export(spans.map(redacted), done),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

/** The same span without the words of its errors. */
export function redacted(span: ReadableSpan): ReadableSpan {
  const events = span.events.map(({ name, time, attributes = {} }) => {
    const type = attributes['exception.type'];
    return { name, time, attributes: typeof type === 'string' ? { 'exception.type': type } : {} };
  });
  return Object.create(span, {
    events: { value: events, enumerable: true },
    status: { value: { code: span.status.code }, enumerable: true },
  }) as ReadableSpan;
}
