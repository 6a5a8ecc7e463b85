/** The environment of the company's own processes. Each gets the credentials of its role and no other's. */
import { join, resolve } from 'node:path';
import type { DatabaseUrls } from './database-roles.ts';
import { checkout, type DataFolder } from './data-folder.ts';

export const namespace = 'usher';

export interface Surroundings {
  folder: DataFolder;
  database: DatabaseUrls;
  temporalAddress: string;
  temporalUiUrl: string;
  httpPort: number;
  smtpUrl: string;
  mailboxUrl: string;
}

/** The caller's environment without what would lead a process elsewhere, or hand it a role that is not its own. */
export function plainEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isForeign = (name: string): boolean => /^(USHER_|TEMPORAL_|SANDBOX_|DATABASE_URL$|PG[A-Z])/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isForeign(name)));
}

export const serverUrl = (httpPort: number): string => `http://127.0.0.1:${httpPort}`;

/** Settings of the caller that pass: how the processes are watched. A port of one process is no other's. */
const watching = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    [
      'USHER_METRICS_PORT',
      'USHER_WORKER_HEALTH_PORT',
      'USHER_WORKER_METRICS_PORT',
      'USHER_OBSERVE_HOST',
      'USHER_OTLP_URL',
      'USHER_LOG_LEVEL',
    ].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );

/** The folder that `policy activate` reads. */
export const policyDirOf = (env: NodeJS.ProcessEnv): string =>
  resolve(checkout, env['USHER_POLICY_DIR'] ?? join('sandbox', 'policies'));

const common = ({ folder, temporalAddress, temporalUiUrl, httpPort, smtpUrl }: Surroundings): NodeJS.ProcessEnv => ({
  USHER_DATA_DIR: folder.dir,
  USHER_KEYS_DIR: folder.keys,
  USHER_TEMPORAL_ADDRESS: temporalAddress,
  USHER_TEMPORAL_NAMESPACE: namespace,
  USHER_TEMPORAL_UI_URL: temporalUiUrl,
  USHER_PUBLIC_URL: serverUrl(httpPort),
  USHER_SMTP_URL: smtpUrl,
});

/** Environment of `src/server.ts`: the HR secrets, and the owner's URL for the migrations. */
export const serverEnv = (env: NodeJS.ProcessEnv, around: Surroundings): NodeJS.ProcessEnv => ({
  ...plainEnv(env),
  ...watching(env),
  ...common(around),
  USHER_DATABASE_URL: around.database.serverUrl,
  USHER_DATABASE_OWNER_URL: around.database.ownerUrl,
  USHER_HTTP_PORT: String(around.httpPort),
  USHER_SECRETS_FILE: join(around.folder.secrets, 'server.json'),
  USHER_MAILBOX_URL: around.mailboxUrl,
  USHER_SIGNING_DIR: join(around.folder.dir, 'server-keys'),
  USHER_BOOTSTRAP: 'sandbox',
  // One person at one machine; everybody else keeps the default of two.
  USHER_POLICY_APPROVALS: '1',
  // This setting of the caller passes, too: whoever tries Usher on a system of their own brings a policy that names it.
  USHER_POLICY_DIR: policyDirOf(env),
  USHER_POLL_SECONDS: '20',
});

/** Environment of `src/worker.ts`: the secrets of target and ticketing systems. */
export const workerEnv = (env: NodeJS.ProcessEnv, around: Surroundings): NodeJS.ProcessEnv => ({
  ...plainEnv(env),
  ...watching(env),
  ...common(around),
  USHER_DATABASE_URL: around.database.workerUrl,
  USHER_SERVER_URL: serverUrl(around.httpPort),
  USHER_SECRETS_FILE: join(around.folder.secrets, 'worker.json'),
});

/** Environment of `sandbox/main.ts`, which knows nothing of Usher. */
export const sandboxEnv = (
  env: NodeJS.ProcessEnv,
  { folder, portBase }: { folder: DataFolder; portBase: number },
): NodeJS.ProcessEnv => ({
  ...plainEnv(env),
  USHER_DATA_DIR: folder.dir,
  SANDBOX_DATA_DIR: folder.sandbox,
  SANDBOX_PORT_BASE: String(portBase),
});
