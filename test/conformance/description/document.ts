/**
 * An API description as far as the gate reads it: operations found by method and path, and references resolved. OpenAPI
 * 3.0 and 3.1; Swagger 2 is converted first.
 */
import converter from 'swagger2openapi';

/** A schema, a parameter, a response: whatever an OpenAPI document holds, unread. */
export type Node = Record<string, unknown>;

/** An OpenAPI 3 document. */
export interface OpenApiDocument {
  openapi: string;
  paths: Record<string, Node>;
  [member: string]: unknown;
}

export interface Operation {
  document: OpenApiDocument;
  /** `GET /api/v1/users/{id}`: how exceptions name it. */
  name: string;
  /** The operation object. */
  node: Node;
  /** Resolved; those of the operation replace those of its path. */
  parameters: Node[];
  pathValues: Record<string, string>;
}

const methods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Member of a node as a node; empty where it is none. */
export function nodeAt(node: Node, member: string): Node {
  const value = node[member];
  return isNode(value) ? value : {};
}

export function listAt(node: Node, member: string): unknown[] {
  const value = node[member];
  return Array.isArray(value) ? value : [];
}

/** Parses a description. Throws an Error that says what it holds where it is neither OpenAPI 3 nor Swagger 2. */
export async function parseDescription(text: string): Promise<OpenApiDocument> {
  const parsed: unknown = JSON.parse(text);
  if (isNode(parsed) && parsed['swagger'] === '2.0') {
    // The converter writes into what it is given; that is nobody else's.
    const { openapi } = await converter.convertObj(parsed, { patch: true, warnOnly: true });
    return asOpenApi(openapi);
  }
  return asOpenApi(parsed);
}

function asOpenApi(value: unknown): OpenApiDocument {
  if (!isNode(value) || !/^3\.[01]\./.test(String(value['openapi'])) || !isNode(value['paths'])) {
    throw new Error('The description is neither OpenAPI 3.0 or 3.1 nor Swagger 2.0: give `convert`.');
  }
  return value as unknown as OpenApiDocument;
}

/** What a JSON pointer of the same document names (RFC 6901). Throws where nothing is there. */
export function resolvePointer(document: OpenApiDocument, ref: string): unknown {
  if (!ref.startsWith('#/')) throw new Error(`The reference ${ref} leads out of the description.`);
  const steps = ref
    .slice(2)
    .split('/')
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));
  let value: unknown = document;
  for (const step of steps) value = isNode(value) || Array.isArray(value) ? (value as Node)[step] : undefined;
  if (value === undefined) throw new Error(`The reference ${ref} leads nowhere.`);
  return value;
}

/** The node itself, or the one that its `$ref` names. */
export function resolveNode(document: OpenApiDocument, node: unknown): Node {
  let resolved: unknown = node;
  for (let hops = 0; isNode(resolved) && typeof resolved['$ref'] === 'string'; hops += 1) {
    if (hops > 50) throw new Error('The references of the description go round in circles.');
    resolved = resolvePointer(document, resolved['$ref']);
  }
  return isNode(resolved) ? resolved : {};
}

/** The path of the first server, without a slash at its end: `/scim/v2`. */
export function basePathOf(document: OpenApiDocument): string {
  const server = listAt(document, 'servers')[0];
  const url = isNode(server) ? server['url'] : undefined;
  if (typeof url !== 'string') return '';
  const path = url.replace(/^(?:[a-z]+:)?\/\/[^/]*/i, '');
  return path.replace(/\/+$/, '');
}

/** The operation of a call, the most literal path first; null where the description has none. */
export function findOperation(
  documents: OpenApiDocument[],
  { method, path, basePath }: { method: string; path: string; basePath: string | undefined },
): Operation | null {
  for (const document of documents) {
    const base = basePath ?? basePathOf(document);
    if (!path.startsWith(base)) continue;
    const found = findPath(document, method.toLowerCase(), path.slice(base.length));
    if (found !== null) return found;
  }
  return null;
}

function findPath(document: OpenApiDocument, method: string, path: string): Operation | null {
  const candidates = Object.entries(document.paths)
    .filter(([, item]) => methods.has(method) && isNode(item[method]))
    .map(([template, item]) => ({ template, item, values: matchPath(template, path) }))
    .filter(({ values }) => values !== null)
    .sort((a, b) => literalLength(b.template) - literalLength(a.template));
  const [best] = candidates;
  if (best === undefined || best.values === null) return null;
  const node = nodeAt(best.item, method);
  return {
    document,
    name: `${method.toUpperCase()} ${best.template}`,
    node,
    parameters: parametersOf(document, best.item, node),
    pathValues: best.values,
  };
}

function literalLength(template: string): number {
  return template.replace(/\{[^}]*\}/g, '').length;
}

/** The values of `{name}` in a path, or null where the path is another one. A value holds no slash. */
export function matchPath(template: string, path: string): Record<string, string> | null {
  const names: string[] = [];
  const pattern = template
    .split(/(\{[^}]+\})/)
    .map((part) => {
      if (!/^\{[^}]+\}$/.test(part)) return part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
      names.push(part.slice(1, -1));
      return '([^/]+)';
    })
    .join('');
  const match = new RegExp(`^${pattern}$`).exec(path);
  if (match === null) return null;
  return Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(match[index + 1] ?? '')]));
}

function parametersOf(document: OpenApiDocument, item: Node, node: Node): Node[] {
  const all = [...listAt(item, 'parameters'), ...listAt(node, 'parameters')].map((each) => resolveNode(document, each));
  return [...new Map(all.map((each) => [`${String(each['in'])} ${String(each['name'])}`, each])).values()];
}
