/**
 * SCIM 2.0 as an OpenAPI document: the schemas of RFC 7643 (as SCIM servers publish them at `/Schemas`) and the calls,
 * messages and statuses of RFC 7644. For `convert` of `openVendorDescription`.
 */
import { isNode, listAt, type Node, type OpenApiDocument } from './description/document.ts';

const coreUser = 'urn:ietf:params:scim:schemas:core:2.0:User';
const coreGroup = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const enterpriseUser = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const messages = 'urn:ietf:params:scim:api:messages:2.0';

/** `text`: a list of schema definitions. Throws where those of users and groups are not among them. */
export function scimDescription(text: string): OpenApiDocument {
  const parsed: unknown = JSON.parse(text);
  const definitions = (Array.isArray(parsed) ? parsed : []).filter(isNode);
  const attributesOf = (id: string): Node[] => {
    const definition = definitions.find((each) => each['id'] === id);
    if (definition === undefined) throw new Error(`The file has no SCIM schema ${id}.`);
    return listAt(definition, 'attributes').filter(isNode);
  };
  const user: Resource = {
    name: 'User',
    urn: coreUser,
    attributes: attributesOf(coreUser),
    required: ['userName'],
    extensions: { [enterpriseUser]: attributesOf(enterpriseUser) },
  };
  // RFC 7643 section 4.2 calls displayName required; the published schema says otherwise.
  const group: Resource = {
    name: 'Group',
    urn: coreGroup,
    attributes: attributesOf(coreGroup),
    required: ['displayName'],
    extensions: {},
  };
  return {
    openapi: '3.0.3',
    security: [{ bearer: [] }, { basic: [] }],
    paths: { ...pathsOf(user), ...pathsOf(group), ...discoveryPaths },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
      schemas: {
        ...Object.fromEntries([user, group].map((each) => [each.name, resourceSchema(each)])),
        ...Object.fromEntries([user, group].map((each) => [`${each.name}Patch`, patchSchema(each)])),
        Error: errorSchema,
      },
    },
  };
}

interface Resource {
  name: 'User' | 'Group';
  urn: string;
  attributes: Node[];
  required: string[];
  extensions: Record<string, Node[]>;
}

const string = { type: 'string' };
const urnList = (first: string): Node => ({ type: 'array', minItems: 1, items: string, contains: { enum: [first] } });

/** Common attributes (RFC 7643 section 3.1) and those of the schemas. */
function resourceSchema({ urn, attributes, required, extensions }: Resource): Node {
  const time = { type: 'string', format: 'date-time' };
  const meta = {
    resourceType: string,
    created: time,
    lastModified: time,
    location: { type: 'string', format: 'uri' },
    version: string,
  };
  return {
    type: 'object',
    required: ['schemas', 'id', ...required],
    properties: {
      schemas: urnList(urn),
      id: { type: 'string', minLength: 1, readOnly: true },
      externalId: string,
      meta: { type: 'object', properties: meta, readOnly: true },
      ...attributeProperties(attributes),
      ...Object.fromEntries(
        Object.entries(extensions).map(([extension, own]) => [
          extension,
          { type: 'object', properties: attributeProperties(own) },
        ]),
      ),
    },
  };
}

function attributeProperties(attributes: Node[]): Node {
  return Object.fromEntries(attributes.map((attribute) => [String(attribute['name']), attributeSchema(attribute)]));
}

/** RFC 7643 section 2.5: null and an empty list say that an attribute has no value. */
function attributeSchema(attribute: Node): Node {
  const isList = attribute['multiValued'] === true;
  const single = { ...valueSchema(attribute), ...(isList || attribute['required'] === true ? {} : { nullable: true }) };
  const schema = isList ? { type: 'array', items: single } : single;
  return {
    ...schema,
    ...(attribute['mutability'] === 'readOnly' ? { readOnly: true } : {}),
    ...(attribute['mutability'] === 'writeOnly' || attribute['returned'] === 'never' ? { writeOnly: true } : {}),
  };
}

