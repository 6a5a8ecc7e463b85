/** Asks the person at the terminal for what a configuration still lacks, and again for what the connector refuses. */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { type ConfigField, type ConfigForm, fieldsIn, isVariants } from './config-form.ts';
import { type ConfigValues, readValue, valueAt, withValue } from './config-values.ts';
import type { Prompts } from './prompts.ts';

/** Asks what is required and missing, then offers what has a default. */
export async function askConfig(prompts: Prompts, form: ConfigForm, given: ConfigValues): Promise<ConfigValues> {
  const config = await askMissing(prompts, form, given);
  return askOptional(prompts, activeFields(form, config), config);
}

async function askMissing(prompts: Prompts, form: ConfigForm, given: ConfigValues): Promise<ConfigValues> {
  let config = given;
  for (const part of form) {
    const field = isVariants(part) ? part.field : part;
    if (valueAt(config, field.path) === undefined && field.isRequired)
      config = withValue(config, field.path, field.defaultValue ?? (await askField(prompts, field)));
    const chosen = isVariants(part) ? part.formOf.get(String(valueAt(config, field.path))) : undefined;
    if (chosen !== undefined) config = await askMissing(prompts, chosen, config);
  }
  return config;
}

/** Fields of the variants that were chosen. */
export function activeFields(form: ConfigForm, config: ConfigValues): ConfigField[] {
  return form.flatMap((part) => {
    if (!isVariants(part)) return [part];
    const chosen = part.formOf.get(String(valueAt(config, part.field.path)));
    return [part.field, ...(chosen === undefined ? [] : activeFields(chosen, config))];
  });
}

async function askOptional(
  prompts: Prompts,
  fields: readonly ConfigField[],
  given: ConfigValues,
): Promise<ConfigValues> {
  const optional = fields.filter(({ path, isRequired }) => !isRequired && valueAt(given, path) === undefined);
  if (optional.length === 0) return given;
  let config = given;
  prompts.say('Optional:');
  for (const field of optional)
    prompts.say(`  ${field.name}${defaultText(field)}${field.text === null ? '' : `: ${field.text}`}`);
  for (;;) {
    const name = (await prompts.ask('Which of them do you want to set? (empty: none) ')).trim();
    if (name === '') return config;
    const field = optional.find((one) => one.name === name);
    if (field === undefined) prompts.say(`There is no ${name}.`);
    else config = withValue(config, field.path, await askField(prompts, field));
  }
}

function defaultText({ defaultValue }: ConfigField): string {
  return defaultValue === undefined ? '' : ` (${JSON.stringify(defaultValue)})`;
}

/** Asks until the answer can be read. */
export async function askField(prompts: Prompts, field: ConfigField): Promise<unknown> {
  if (field.text !== null) prompts.say(`${field.name}: ${field.text}`);
  const hint =
    field.kind === 'choice' ? ` (${field.choices.join(', ')})` : field.kind === 'boolean' ? ' (yes, no)' : '';
  for (;;) {
    const line = field.isSecret
      ? await prompts.askSecret(`${field.name} (not shown; @FILE reads it from a file): `)
      : await prompts.ask(`${field.name}${hint}: `);
    const text = line.startsWith('@') ? readFileOrNull(line.slice(1)) : line;
    if (text === null) {
      prompts.say('That file cannot be read.');
      continue;
    }
    if (text.trim() === '') continue;
    const read = readValue(field, text);
    if (read.ok) return read.value;
    prompts.say(`Expected ${read.expected}.`);
  }
}

function readFileOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch {
    return null;
  }
}

export interface ConfigProblem {
  /** The field at fault; null where it is the configuration as a whole. */
  field: ConfigField | null;
  /** `url: expected …`; never a value. */
  text: string;
}

/** What the connector would refuse. */
export function problemsOf(schema: z.ZodType, form: ConfigForm, config: ConfigValues): ConfigProblem[] {
  const parsed = schema.safeParse(config);
  if (parsed.success) return [];
  const fields = fieldsIn(form);
  return parsed.error.issues.map((issue) => {
    const path = issue.path.map(String);
    const field = fields.find((one) => one.path.length > 0 && one.path.every((key, n) => path[n] === key)) ?? null;
    const isMissing = valueAt(config, path) === undefined && issue.code === 'invalid_type';
    const keys = issue.code === 'unrecognized_keys' ? ` ${issue.keys.join(', ')}` : '';
    const what = isMissing ? `missing${field?.text ? ` (${field.text})` : ''}` : `${issue.message}${keys}`;
    return { field, text: path.length === 0 ? what : `${path.join('.')}: ${what}` };
  });
}

/**
 * Asks again for each field that the connector refuses. Where one of several optional fields is missing, the person says
 * which. Answers null where the connector refuses the whole and says no field.
 */
export async function askAgain(
  prompts: Prompts,
  { form, problems }: { form: ConfigForm; problems: readonly ConfigProblem[] },
  given: ConfigValues,
): Promise<ConfigValues | null> {
  for (const { text } of problems) prompts.say(text);
  const fields = new Set(problems.flatMap(({ field }) => field ?? []));
  if (fields.size === 0) return null;
  const isChoice = ({ isRequired, path }: ConfigField): boolean => !isRequired && valueAt(given, path) === undefined;
  let config = given;
  for (const field of fields)
    if (!isChoice(field)) config = withValue(config, field.path, await askField(prompts, field));
  return [...fields].some(isChoice) ? askOptional(prompts, activeFields(form, config), config) : config;
}
