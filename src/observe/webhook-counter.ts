/** Counts the webhooks that this process answered. */
import { Counter, type Registry } from 'prom-client';

export function createWebhookCounter(registry: Registry) {
  const counter = new Counter({
    name: 'usher_webhooks_total',
    help: 'Webhooks answered by this process: accepted, repeated (a replay) or refused.',
    labelNames: ['source', 'outcome'] as const,
    registers: [registry],
  });
  return (source: string, outcome: 'accepted' | 'repeated' | 'refused'): void => counter.inc({ source, outcome });
}
