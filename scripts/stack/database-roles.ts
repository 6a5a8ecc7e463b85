/**
 * The three roles of an Usher database and the database itself. The owner migrates; the running roles hold only what
 * the migrations grant them. Idempotent: an existing role gets the given password again.
 */
import pg from 'pg';

export interface RolePasswords {
  owner: string;
  server: string;
  worker: string;
}

export interface DatabaseUrls {
  ownerUrl: string;
  serverUrl: string;
  workerUrl: string;
}

export const roleNames = { owner: 'usher_owner', server: 'usher_server', worker: 'usher_worker' } as const;

/** Runs `work` on one connection and closes it. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** URLs of the three roles on `database`, on the server that `adminUrl` names. */
export function databaseUrls(adminUrl: string, database: string, passwords: RolePasswords): DatabaseUrls {
  const url = (role: keyof RolePasswords): string => {
    const result = new URL(adminUrl);
    result.username = roleNames[role];
    result.password = encodeURIComponent(passwords[role]);
    result.pathname = `/${database}`;
    return result.href;
  };
  return { ownerUrl: url('owner'), serverUrl: url('server'), workerUrl: url('worker') };
}

/** Creates the roles, or sets their passwords when they exist. */
export async function ensureRoles(client: pg.Client, passwords: RolePasswords): Promise<void> {
  for (const role of ['owner', 'server', 'worker'] as const) {
    const name = client.escapeIdentifier(roleNames[role]);
    const existing = await client.query('select 1 from pg_roles where rolname = $1', [roleNames[role]]);
    if (existing.rowCount === 0) await client.query(`create role ${name}`);
    await client.query(`alter role ${name} with login password ${client.escapeLiteral(passwords[role])}`);
  }
}

/** Creates the database for the owner when it is missing; `template` names one to copy. Others may not connect. */
export async function ensureDatabase(client: pg.Client, database: string, template?: string): Promise<void> {
  const existing = await client.query('select 1 from pg_database where datname = $1', [database]);
  const name = client.escapeIdentifier(database);
  const { owner, server, worker } = roleNames;
  if (existing.rowCount === 0) {
    const from = template === undefined ? '' : ` template ${client.escapeIdentifier(template)}`;
    // A managed server's administrator is no superuser and may own for a role only as its member.
    await client.query(`grant ${owner} to current_user`);
    await client.query(`create database ${name} owner ${owner}${from}`);
  }
  await client.query(`revoke all on database ${name} from public`);
  await client.query(`grant connect on database ${name} to ${server}, ${worker}`);
}