function valueSchema(attribute: Node): Node {
  switch (attribute['type']) {
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer' };
    case 'decimal':
      return { type: 'number' };
    case 'dateTime':
      return { type: 'string', format: 'date-time' };
    case 'complex': {
      const own = listAt(attribute, 'subAttributes').filter(isNode);
      const required = own.filter((each) => each['required'] === true).map((each) => each['name']);
      return { type: 'object', properties: attributeProperties(own), ...(required.length === 0 ? {} : { required }) };
    }
    default:
      return string;
  }
}

function implies(condition: Node, consequence: Node): Node {
  return { if: { not: condition }, else: consequence };
}

/** RFC 7644 section 3.5.2: which paths there are, and what value belongs to each. */
function patchSchema(resource: Resource): Node {
  const { attributes, extensions } = resource;
  const targets = pathTargets(attributes, extensions);
  const filtered = attributes.filter((each) => each['multiValued'] === true).map((each) => String(each['name']));
  const forms = [
    ...[...targets.keys()].map(escaped),
    ...filtered.map((attribute) => `${escaped(attribute)}\\[.+\\](?:\\.[A-Za-z$]+)?`),
  ];
  const values = [...targets].map(([path, schema]) =>
    implies({ required: ['path', 'value'], properties: { path: { enum: [path] } } }, { properties: { value: schema } }),
  );
  const isRemoval = { required: ['op'], properties: { op: { enum: ['remove'] } } };
  // Without a path the value is a resource of which only some attributes are named.
  const { properties } = resourceSchema(resource);
  const partial = {
    type: 'object',
    properties: { ...(properties as Node), schemas: { type: 'array', items: string } },
  };
  const hasNoPath = { required: ['value'], not: { required: ['path'] } };
  return {
    type: 'object',
    required: ['schemas', 'Operations'],
    properties: {
      schemas: { type: 'array', minItems: 1, items: { enum: [`${messages}:PatchOp`] } },
      Operations: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          required: ['op'],
          properties: {
            op: { type: 'string', enum: ['add', 'remove', 'replace'] },
            path: { type: 'string', pattern: `^(?:${forms.join('|')})$` },
            value: {},
          },
          allOf: [
            implies(isRemoval, { required: ['path'] }),
            implies({ not: isRemoval }, { required: ['value'] }),
            implies(hasNoPath, { properties: { value: partial } }),
            ...values,
          ],
        },
      },
    },
  };
}

