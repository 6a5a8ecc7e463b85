/** Runs schemas of a description over values, and says in few words what does not fit where. */
import type { SchemaValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { isNode, type OpenApiDocument } from './document.ts';
import { componentSchemas, type Direction, type JsonSchema, membersKeyword, placeSchema } from './schemas.ts';

/** One thing that does not fit. */
export interface Misfit {
  /** Below the value: `/profile/login`; a list's items are `*`. Empty: the value itself. */
  place: string;
  expected: string;
}

export interface Validator {
  /** Against a schema as it stands in the document. `asText`: the value came as text, as in a query, and is read by type. */
  check(schema: unknown, value: unknown, options: { direction: Direction; asText?: boolean }): Misfit[];
}

export function createValidator(document: OpenApiDocument): Validator {
  const compiled = new Map<unknown, Map<string, ValidateFunction>>();
  const ajvs = { exact: createAjv(false), asText: createAjv(true) };
  const referenceOf = (direction: Direction) => (component: string) =>
    `${idOf(direction)}#/$defs/${encodeURIComponent(component.replaceAll('~', '~0').replaceAll('/', '~1'))}`;
  for (const direction of ['request', 'answer'] as const) {
    const $defs = componentSchemas(document, direction, referenceOf(direction));
    for (const ajv of Object.values(ajvs)) ajv.addSchema({ $id: idOf(direction), $defs });
  }

  function validatorOf(schema: unknown, direction: Direction, asText: boolean): ValidateFunction {
    const key = `${direction} ${String(asText)}`;
    const known = compiled.get(schema)?.get(key);
    if (known !== undefined) return known;
    const place: JsonSchema = placeSchema(document, schema, { direction, referenceOf: referenceOf(direction) });
    // Text is read by its type only where it stands in something.
    const wrapped = { type: 'object', properties: { value: place } };
    const validate = (asText ? ajvs.asText : ajvs.exact).compile(wrapped);
    compiled.set(schema, (compiled.get(schema) ?? new Map<string, ValidateFunction>()).set(key, validate));
    return validate;
  }

  return {
    check(schema, value, { direction, asText = false }) {
      const validate = validatorOf(schema, direction, asText);
      return validate({ value: asText ? structuredClone(value) : value }) ? [] : misfitsOf(validate.errors ?? []);
    },
  };
}

function idOf(direction: Direction): string {
  return `description:${direction}`;
}

function createAjv(coerceTypes: boolean): Ajv2020 {
  // Vendors invent formats and keywords; what is unknown says nothing.
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false, verbose: true, coerceTypes });
  formats.default(ajv);
  ajv.addKeyword({ keyword: membersKeyword, schemaType: 'array', errors: true, validate: checkMembers });
  // Numbers have no time in JSON; these are annotations.
  for (const format of ['int32', 'int64', 'float', 'double', 'byte', 'binary', 'password']) ajv.addFormat(format, true);
  return ajv;
}

/** One error for each member that is not among the names. */
const checkMembers: SchemaValidateFunction = (names: string[], value: unknown) => {
  const unknown = isNode(value) ? Object.keys(value).filter((member) => !names.includes(member)) : [];
  checkMembers.errors = unknown.map((member) => ({ keyword: membersKeyword, params: { member } }));
  return unknown.length === 0;
};

const alternatives = new Set(['anyOf', 'oneOf']);

/** Alternatives that all fail report every branch: they become one misfit at their place. */
function misfitsOf(errors: ErrorObject[]): Misfit[] {
  const within = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);
  const real = errors.filter(({ keyword }) => keyword !== 'if');
  const choices = real.filter(({ keyword }) => alternatives.has(keyword)).map(({ instancePath }) => instancePath);
  const outermost = choices.filter((path) => !choices.some((other) => other !== path && within(path, other)));
  const misfits = outermost.map((path) => ({ place: placeOf(path), expected: alternativesAt(real, path, within) }));
  const single = real.filter((error) => !outermost.some((path) => within(error.instancePath, path)));
  misfits.push(...single.map((error) => misfitOf(error)));
  return [...new Map(misfits.map((misfit) => [`${misfit.place} ${misfit.expected}`, misfit])).values()];
}

function alternativesAt(
  errors: ErrorObject[],
  path: string,
  within: (inner: string, outer: string) => boolean,
): string {
  const branches = errors
    .filter(({ keyword, instancePath }) => !alternatives.has(keyword) && within(instancePath, path))
    .slice(0, 4)
    .map((error) => misfitOf(error))
    .map(({ place, expected }) => `${place} ${expected}`);
  return `fits none of the alternatives (${branches.join('; ')})`;
}

function misfitOf({ instancePath, keyword, params, message, data }: ErrorObject): Misfit {
  const given: Record<string, unknown> = params;
  switch (keyword) {
    case 'required':
      return { place: `${placeOf(instancePath)}/${String(given['missingProperty'])}`, expected: 'is missing' };
    case membersKeyword:
      return { place: `${placeOf(instancePath)}/${String(given['member'])}`, expected: 'is not described' };
    case 'additionalProperties':
      return { place: `${placeOf(instancePath)}/${String(given['additionalProperty'])}`, expected: 'is not described' };
    case 'false schema':
      return { place: placeOf(instancePath), expected: 'does not travel in this direction (read-only or write-only)' };
    case 'enum':
      return {
        place: placeOf(instancePath),
        expected: `must be one of ${shortly(given['allowedValues'])}, is ${shortly(data)}`,
      };
    default:
      return { place: placeOf(instancePath), expected: `${message ?? keyword}, is ${shortly(data)}` };
  }
}

/** The validator's path without the wrapper around the value. */
function placeOf(instancePath: string): string {
  return instancePath
    .replace(/^\/value/, '')
    .replace(/\/\d+(?=\/|$)/g, '/*')
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');
}

function shortly(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
