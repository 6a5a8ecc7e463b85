/**
 * The contract gate for AWS, whose descriptions are service models and not OpenAPI: calls and answers of a sandbox are
 * held against the shapes of the model. Checked: that the operation exists, required, known and well-typed members, lengths,
 * ranges, patterns and enumerations, in requests and in answers, and that a refusal is one that the service has.
 *
 * Models: https://github.com/boto/botocore/tree/develop/botocore/data (`service-2.json`).
 */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, test } from '@jest/globals';
import { z } from 'zod';
import type { Exchange, ExchangeWatcher } from '../../sandbox/exchange.ts';
import { fromForm } from '../../sandbox/aws-wire.ts';
import { parseXml, type XmlElement } from './small-xml.ts';
import { descriptionUrl } from './vendor-description.ts';

const Ref = z.object({ shape: z.string() });
const Shape = z.object({
  type: z.string(),
  required: z.array(z.string()).optional(),
  members: z.record(z.string(), Ref).optional(),
  member: Ref.optional(),
  key: Ref.optional(),
  value: Ref.optional(),
  enum: z.array(z.string()).optional(),
  pattern: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  union: z.boolean().optional(),
  document: z.boolean().optional(),
  error: z.object({ code: z.string() }).optional(),
});
type Shape = z.infer<typeof Shape>;
const Model = z.object({
  metadata: z.object({ protocol: z.enum(['json', 'query']), targetPrefix: z.string().optional() }),
  operations: z.record(
    z.string(),
    z.object({ input: Ref.optional(), output: Ref.optional(), errors: z.array(Ref).optional() }),
  ),
  shapes: z.record(z.string(), Shape),
});
export type ServiceModel = z.infer<typeof Model>;

/** Errors that every service may answer with and no model lists. */
const commonErrors = [
  'AccessDenied',
  'InvalidClientTokenId',
  'ServiceUnavailable',
  'SignatureDoesNotMatch',
  'Throttling',
  'UnrecognizedClientException',
  'ValidationError',
];

export interface ServiceModelGate {
  watch(sandbox: { watch(watcher: ExchangeWatcher): void }): void;
}

/** Opens the gate for a test file: registers its hooks, so call it at the top level of the file. */
export function openServiceModels(product: string, files: string[]): ServiceModelGate {
  const missing = files.filter((file) => !existsSync(descriptionUrl(`aws/${file}`)));
  if (missing.length > 0) {
    const what = `CONTRACT GATE SKIPPED: service models of ${product} are not at ../shared/specs/aws/${missing.join(', ')}`;
    console.warn(`${what}. Calls and answers were NOT held against them.`);
    test.skip(what, () => undefined);
    return { watch: () => undefined };
  }
  const models = files.map(loadServiceModel);
  let seen: Exchange[] = [];
  let checkedCount = 0;
  afterEach(() => {
    const breaches = seen.flatMap((exchange) => {
      const found = checkAwsExchange(exchange, models);
      if (found !== null) checkedCount += 1;
      return found ?? [];
    });
    seen = [];
    if (breaches.length > 0) {
      throw new Error(`This is not what ${product} describes:\n  ${[...new Set(breaches)].join('\n  ')}`);
    }
  });
  afterAll(() => {
    if (checkedCount === 0)
      throw new Error(`No call was held against the models of ${product}: is the sandbox watched?`);
  });
  return { watch: (sandbox) => sandbox.watch((exchange) => void seen.push(exchange)) };
}

export function loadServiceModel(file: string): ServiceModel {
  return Model.parse(JSON.parse(readFileSync(descriptionUrl(`aws/${file}`), 'utf8')));
}

/** What breaks the model, each with its place; null for a call that is not of these services (SCIM, for one). */
export function checkAwsExchange(exchange: Exchange, models: readonly ServiceModel[]): string[] | null {
  const target = exchange.requestHeaders.get('x-amz-target');
  const form = exchange.requestHeaders.get('content-type')?.includes('x-www-form-urlencoded') === true;
  if (target === null && !form) return null;
  const [prefix = '', called = ''] = target?.split('.') ?? [];
  const model = models.find(({ metadata }) =>
    form ? metadata.protocol === 'query' : metadata.targetPrefix === prefix,
  );
  if (model === undefined) return [`${target ?? 'form'}: no such service`];
  const operation = form ? (new URLSearchParams(exchange.requestBody).get('Action') ?? '') : called;
  if (model.operations[operation] === undefined) return [`${operation}: no such operation`];
  const checker = new Checker(model, operation);
  checker.request(form ? withoutFrame(exchange.requestBody) : JSON.parse(exchange.requestBody), form);
  // A fault may cut an answer in half, or refuse in a way that the service does not know.
  if (exchange.answer !== null && exchange.fault === null) checker.answer(exchange.answer, form);
  return checker.breaches;
}

function withoutFrame(form: string): unknown {
  const { Action: _action, Version: _version, ...input } = fromForm(form);
  return input;
}

class Checker {
  readonly breaches: string[] = [];
  readonly #model: ServiceModel;
  readonly #operation: string;
  /** Text is all that a form and XML have: numbers and booleans are read from it. */
  #isText = false;

  constructor(model: ServiceModel, operation: string) {
    this.#model = model;
    this.#operation = operation;
  }

  request(input: unknown, isText: boolean): void {
    this.#isText = isText;
    const shape = this.#model.operations[this.#operation]?.input?.shape;
    if (shape !== undefined) this.#check(input, shape, 'request');
  }

  answer({ status, body }: { status: number; body: string }, isXml: boolean): void {
    this.#isText = isXml;
    if (status >= 400) this.#refusal(body, isXml);
    else if (isXml) this.#xmlAnswer(parseXml(body));
    else {
      const shape = this.#model.operations[this.#operation]?.output?.shape;
      if (shape !== undefined) this.#check(JSON.parse(body), shape, 'answer');
    }
  }

