/**
 * A SCIM server on @better-auth/scim with its memory adapter. Arguments: the folder of the packages, port, token.
 */
import { createServer, type RequestListener } from 'node:http';
import { importFrom } from './import-from.ts';

interface BetterAuth {
  betterAuth(options: object): unknown;
}
interface NodeParts {
  toNodeHandler(auth: unknown): RequestListener;
}
interface Memory {
  memoryAdapter(database: Record<string, unknown[]>): unknown;
}
interface Tables {
  getAuthTables(options: object): Record<string, { modelName: string }>;
}
interface Scim {
  scim(options: object): unknown;
}
interface Admin {
  admin(): unknown;
}

const [folder = '', port = '', token = ''] = process.argv.slice(2);
const { betterAuth } = await importFrom<BetterAuth>(folder, 'better-auth');
const { memoryAdapter } = await importFrom<Memory>(folder, 'better-auth/adapters/memory');
const { toNodeHandler } = await importFrom<NodeParts>(folder, 'better-auth/node');
const { admin } = await importFrom<Admin>(folder, 'better-auth/plugins');
const { getAuthTables } = await importFrom<Tables>(folder, 'better-auth/db');
const { scim } = await importFrom<Scim>(folder, '@better-auth/scim');

const database: Record<string, unknown[]> = {};
const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: 'x'.repeat(40),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  database: memoryAdapter(database),
  logger: { level: 'error' },
  plugins: [
    // What it takes to disable a user.
    admin(),
    scim({ connections: [{ id: 'usher', credentials: [{ type: 'bearer', id: 'usher', token }] }] }),
  ],
};
for (const { modelName } of Object.values(getAuthTables(options))) database[modelName] = [];
createServer(toNodeHandler(betterAuth(options))).listen(Number(port), '127.0.0.1');
