/**
 * OpenAPI schemas as JSON Schema 2020-12, once for requests and once for answers. Stricter than the letter: an object
 * whose members are described holds no others, unless the description allows them; a member that is read-only is not
 * sent, one that is write-only does not come back.
 */
import { isNode, listAt, type Node, nodeAt, type OpenApiDocument, resolveNode } from './document.ts';

export type Direction = 'request' | 'answer';

export type JsonSchema = Node | boolean;

/** The validator's own keyword: the members that an object may have. */
export const membersKeyword = 'describedMembers';

const componentPrefix = '#/components/schemas/';
const combiners = ['allOf', 'anyOf', 'oneOf'] as const;

/** Says where a component of the document stands in the validator: one name for each document and direction. */
export type ReferenceOf = (component: string) => string;

/** Everything below `components.schemas`, as `$defs`. */
export function componentSchemas(document: OpenApiDocument, direction: Direction, referenceOf: ReferenceOf): Node {
  const components = nodeAt(nodeAt(document, 'components'), 'schemas');
  const translate = translator(document, direction, referenceOf);
  return Object.fromEntries(Object.entries(components).map(([name, schema]) => [name, translate.open(schema)]));
}

/** A schema as it stands at a place of its own: closed. */
export function placeSchema(
  document: OpenApiDocument,
  schema: unknown,
  { direction, referenceOf }: { direction: Direction; referenceOf: ReferenceOf },
): JsonSchema {
  return translator(document, direction, referenceOf).place(schema);
}

function translator(document: OpenApiDocument, direction: Direction, referenceOf: ReferenceOf) {
  const forbidding = direction === 'request' ? 'readOnly' : 'writeOnly';
  const isForbidden = (schema: unknown): boolean => hasMark(document, schema, forbidding);

  /** Without a word about further members: what is combined into another schema. */
  function open(schema: unknown): JsonSchema {
    if (!isNode(schema)) return schema !== false;
    const { $ref } = schema;
    if (typeof $ref === 'string') return nullable(schema, reference($ref));
    const translated: Node = { ...withoutAnnotations(schema), ...bounds(schema), ...members(schema) };
    for (const combiner of combiners) {
      if (Array.isArray(schema[combiner])) translated[combiner] = listAt(schema, combiner).map(open);
    }
    if (isNode(schema['discriminator']) && Array.isArray(schema['oneOf'])) Object.assign(translated, chosenBy(schema));
    for (const keyword of ['not', 'if', 'then', 'else', 'contains'] as const) {
      if (schema[keyword] !== undefined) translated[keyword] = open(schema[keyword]);
    }
    return nullable(schema, translated);
  }

  /** A member that says which alternative it is decides alone: several may fit, as far as JSON Schema goes. */
  function chosenBy(schema: Node): Node {
    const { propertyName } = nodeAt(schema, 'discriminator');
    const name = String(propertyName);
    const choices = Object.entries(nodeAt(nodeAt(schema, 'discriminator'), 'mapping')).map(([value, target]) => {
      const isChosen = { type: 'object', required: [name], properties: { [name]: { enum: [value] } } };
      const $ref = String(target).startsWith('#') ? String(target) : `${componentPrefix}${String(target)}`;
      return { if: { not: isChosen }, else: place({ $ref }) };
    });
    const alternatives = listAt(schema, 'oneOf').map(open);
    return { oneOf: undefined, anyOf: alternatives, allOf: [...listAt(schema, 'allOf').map(open), ...choices] };
  }

  function reference($ref: string): JsonSchema {
    const component = $ref.startsWith(componentPrefix) ? $ref.slice(componentPrefix.length) : null;
    // What stands elsewhere in the document is copied; only components may refer to themselves.
    return component === null || component.includes('/')
      ? open(resolveNode(document, { $ref }))
      : { $ref: referenceOf(component) };
  }

  function place(schema: unknown): JsonSchema {
    const translated = open(schema);
    const members = isNode(translated) ? describedMembers(document, schema) : null;
    return members === null || !isNode(translated) ? translated : { ...translated, [membersKeyword]: members };
  }

  function members(schema: Node): Node {
    const found: Node = {};
    const properties = Object.entries(nodeAt(schema, 'properties'));
    if (properties.length > 0) {
      found['properties'] = Object.fromEntries(
        properties.map(([name, property]) => [name, isForbidden(property) ? false : place(property)]),
      );
    }
    if (Array.isArray(schema['required'])) {
      const isAsked = (name: unknown) => !isForbidden(nodeAt(schema, 'properties')[String(name)]);
      found['required'] = [...new Set(schema['required'])].filter(isAsked);
    }
    for (const keyword of ['items', 'additionalProperties'] as const) {
      if (isNode(schema[keyword])) found[keyword] = place(schema[keyword]);
    }
    if (Array.isArray(schema['prefixItems'])) found['prefixItems'] = listAt(schema, 'prefixItems').map(place);
    for (const keyword of ['patternProperties', '$defs'] as const) {
      if (!isNode(schema[keyword])) continue;
      found[keyword] = Object.fromEntries(Object.entries(schema[keyword]).map(([name, each]) => [name, place(each)]));
    }
    return found;
  }

  return { open, place };
}

