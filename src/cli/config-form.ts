/**
 * What a connector's configuration asks for, as questions: names, explanations, types, defaults and which of them are
 * secrets, read off the schema that the connector parses its configuration with.
 */
import { z } from 'zod';
import type { ConnectorDefinition } from '../connectors/kit/contract.ts';

export interface ConfigField {
  /** Keys down to the value in `config`. */
  path: string[];
  /** The same with dots. */
  name: string;
  /** What to enter and where to find it; null where the connector does not say. */
  text: string | null;
  kind: 'text' | 'number' | 'boolean' | 'choice' | 'texts' | 'json';
  choices: string[];
  isRequired: boolean;
  /** Undefined: none. */
  defaultValue: unknown;
  isSecret: boolean;
}

/** One of several shapes, told apart by the value of one field. */
export interface ConfigVariants {
  field: ConfigField;
  /** By the value of the field. */
  formOf: ReadonlyMap<string, ConfigForm>;
}

export type ConfigForm = readonly (ConfigField | ConfigVariants)[];

/** The part of JSON Schema that zod writes for configurations. */
interface JsonShape {
  type?: string | string[];
  properties?: Record<string, JsonShape>;
  required?: string[];
  items?: JsonShape;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonShape[];
  oneOf?: JsonShape[];
  default?: unknown;
  description?: string;
  $ref?: string;
  $defs?: Record<string, JsonShape>;
}

interface Place {
  path: string[];
  isRequired: boolean;
  secretFields: readonly string[];
  defs: Record<string, JsonShape>;
}

export function configFormOf(definition: ConnectorDefinition): ConfigForm {
  const schema = z.toJSONSchema(definition.configSchema, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  }) as JsonShape;
  const { secretFields } = definition;
  return formOf(schema, { path: [], isRequired: true, secretFields, defs: schema.$defs ?? {} });
}

/** Every field of a form, those of all variants included. */
export function fieldsIn(form: ConfigForm): ConfigField[] {
  return form.flatMap((part) =>
    isVariants(part) ? [part.field, ...[...part.formOf.values()].flatMap(fieldsIn)] : [part],
  );
}

export function isVariants(part: ConfigField | ConfigVariants): part is ConfigVariants {
  return 'formOf' in part;
}

function formOf(given: JsonShape, place: Place): ConfigForm {
  const shape = resolved(given, place);
  const options = shape.oneOf ?? shape.anyOf;
  if (options !== undefined)
    return unionForm(
      shape,
      options.map((option) => resolved(option, place)),
      place,
    );
  if (shape.properties === undefined || place.path.length > 8) return [leaf(shape, place)];
  const isRequired = place.isRequired && shape.default === undefined;
  return Object.entries(shape.properties).flatMap(([key, property]) => {
    const inner = { ...place, path: [...place.path, key] };
    return formOf(property, { ...inner, isRequired: isRequired && (shape.required ?? []).includes(key) });
  });
}

function resolved(shape: JsonShape, { defs }: Place): JsonShape {
  const name = shape.$ref?.replace('#/$defs/', '');
  return name === undefined ? shape : { ...defs[name], ...shape };
}

function unionForm(shape: JsonShape, options: readonly JsonShape[], place: Place): ConfigForm {
  const described = shape.description === undefined ? {} : { description: shape.description };
  const kept = options.filter(({ type }) => type !== 'null');
  const isOptional = kept.length < options.length;
  const inner = { ...place, isRequired: place.isRequired && !isOptional };
  const [only, ...others] = kept;
  if (only !== undefined && others.length === 0) return formOf({ ...only, ...described }, inner);
  const key = discriminatorOf(kept);
  if (key !== null) return [variants(key, shape, kept, inner)];
  if (kept.every((option) => option.const !== undefined))
    return [leaf({ ...shape, enum: kept.map((option) => option.const) }, inner)];
  const isText = kept.every(({ type }) => type === 'string' || type === 'number' || type === 'integer');
  return [leaf({ ...shape, ...(isText ? { type: 'string' } : {}) }, inner)];
}

/** The property that is another constant in each option. */
function discriminatorOf(options: readonly JsonShape[]): string | null {
  const [first] = options;
  const isTold = (key: string): boolean =>
    options.every((option) => typeof option.properties?.[key]?.const === 'string');
  return Object.keys(first?.properties ?? {}).find(isTold) ?? null;
}

function variants(key: string, shape: JsonShape, options: readonly JsonShape[], place: Place): ConfigVariants {
  const constantOf = (option: JsonShape): string => String(option.properties?.[key]?.const);
  const told = options.find((option) => option.properties?.[key]?.description !== undefined);
  const description = shape.description ?? told?.properties?.[key]?.description;
  const inner = { ...place, path: [...place.path, key] };
  const field = leaf({ ...(description === undefined ? {} : { description }), enum: options.map(constantOf) }, inner);
  const formByValue = options.map((option) => {
    const { [key]: _discriminator, ...properties } = option.properties ?? {};
    return [constantOf(option), formOf({ ...option, properties }, place)] as const;
  });
  return { field, formOf: new Map(formByValue) };
}

function leaf(shape: JsonShape, { path, isRequired, secretFields }: Place): ConfigField {
  const choices = shape.enum ?? (shape.const === undefined ? [] : [shape.const]);
  const isConstant = choices.length === 1 && shape.default === undefined;
  return {
    path,
    name: path.join('.'),
    text: shape.description ?? null,
    kind: choices.every((choice) => typeof choice === 'string') && choices.length > 0 ? 'choice' : kindOf(shape),
    choices: choices.map(String),
    isRequired: isRequired && shape.default === undefined,
    // What can have one value only needs no answer.
    defaultValue: isConstant && isRequired ? choices[0] : shape.default,
    isSecret: secretFields.includes(path[0] ?? ''),
  };
}

function kindOf({ type, items }: JsonShape): Exclude<ConfigField['kind'], 'choice'> {
  const types = (Array.isArray(type) ? type : [type]).filter((one) => one !== 'null');
  if (types.includes('string')) return 'text';
  if (types.includes('boolean')) return 'boolean';
  if (types.includes('number') || types.includes('integer')) return 'number';
  return types.includes('array') && items?.type === 'string' ? 'texts' : 'json';
}