/** Attribute paths with the schema of their value; one of a list may come alone. */
function pathTargets(attributes: Node[], extensions: Record<string, Node[]>): Map<string, Node> {
  const targets = new Map<string, Node>([['externalId', string]]);
  const addAll = (prefix: string, own: Node[]): void => {
    for (const attribute of own) {
      if (attribute['mutability'] === 'readOnly') continue;
      const path = `${prefix}${String(attribute['name'])}`;
      const schema = attributeSchema(attribute);
      targets.set(path, attribute['multiValued'] === true ? { anyOf: [schema, valueSchema(attribute)] } : schema);
      if (attribute['multiValued'] === true) continue;
      for (const sub of listAt(attribute, 'subAttributes').filter(isNode)) {
        targets.set(`${path}.${String(sub['name'])}`, attributeSchema(sub));
      }
    }
  };
  addAll('', attributes);
  for (const [urn, own] of Object.entries(extensions)) {
    targets.set(urn, { type: 'object', properties: attributeProperties(own) });
    addAll(`${urn}:`, own);
  }
  return targets;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** RFC 7644 section 3.12. */
const errorSchema: Node = {
  type: 'object',
  required: ['schemas', 'status'],
  properties: {
    schemas: urnList(`${messages}:Error`),
    status: { type: 'string', pattern: '^[45]\\d\\d$' },
    scimType: {
      type: 'string',
      enum: [
        'invalidFilter',
        'tooMany',
        'uniqueness',
        'mutability',
        'invalidSyntax',
        'invalidPath',
        'noTarget',
        'invalidValue',
        'invalidVers',
        'sensitive',
      ],
    },
    detail: string,
  },
};

const component = (name: string): Node => ({ $ref: `#/components/schemas/${name}` });
const content = (schema: Node): Node => ({ 'application/scim+json': { schema }, 'application/json': { schema } });
const refusals: Node = {
  '4XX': { content: content(component('Error')) },
  '5XX': { content: content(component('Error')) },
};
const answers = (schema: Node): Node => ({ 200: { content: content(schema) }, ...refusals });
const queryOf = (names: string[], type = 'string'): Node[] =>
  names.map((name) => ({ name, in: 'query', schema: { type } }));
const projection = queryOf(['attributes', 'excludedAttributes']);

/** RFC 7644 section 3.4.2. */
function listSchema(items: Node): Node {
  return {
    type: 'object',
    required: ['schemas', 'totalResults'],
    properties: {
      schemas: urnList(`${messages}:ListResponse`),
      totalResults: { type: 'integer', minimum: 0 },
      startIndex: { type: 'integer', minimum: 1 },
      itemsPerPage: { type: 'integer', minimum: 0 },
      Resources: { type: 'array', items },
    },
  };
}

function pathsOf({ name }: Resource): Record<string, Node> {
  const resource = component(name);
  const listQuery = [
    ...projection,
    ...queryOf(['filter', 'sortBy', 'sortOrder']),
    ...queryOf(['startIndex', 'count'], 'integer'),
  ];
  const written = (status: number): Node => ({ [status]: { content: content(resource) }, ...refusals });
  const body = (schema: Node): Node => ({ required: true, content: content(schema) });
  return {
    [`/${name}s`]: {
      get: { parameters: listQuery, responses: answers(listSchema(resource)) },
      post: { parameters: projection, requestBody: body(resource), responses: written(201) },
    },
    [`/${name}s/{id}`]: {
      parameters: [{ name: 'id', in: 'path', required: true, schema: string }],
      get: { parameters: projection, responses: answers(resource) },
      put: { parameters: projection, requestBody: body(resource), responses: written(200) },
      patch: {
        parameters: projection,
        requestBody: body(component(`${name}Patch`)),
        responses: { ...written(200), 204: {} },
      },
      delete: { responses: { 204: {}, ...refusals } },
    },
  };
}

const supported = (more: Node = {}): Node => ({
  type: 'object',
  required: ['supported', ...Object.keys(more)],
  properties: { supported: { type: 'boolean' }, ...more },
});
const integer = { type: 'integer' };

/** RFC 7643 sections 5 to 7, as far as a client reads them. */
const discoveryPaths: Record<string, Node> = {
  '/ServiceProviderConfig': {
    get: {
      responses: answers({
        type: 'object',
        required: ['schemas', 'patch', 'bulk', 'filter', 'changePassword', 'sort', 'etag', 'authenticationSchemes'],
        properties: {
          schemas: urnList('urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'),
          documentationUri: string,
          patch: supported(),
          bulk: supported({ maxOperations: integer, maxPayloadSize: integer }),
          filter: supported({ maxResults: integer }),
          changePassword: supported(),
          sort: supported(),
          etag: supported(),
          authenticationSchemes: {
            type: 'array',
            items: { type: 'object', required: ['type', 'name', 'description'] },
          },
          meta: { type: 'object' },
        },
      }),
    },
  },
  '/ResourceTypes': {
    get: { responses: answers(listSchema({ type: 'object', required: ['schemas', 'name', 'endpoint', 'schema'] })) },
  },
  '/Schemas': { get: { responses: answers(listSchema({ type: 'object', required: ['id', 'attributes'] })) } },
  '/Schemas/{id}': { get: { responses: answers({ type: 'object', required: ['id', 'attributes'] }) } },
  '/ResourceTypes/{id}': { get: { responses: answers({ type: 'object', required: ['name', 'endpoint', 'schema'] }) } },
};
