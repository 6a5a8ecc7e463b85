/** Parses what comes in. Every refusal is AppError `invalidInput`, names the field and says what was expected. */
import type { z } from 'zod';
import { AppError } from '../domain/errors.ts';
import type { AppContext } from './app-types.ts';

/** Parses a value; `where` names it when the fault is the value as a whole. */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(result.error, where);
}

/** The first fault as AppError `invalidInput`. */
export function invalidInput(error: z.ZodError, where: string): AppError {
  const issue = error.issues[0];
  const path = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : (issue?.path ?? []);
  const field = path.length === 0 ? where : path.map(String).join('.');
  const what = issue?.code === 'unrecognized_keys' ? 'no such field is known' : (issue?.message ?? 'not valid');
  return new AppError('invalidInput', `${field.slice(0, 100)}: ${what}`, field.slice(0, 100));
}

/** The body as JSON. */
export async function readJson<T>(c: AppContext, schema: z.ZodType<T>): Promise<T> {
  return parseInput(schema, await readJsonValue(c), 'body');
}

/** The body as JSON that a use case parses itself. */
export async function readJsonValue(c: AppContext): Promise<unknown> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new AppError('invalidInput', 'content-type: expected application/json', 'content-type');
  const text = await c.req.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new AppError('invalidInput', 'body: expected JSON', 'body');
  }
}

export function readQuery<T>(c: AppContext, schema: z.ZodType<T>): T {
  return parseInput(schema, c.req.query(), 'query');
}

/** One parameter of the path. An id of the wrong shape is a fault of the input, not an unknown id. */
export function readParam<T>(c: AppContext, name: string, schema: z.ZodType<T>): T {
  return parseInput(schema, c.req.param(name), name);
}
