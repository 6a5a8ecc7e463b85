/**
 * From a definition and a system's configuration to a working connector. A definition need not come from the registry:
 * a benchmark or a company's own connector opens in the same way.
 */
import { z } from 'zod';
import type { ConnectorByKind, ConnectorDefinition } from './contract.ts';
import type { CallWatcher } from './call-watcher.ts';
import { ConnectorError } from './errors.ts';
import { createConnectorRuntime } from './http.ts';
import { createRateLimiter, type RateLimiter } from './rate-limit.ts';

export interface OpenOptions {
  systemId: string;
  /** After secrets were resolved; parsed here. */
  config: unknown;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Default: a bucket of its own with the manifest's rate. Open a system once, or share one limiter. */
  rateLimiter?: RateLimiter;
  /** Of one call. Default 10 s. */
  timeoutMs?: number;
  watchCall?: CallWatcher;
}

/** Throws `validation` where the configuration does not fit or the connector is of another kind; never quotes values. */
export function openConnector<Kind extends keyof ConnectorByKind>(
  kind: Kind,
  definition: ConnectorDefinition,
  options: OpenOptions,
): ConnectorByKind[Kind] {
  const { systemId, now } = options;
  const { manifest } = definition;
  const refuse = (message: string) => new ConnectorError('validation', message, { systemId, operation: 'open' });
  if (!isOfKind(definition, kind)) throw refuse(`the connector ${manifest.id} is not of the kind ${kind}`);
  const config = definition.configSchema.safeParse(options.config);
  if (!config.success) {
    const fields = config.error.issues.map((issue) => z.core.toDotPath(issue.path) || 'config');
    throw refuse(`the configuration does not fit: ${[...new Set(fields)].join(', ')}`);
  }
  const rateLimiter =
    options.rateLimiter ?? createRateLimiter({ callsPerMinute: manifest.ratePolicy.callsPerMinute, now });
  const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  const watch = options.watchCall === undefined ? {} : { watchCall: options.watchCall };
  const runtime = createConnectorRuntime({ systemId, config: config.data, rateLimiter, now, ...timeout, ...watch });
  return definition.create(runtime);
}

function isOfKind<Kind extends keyof ConnectorByKind>(
  definition: ConnectorDefinition,
  kind: Kind,
): definition is ConnectorDefinition<Kind> {
  return definition.manifest.kind === kind;
}
