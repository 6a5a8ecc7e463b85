/**
 * Google's discovery documents as OpenAPI 3, for the contract gate. What they leave to convention is added: parameters
 * of every method, answers of refusal (whose bodies they do not describe), OAuth as the only credentials.
 * https://developers.google.com/discovery/v1/reference/apis
 */
import { isNode, type Node, nodeAt, type OpenApiDocument } from './description/document.ts';

/** Throws an Error where the text is no discovery document. */
export function parseDiscovery(text: string): OpenApiDocument {
  const discovery: unknown = JSON.parse(text);
  if (!isNode(discovery) || typeof discovery['discoveryVersion'] !== 'string') {
    throw new Error('This is no discovery document of Google.');
  }
  const paths: Record<string, Node> = {};
  for (const method of methodsOf(discovery)) {
    const template = `/${String(method['path'])}`.replaceAll('{+', '{');
    const verb = String(method['httpMethod']).toLowerCase();
    paths[template] = { ...paths[template], [verb]: operationOf(method, nodeAt(discovery, 'parameters')) };
  }
  return {
    openapi: '3.0.3',
    info: { title: discovery['title'], version: discovery['version'] },
    servers: [{ url: String(discovery['baseUrl']) }],
    paths,
    components: {
      schemas: mapValues(nodeAt(discovery, 'schemas'), schemaOf),
      securitySchemes: { oauth2: { type: 'oauth2', flows: {} } },
    },
    security: [{ oauth2: [] }],
  };
}

function methodsOf(resource: Node): Node[] {
  const own = Object.values(nodeAt(resource, 'methods')).filter(isNode);
  const inner = Object.values(nodeAt(resource, 'resources')).filter(isNode);
  return [...own, ...inner.flatMap(methodsOf)];
}

function operationOf(method: Node, common: Node): Node {
  const parameters = Object.entries({ ...common, ...nodeAt(method, 'parameters') }).map(([name, parameter]) => {
    const { location, required, ...schema } = isNode(parameter) ? parameter : {};
    return { name, in: location, required: required === true, schema: schemaOf(schema) };
  });
  const contentOf = (member: string) => {
    const { $ref } = nodeAt(method, member);
    return $ref === undefined ? {} : { content: { 'application/json': { schema: reference($ref) } } };
  };
  const requestBody =
    method['request'] === undefined ? {} : { requestBody: { required: true, ...contentOf('request') } };
  const answer = { description: 'success', ...contentOf('response') };
  const isEmpty = method['response'] === undefined;
  const refusals = { '4XX': { description: 'refused' }, '5XX': { description: 'failed' } };
  return { parameters, ...requestBody, responses: { 200: answer, ...(isEmpty ? { 204: answer } : {}), ...refusals } };
}

const reference = (name: unknown): Node => ({ $ref: `#/components/schemas/${String(name)}` });

/** JSON Schema of draft 3 as Google uses it: `any`, bounds as texts, references by name, `required` on the member. */
function schemaOf(schema: unknown): Node {
  if (!isNode(schema)) return {};
  if (schema['$ref'] !== undefined) return reference(schema['$ref']);
  const { type, format, properties, items, additionalProperties, minimum, maximum, readOnly } = schema;
  return {
    ...(type === 'any' || type === undefined ? {} : { type }),
    ...(format === undefined ? {} : { format }),
    ...(Array.isArray(schema['enum']) ? { enum: schema['enum'] } : {}),
    ...(isNode(properties) ? { properties: mapValues(properties, schemaOf) } : {}),
    ...(items === undefined ? {} : { items: schemaOf(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: schemaOf(additionalProperties) }),
    ...(minimum === undefined ? {} : { minimum: Number(minimum) }),
    ...(maximum === undefined ? {} : { maximum: Number(maximum) }),
    ...(readOnly === true ? { readOnly: true } : {}),
  };
}

function mapValues(node: Node, map: (value: unknown) => Node): Node {
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, map(value)]));
}
