/** One call and its answer against the description: path, parameters, credentials, bodies, status. */
import type { Exchange } from '../../../sandbox/exchange.ts';
import {
  findOperation,
  isNode,
  listAt,
  matchPath,
  type Node,
  nodeAt,
  type OpenApiDocument,
  type Operation,
  resolveNode,
} from './document.ts';
import { checkParameters } from './parameters.ts';
import type { Direction } from './schemas.ts';
import type { Misfit, Validator } from './validator.ts';

/** Something that the description does not allow. */
export interface Breach {
  /** Method and path as the description has them. */
  operation: string;
  /** `query/limit`, `request body/profile/login`, `answer 200 body/id`, `answer 418 status`. */
  place: string;
  expected: string;
}

export interface Undescribed {
  method: string;
  /** With `{name}` for what varies. */
  path: string;
  reason: string;
}

export interface ExchangeRules {
  documents: { document: OpenApiDocument; validator: Validator }[];
  basePath: string | undefined;
  undescribed: Undescribed[];
}

/**
 * All breaches of one exchange, and whether the description was asked at all. An answer that a fault changed is held
 * against the description only where it describes that status and the body was left whole.
 */
export function checkExchange(exchange: Exchange, rules: ExchangeRules): { isDescribed: boolean; breaches: Breach[] } {
  const { method, path } = exchange;
  const operation = findOperation(
    rules.documents.map(({ document }) => document),
    { method, path, basePath: rules.basePath },
  );
  if (operation === null) {
    const isKnown = rules.undescribed.some((each) => each.method === method && matchPath(each.path, path) !== null);
    const expected = 'the description has no such operation (name it in `undescribed` with a reason)';
    return {
      isDescribed: false,
      breaches: isKnown ? [] : [{ operation: `${method} ${path}`, place: 'path', expected }],
    };
  }
  const validator = rules.documents.find(({ document }) => document === operation.document)?.validator;
  if (validator === undefined) throw new Error('The operation is of no document.');
  const misfits = [...checkRequest(exchange, operation, validator), ...checkAnswer(exchange, operation, validator)];
  return { isDescribed: true, breaches: misfits.map((misfit) => ({ operation: operation.name, ...misfit })) };
}

function checkRequest(exchange: Exchange, operation: Operation, validator: Validator): Misfit[] {
  const { node, document } = operation;
  const misfits = [...checkParameters(exchange, operation, validator), ...checkCredentials(exchange, operation)];
  const body = resolveNode(document, node['requestBody']);
  if (exchange.requestBody === '') {
    return body['required'] === true ? [...misfits, { place: 'request body', expected: 'is missing' }] : misfits;
  }
  if (node['requestBody'] === undefined) return [...misfits, { place: 'request body', expected: 'none is described' }];
  const text = { type: exchange.requestHeaders.get('content-type'), body: exchange.requestBody };
  return [...misfits, ...checkBody(text, body, { place: 'request', direction: 'request', validator })];
}

function checkAnswer({ answer, fault }: Exchange, { node, document }: Operation, validator: Validator): Misfit[] {
  if (answer === null || fault === 'malformed') return [];
  const { status } = answer;
  const responses = nodeAt(node, 'responses');
  const described = responses[status] ?? responses[`${String(status)[0]}XX`] ?? responses['default'];
  if (described === undefined) {
    const isOnPurpose = fault === 'status' || fault === 'throttle' || fault === 'down';
    const expected = `must be one of ${Object.keys(responses).join(', ')}`;
    return isOnPurpose ? [] : [{ place: `answer ${status} status`, expected }];
  }
  const response = resolveNode(document, described);
  const place = `answer ${status}`;
  const text = { type: answer.headers.get('content-type'), body: answer.body };
  // Descriptions leave out what errors look like; what an answer of success holds, they say.
  if (text.body === '' || (status >= 400 && response['content'] === undefined)) return [];
  return checkBody(text, response, { place, direction: 'answer', validator });
}

interface BodyCheck {
  place: string;
  direction: Direction;
  validator: Validator;
}

function checkBody(
  { type, body }: { type: string | null; body: string },
  described: Node,
  { place, direction, validator }: BodyCheck,
): Misfit[] {
  const content = nodeAt(described, 'content');
  const kinds = Object.keys(content);
  if (kinds.length === 0) return [{ place: `${place} body`, expected: 'must be empty' }];
  const mime = (type ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const media = kinds.find((kind) => isMediaRange(kind, mime));
  if (media === undefined) {
    return [{ place: `${place} content-type`, expected: `must be ${kinds.join(' or ')}, is ${mime || 'missing'}` }];
  }
  const { schema } = nodeAt(content, media);
  const isForm = mime === 'application/x-www-form-urlencoded';
  if (schema === undefined || !(isForm || isJson(mime))) return [];
  const value = isForm ? Object.fromEntries(new URLSearchParams(body)) : parseJson(body);
  if (value === undefined) return [{ place: `${place} body`, expected: 'must be JSON' }];
  return validator
    .check(schema, value, { direction, asText: isForm })
    .map((misfit) => ({ ...misfit, place: `${place} body${misfit.place}` }));
}

function isMediaRange(kind: string, mime: string): boolean {
  const range = kind.split(';')[0]?.trim().toLowerCase() ?? '';
  return range === '*/*' || range === mime || (range.endsWith('/*') && mime.startsWith(range.slice(0, -1)));
}

function isJson(mime: string): boolean {
  return mime === 'application/json' || mime.endsWith('+json');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Some credentials of a kind that the description names; whether they are right is the sandbox's affair. */
function checkCredentials({ requestHeaders, query }: Exchange, { node, document }: Operation): Misfit[] {
  const demanded = Array.isArray(node['security']) ? node['security'] : listAt(document, 'security');
  const alternatives = demanded.filter(isNode).map((each) => Object.keys(each));
  if (alternatives.length === 0 || alternatives.some((names) => names.length === 0)) return [];
  const schemes = nodeAt(nodeAt(document, 'components'), 'securitySchemes');
  const isGiven = (name: string): boolean => {
    const scheme = resolveNode(document, schemes[name]);
    const authorization = requestHeaders.get('authorization') ?? '';
    if (scheme['type'] === 'apiKey' && scheme['in'] === 'query') {
      return new URLSearchParams(query).has(String(scheme['name']));
    }
    if (scheme['type'] === 'apiKey') return requestHeaders.has(String(scheme['name']));
    const kind = scheme['type'] === 'http' ? String(scheme['scheme']).toLowerCase() : 'bearer';
    return authorization.toLowerCase().startsWith(`${kind} `);
  };
  if (alternatives.some((names) => names.every(isGiven))) return [];
  return [
    { place: 'credentials', expected: `must be ${alternatives.map((names) => names.join(' and ')).join(' or ')}` },
  ];
}