  #xmlAnswer(root: XmlElement): void {
    if (root.name !== `${this.#operation}Response`) this.#breach('answer', `is a ${root.name}`);
    const shape = this.#model.operations[this.#operation]?.output?.shape;
    if (shape === undefined) return;
    const result = root.children.find(({ name }) => name === `${this.#operation}Result`);
    if (result === undefined) this.#breach('answer', 'has no result');
    else this.#check(this.#fromXml(result, shape), shape, 'answer');
  }

  #refusal(body: string, isXml: boolean): void {
    const code = isXml ? /<Code>([\w.]+)<\/Code>/.exec(body)?.[1] : String(Object(JSON.parse(body)).__type);
    const { errors = [] } = this.#model.operations[this.#operation] ?? {};
    const known = errors.map(({ shape }) => this.#model.shapes[shape]?.error?.code ?? shape);
    if (code === undefined || ![...known, ...commonErrors].includes(code))
      this.#breach('refusal', `${code} is unknown`);
    else if (!isXml && this.#model.shapes[code] !== undefined) {
      const { __type: _type, ...members } = JSON.parse(body) as Record<string, unknown>;
      this.#check(members, code, 'refusal');
    }
  }

  /** The element as the value that the shape says it is. */
  #fromXml(element: XmlElement, shapeName: string): unknown {
    const shape = this.#shape(shapeName);
    if (shape.type === 'list') return element.children.map((child) => this.#fromXml(child, shape.member?.shape ?? ''));
    if (shape.type !== 'structure') return element.text;
    const entries = element.children.map((child) => {
      const member = shape.members?.[child.name]?.shape;
      return [child.name, member === undefined ? child.text : this.#fromXml(child, member)];
    });
    return Object.fromEntries(entries);
  }

  #check(value: unknown, shapeName: string, place: string): void {
    const shape = this.#shape(shapeName);
    if (shape.document === true) return;
    switch (shape.type) {
      case 'structure':
        return this.#structure(value, shape, place);
      case 'list':
        return this.#list(value, shape, place);
      case 'map':
        return this.#map(value, shape, place);
      case 'string':
        return this.#string(value, shape, place);
      case 'integer':
        return this.#number(value, shape, place);
      case 'boolean':
        if (!(typeof value === 'boolean' || (this.#isText && /^(true|false)$/.test(String(value)))))
          this.#breach(place, 'is no boolean');
        return;
      case 'timestamp':
        if (!(this.#isText ? !Number.isNaN(Date.parse(String(value))) : typeof value === 'number'))
          this.#breach(place, 'is no timestamp of this protocol');
        return;
      default:
        this.#breach(place, `has the type ${shape.type}, which this check does not know`);
    }
  }

  #structure(value: unknown, { members = {}, required = [], union }: Shape, place: string): void {
    // An empty text is how a form or XML spells a structure without members.
    const given = this.#isText && value === '' ? {} : value;
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      return this.#breach(place, 'is no structure');
    for (const name of required) if (!Object.hasOwn(given, name)) this.#breach(`${place}/${name}`, 'is missing');
    if (union === true && Object.keys(given).length !== 1) this.#breach(place, 'must have exactly one member');
    for (const [name, member] of Object.entries(given)) {
      const ref = members[name];
      if (ref === undefined) this.#breach(`${place}/${name}`, 'is not described');
      else this.#check(member, ref.shape, `${place}/${name}`);
    }
  }

  #list(value: unknown, { member, ...bounds }: Shape, place: string): void {
    const given = this.#isText && value === '' ? [] : value;
    if (!Array.isArray(given)) return this.#breach(place, 'is no list');
    this.#bounds(given.length, bounds, place);
    for (const item of given) this.#check(item, member?.shape ?? '', `${place}/*`);
  }

  #map(value: unknown, { key, value: of, ...bounds }: Shape, place: string): void {
    if (typeof value !== 'object' || value === null) return this.#breach(place, 'is no map');
    this.#bounds(Object.keys(value).length, bounds, place);
    for (const [name, item] of Object.entries(value)) {
      this.#check(name, key?.shape ?? '', `${place}/key`);
      this.#check(item, of?.shape ?? '', `${place}/*`);
    }
  }

  #string(value: unknown, { enum: words, pattern, ...bounds }: Shape, place: string): void {
    if (typeof value !== 'string') return this.#breach(place, 'is no string');
    this.#bounds(value.length, bounds, place);
    if (words !== undefined && !words.includes(value)) this.#breach(place, 'is no word of the enumeration');
    if (pattern !== undefined && !patternOf(pattern).test(value)) this.#breach(place, `does not match ${pattern}`);
  }

  #number(value: unknown, bounds: Shape, place: string): void {
    const number = this.#isText ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number)) return this.#breach(place, 'is no integer');
    this.#bounds(number, bounds, place);
  }

  #bounds(size: number, { min, max }: { min?: number | undefined; max?: number | undefined }, place: string): void {
    if ((min !== undefined && size < min) || (max !== undefined && size > max)) {
      this.#breach(place, `${size} is out of bounds`);
    }
  }

  #shape(name: string): Shape {
    const shape = this.#model.shapes[name];
    if (shape === undefined) throw new Error(`The model has no shape ${name}.`);
    return shape;
  }

  #breach(place: string, what: string): void {
    this.breaches.push(`${this.#operation} ${place} ${what}`);
  }
}

/** The models write patterns for Java: letters that need no backslash have one, which the mode `u` refuses. */
function patternOf(pattern: string): RegExp {
  const body = `^(?:${pattern})$`;
  try {
    return new RegExp(body, 'u');
  } catch {
    return new RegExp(body);
  }
}
