/** Configuration of a process, from its environment. Every missing or malformed value is named with what was expected. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Port = z.coerce.number().int().min(0).max(65_535);
const Url = z.url('expected a URL');

const Common = z.object({
  USHER_DATA_DIR: z.string().min(1).default('data'),
  USHER_KEYS_DIR: z.string().min(1).optional(),
  USHER_DATABASE_URL: z.string().startsWith('postgres', 'expected a postgres:// URL'),
  USHER_TEMPORAL_ADDRESS: z.string().regex(/^[^:/]+:\d+$/, 'expected host:port'),
  USHER_TEMPORAL_NAMESPACE: z.string().min(1).default('usher'),
  USHER_SECRETS_FILE: z.string().min(1),
  /** Base address of an OpenTelemetry collector (OTLP over HTTP); without it there are no traces. */
  USHER_OTLP_URL: Url.optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: Url.optional(),
  /** Where the ports for metrics and health listen: on this machine only, unless a network keeps strangers out. */
  USHER_OBSERVE_HOST: z.string().min(1).default('127.0.0.1'),
  /** How long a process may finish what is under way after SIGTERM. */
  USHER_STOP_SECONDS: z.coerce.number().min(1).max(600).default(45),
  USHER_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Tests only: the point at which the process kills itself. */
  USHER_CRASH_POINT: z.string().optional(),
});

const ServerEnv = Common.extend({
  /** Private signing keys; default `signing` in the key folder. The worker must not be able to read it. */
  USHER_SIGNING_DIR: z.string().min(1).optional(),
  USHER_DATABASE_OWNER_URL: z.string().startsWith('postgres', 'expected a postgres:// URL').optional(),
  USHER_TEMPORAL_UI_URL: Url.optional(),
  USHER_HTTP_HOST: z.string().default('127.0.0.1'),
  USHER_HTTP_PORT: Port.default(4000),
  USHER_PUBLIC_URL: Url.optional(),
  USHER_MAILBOX_URL: Url.optional(),
  /** `/metrics`, `/healthz`, `/readyz` without a login; off unless given. */
  USHER_METRICS_PORT: Port.optional(),
  USHER_SMTP_URL: z.string().regex(/^smtps?:\/\//, 'expected smtp://host:port'),
  USHER_MAIL_FROM: z.string().min(3).default('Usher <usher@usher.invalid>'),
  USHER_POLICY_DIR: z.string().min(1),
  /** How many people stand behind a policy version. One is for trying Usher out. */
  USHER_POLICY_APPROVALS: z
    .enum(['1', '2'])
    .default('2')
    .transform((text): 1 | 2 => (text === '1' ? 1 : 2)),
  /** Archive of closed cases; default `archive` in the data folder. */
  USHER_ARCHIVE_DIR: z.string().min(1).optional(),
  USHER_POLL_SECONDS: z.coerce.number().min(1).max(86_400).default(60),
  /** The embedded default: activates the policy of the folder at the first start and writes operator profiles. */
  USHER_BOOTSTRAP: z.enum(['sandbox', 'none']).default('none'),
});
export type ServerConfig = z.infer<typeof ServerEnv> & { keysDir: string };

const WorkerEnv = Common.extend({
  /** `/healthz`, `/readyz` and `/metrics` of the worker; off unless given. */
  USHER_WORKER_HEALTH_PORT: Port.optional(),
  /** The engine's own metrics, in the format of Prometheus; off unless given. */
  USHER_WORKER_METRICS_PORT: Port.optional(),
  USHER_SERVER_URL: Url,
  USHER_MAX_CACHED_WORKFLOWS: z.coerce.number().int().min(1).default(1_000),
  /** A workflow bundle made before (see bundleWorkflows); without it the worker makes its own at start, in a second or two. */
  USHER_WORKFLOW_BUNDLE: z.string().min(1).optional(),
  USHER_CONSISTENCY_WINDOW_MS: z.coerce.number().int().min(0).optional(),
});
export type WorkerConfig = z.infer<typeof WorkerEnv> & { keysDir: string };

/** A configuration that cannot be used; the message lists every field at fault and no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function parse<T>(schema: z.ZodType<T>, env: NodeJS.ProcessEnv): T {
  const result = schema.safeParse(env);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`The environment does not fit:\n  ${lines.join('\n  ')}`);
}

export function readServerConfig(env: NodeJS.ProcessEnv): ServerConfig {
  const config = parse(ServerEnv, env);
  return { ...config, keysDir: config.USHER_KEYS_DIR ?? join(config.USHER_DATA_DIR, 'keys') };
}

export function readWorkerConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const config = parse(WorkerEnv, env);
  return { ...config, keysDir: config.USHER_KEYS_DIR ?? join(config.USHER_DATA_DIR, 'keys') };
}

/** Where traces go, or null. `USHER_OTLP_URL` wins over OpenTelemetry's own name for it. */
export function otlpUrlOf(
  config: Pick<z.infer<typeof Common>, 'USHER_OTLP_URL' | 'OTEL_EXPORTER_OTLP_ENDPOINT'>,
): string | null {
  return config.USHER_OTLP_URL ?? config.OTEL_EXPORTER_OTLP_ENDPOINT ?? null;
}

const Secrets = z.record(z.string(), z.record(z.string(), z.string()));

/** Secrets by system, read anew at each call, so that a rotated secret needs no restart. Errors never quote the file. */
export function readSecrets(file: string): z.infer<typeof Secrets> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new ConfigError(`USHER_SECRETS_FILE: expected a readable JSON file`);
  }
  const result = Secrets.safeParse(json);
  if (!result.success) throw new ConfigError('USHER_SECRETS_FILE: expected {"<system>": {"<name>": "<value>"}}');
  return result.data;
}
