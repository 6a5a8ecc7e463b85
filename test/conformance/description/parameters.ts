/** Query, header and path parameters of one call against the description. */
import type { Exchange } from '../../../sandbox/exchange.ts';
import { isNode, listAt, type Node, nodeAt, type OpenApiDocument, type Operation, resolveNode } from './document.ts';
import type { Misfit, Validator } from './validator.ts';

/** Headers that OpenAPI leaves to other parts of the description. */
const headersElsewhere = new Set(['accept', 'content-type', 'authorization']);

export function checkParameters(exchange: Exchange, operation: Operation, validator: Validator): Misfit[] {
  const search = new URLSearchParams(exchange.query);
  const used = new Set<string>(keysInQuery(operation));
  const misfits: Misfit[] = [];
  for (const parameter of operation.parameters) {
    const name = String(parameter['name']);
    const place = `${String(parameter['in'])}/${name}`;
    const value = valueOf(parameter, { search, used, exchange, operation });
    if (value === undefined) {
      const isElsewhere = parameter['in'] === 'header' && headersElsewhere.has(name.toLowerCase());
      if (parameter['required'] === true && !isElsewhere) misfits.push({ place, expected: 'is missing' });
      continue;
    }
    misfits.push(
      ...checkValue(parameter, value, validator).map((each) => ({ ...each, place: `${place}${each.place}` })),
    );
  }
  const unknown = [...new Set(search.keys())].filter((key) => !used.has(key));
  return [...misfits, ...unknown.map((key) => ({ place: `query/${key}`, expected: 'is not described' }))];
}

function checkValue(parameter: Node, value: unknown, validator: Validator): Misfit[] {
  const [media] = Object.values(nodeAt(parameter, 'content')).filter(isNode);
  if (media === undefined)
    return validator.check(parameter['schema'] ?? {}, value, { direction: 'request', asText: true });
  try {
    return validator.check(media['schema'] ?? {}, JSON.parse(String(value)), { direction: 'request' });
  } catch {
    return [{ place: '', expected: 'must be JSON' }];
  }
}

interface Source {
  search: URLSearchParams;
  /** Names in the query that a parameter has claimed; written here. */
  used: Set<string>;
  exchange: Exchange;
  operation: Operation;
}

/** As text, or as lists and objects of texts; undefined where it was not sent. */
function valueOf(parameter: Node, { search, used, exchange, operation }: Source): unknown {
  const name = String(parameter['name']);
  switch (parameter['in']) {
    case 'path':
      return operation.pathValues[name];
    case 'header':
      return headersElsewhere.has(name.toLowerCase()) ? undefined : (exchange.requestHeaders.get(name) ?? undefined);
    case 'query':
      return queryValueOf(parameter, operation.document, search, used);
    default:
      return undefined;
  }
}

function queryValueOf(parameter: Node, document: OpenApiDocument, search: URLSearchParams, used: Set<string>): unknown {
  const name = String(parameter['name']);
  const keys = [...new Set(search.keys())];
  if (parameter['style'] === 'deepObject') {
    const inside = keys.filter((key) => key.startsWith(`${name}[`) && key.endsWith(']'));
    inside.forEach((key) => used.add(key));
    const entries = inside.map((key) => {
      const [member = '', list] = key.slice(name.length + 1, -1).split('][');
      return [member, list === undefined ? search.get(key) : search.getAll(key)] as const;
    });
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  const [key] = [name, `${name}[]`].filter((each) => search.has(each));
  if (key === undefined) return undefined;
  used.add(key);
  const values = search.getAll(key);
  if (!isList(document, parameter['schema'])) return values.length > 1 ? values : values[0];
  if (parameter['explode'] !== false) return values;
  const separator = { spaceDelimited: ' ', pipeDelimited: '|' }[String(parameter['style'])] ?? ',';
  return values.flatMap((value) => value.split(separator));
}

function isList(document: OpenApiDocument, schema: unknown): boolean {
  const resolved = resolveNode(document, schema);
  const { type } = resolved;
  return type === 'array' || (Array.isArray(type) && type.includes('array'));
}

/** Credentials that travel in the query are described elsewhere. */
function keysInQuery({ document, node }: Operation): string[] {
  const demanded = Array.isArray(node['security']) ? (node['security'] as unknown[]) : listAt(document, 'security');
  const names = demanded.filter(isNode).flatMap((each) => Object.keys(each));
  const schemes = nodeAt(nodeAt(document, 'components'), 'securitySchemes');
  return names
    .map((name) => resolveNode(document, schemes[name]))
    .filter((scheme) => scheme['type'] === 'apiKey' && scheme['in'] === 'query')
    .map((scheme) => String(scheme['name']));
}
