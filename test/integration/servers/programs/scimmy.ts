/**
 * A SCIM server on scimmy-routers, in memory. Its storage is ours to write, and is the least that there can be; what it
 * answers, parses, filters and patches is theirs. Arguments: the folder of the packages, port, token.
 */
import { randomUUID } from 'node:crypto';
import { importFrom } from './import-from.ts';

interface Row {
  id: string;
  userName?: string;
  displayName?: string;
  meta: { created: Date; lastModified: Date };
}
interface Asked {
  id?: string;
  filter?: { match(rows: Row[]): Row[] };
}
interface Handlers {
  ingress(asked: Asked, data: Partial<Row>): Row;
  egress(asked: Asked): Row | Row[];
  degress(asked: Asked): void;
}
type Resource = { extend(schema: unknown): Resource };
interface Scimmy {
  Config: { set(config: object): void };
  Types: { Error: new (status: number, scimType: string | null, message: string) => Error };
  Schemas: { EnterpriseUser: unknown };
  Resources: { User: Resource; Group: Resource; declare(resource: Resource, handlers: Handlers): void };
}
type Handler = { header(name: string): string | undefined };
type Routers = new (options: { type: string; handler: (request: Handler) => string }) => unknown;
interface Express {
  use(path: string, router: unknown): void;
  listen(port: number, host: string): void;
}

const [folder = '', port = '', token = ''] = process.argv.slice(2);
const { default: SCIMMY } = await importFrom<{ default: Scimmy }>(folder, 'scimmy');
const { default: SCIMMYRouters } = await importFrom<{ default: Routers }>(folder, 'scimmy-routers');
const { default: express } = await importFrom<{ default: () => Express }>(folder, 'express');

function store(): Handlers {
  const rows = new Map<string, Row>();
  const missing = (id: string): Error => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
  const nameOf = (row: Partial<Row>): string => (row.userName ?? row.displayName ?? '').toLowerCase();
  return {
    ingress({ id: asked }, data) {
      const isTaken = [...rows.values()].some((row) => row.id !== asked && nameOf(row) === nameOf(data));
      if (isTaken) throw new SCIMMY.Types.Error(409, 'uniqueness', 'the name is taken');
      if (asked !== undefined && !rows.has(asked)) throw missing(asked);
      const now = new Date();
      const id = asked ?? randomUUID();
      const values = JSON.parse(JSON.stringify(data)) as object;
      const row = { ...values, id, meta: { created: rows.get(id)?.meta.created ?? now, lastModified: now } };
      rows.set(id, row);
      return row;
    },
    egress({ id, filter }) {
      if (id === undefined) return filter === undefined ? [...rows.values()] : filter.match([...rows.values()]);
      const row = rows.get(id);
      if (row === undefined) throw missing(id);
      return row;
    },
    degress({ id }) {
      if (!rows.delete(id ?? '')) throw missing(id ?? '');
    },
  };
}

SCIMMY.Config.set({ patch: true, filter: { supported: true, maxResults: 200 }, sort: true, etag: true });
SCIMMY.Resources.declare(SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser), store());
SCIMMY.Resources.declare(SCIMMY.Resources.Group, store());
const app = express();
const handler = (request: Handler): string => {
  if (request.header('Authorization') !== `Bearer ${token}`) throw new Error('Authorization not detected!');
  return 'usher';
};
app.use('/scim/v2', new SCIMMYRouters({ type: 'bearer', handler }));
app.listen(Number(port), '127.0.0.1');