/** OpenAPI 3.0 says `nullable` beside the type, JSON Schema has a type of its own for it. */
function nullable(schema: Node, translated: JsonSchema): JsonSchema {
  if (schema['nullable'] !== true || !isNode(translated)) return translated;
  const isPlain = typeof translated['type'] === 'string' && !combiners.some((combiner) => combiner in translated);
  if (!isPlain) return { if: { type: 'null' }, else: translated };
  const { type, enum: values } = translated;
  return {
    ...translated,
    type: [type, 'null'],
    ...(Array.isArray(values) && !values.includes(null) ? { enum: [...(values as unknown[]), null] } : {}),
  };
}

/** OpenAPI 3.0 has exclusive bounds as a mark on the bound. */
function bounds(schema: Node): Node {
  const found: Node = {};
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof schema[exclusive] !== 'boolean') continue;
    found[exclusive] = schema[exclusive] ? schema[bound] : undefined;
  }
  return found;
}

/** Left out: what means something else in JSON Schema, or nothing. */
const annotations = new Set([
  'nullable',
  'discriminator',
  'readOnly',
  'writeOnly',
  'example',
  'examples',
  'default',
  'xml',
  'externalDocs',
  'deprecated',
  'description',
  'title',
  '$schema',
  '$id',
  'id',
]);

function withoutAnnotations(schema: Node): Node {
  const { type } = schema;
  // A type of OpenAPI's ancestors: no such thing is said about the bytes of a file.
  const kept = Object.entries(schema).filter(([name]) => !annotations.has(name) && !name.startsWith('x-'));
  return Object.fromEntries(type === 'file' ? kept.filter(([name]) => name !== 'type') : kept);
}

/** The mark on the schema itself, on what it refers to, or on a part of what it is combined of. */
function hasMark(document: OpenApiDocument, schema: unknown, mark: string): boolean {
  if (!isNode(schema)) return false;
  if (schema[mark] === true) return true;
  if (typeof schema['$ref'] === 'string') return hasMark(document, resolveNode(document, schema), mark);
  return listAt(schema, 'allOf').some((part) => isNode(part) && part[mark] === true);
}

/**
 * The members that an object may have, over all that it is combined of; null where others are allowed: none is described,
 * the description says so, or there is a discriminator, whose further kinds a cut description may lack.
 */
function describedMembers(document: OpenApiDocument, schema: unknown): string[] | null {
  const names = new Set<string>();
  const seen = new Set<unknown>();
  let isOpen = false;
  const look = (each: unknown): void => {
    const node = resolveNode(document, each);
    if (seen.has(node)) return;
    seen.add(node);
    const { additionalProperties: further } = node;
    isOpen ||=
      further === true || isNode(further) || isNode(node['patternProperties']) || isNode(node['discriminator']);
    for (const name of Object.keys(nodeAt(node, 'properties'))) names.add(name);
    for (const combiner of combiners) listAt(node, combiner).forEach(look);
    for (const branch of ['then', 'else']) if (isNode(node[branch])) look(node[branch]);
  };
  look(schema);
  return isOpen || names.size === 0 ? null : [...names];
}
