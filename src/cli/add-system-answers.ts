/** What `systems add` was given: options over a file of answers, and the connector that is meant. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { allManifests, connectorById } from '../connectors/registry.ts';
import type { ConnectorDefinition } from '../connectors/kit/contract.ts';
import { findingText } from '../policy/finding.ts';
import { knownConnectors, type KnownConnector } from '../policy/known-connector.ts';
import { parseYamlFile } from '../policy/policy-file.ts';
import { configFormOf, fieldsIn } from './config-form.ts';
import { readValue, withValue, type ConfigValues } from './config-values.ts';
import type { AddOptions } from './commands/systems-add.ts';
import { CliError, exitCodes } from './exit-code.ts';
import type { Prompts } from './prompts.ts';

/** The file of `--answers`. */
const AnswersFile = z.strictObject({
  connector: z.string().min(1).optional(),
  id: z.string().optional(),
  displayName: z.string().min(1).max(100).optional(),
  owner: z.string().optional(),
  authenticates: z.boolean().optional(),
  mode: z.enum(['observe', 'enforce']).optional(),
  config: z.record(z.string(), z.unknown()).default({}),
});

export interface Answers extends z.infer<typeof AnswersFile> {
  /** `--set` as given, until the connector is known. */
  sets: string[];
}

export function answersOf(options: AddOptions): Answers {
  const file = options.answers === undefined ? AnswersFile.parse({}) : readAnswers(options.answers);
  return {
    ...file,
    ...(options.id === undefined ? {} : { id: options.id }),
    ...(options.name === undefined ? {} : { displayName: options.name }),
    ...(options.owner === undefined ? {} : { owner: options.owner }),
    ...(options.authenticates === true ? { authenticates: true } : {}),
    ...(options.enforce === true ? { mode: 'enforce' as const } : {}),
    sets: options.set,
  };
}

function readAnswers(file: string): z.infer<typeof AnswersFile> {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch {
    throw new CliError(exitCodes.usage, `The answers ${file} cannot be read.`);
  }
  const { document, findings } = parseYamlFile(file === '-' ? 'answers' : file, text, AnswersFile);
  if (document === null) throw new CliError(exitCodes.usage, findings.map(findingText));
  return document;
}

/** The configuration with what `--set` says. Throws CliError `usage`; a secret on a command line is refused. */
export function withSets(definition: ConnectorDefinition, { config, sets }: Answers): ConfigValues {
  const fields = fieldsIn(configFormOf(definition));
  let values: ConfigValues = config;
  for (const set of sets) {
    const [name = '', ...rest] = set.split('=');
    const field = fields.find((one) => one.name === name);
    if (field === undefined || rest.length === 0) {
      const names = fields.filter(({ isSecret }) => !isSecret).map((one) => one.name);
      throw new CliError(exitCodes.usage, `--set: expected FIELD=VALUE with one of ${names.join(', ')}`);
    }
    if (field.isSecret)
      throw new CliError(
        exitCodes.usage,
        `--set: ${name} is a secret, and arguments show in process lists.`,
        'Give it in a file, or on standard input: --answers FILE',
      );
    const read = readValue(field, rest.join('='));
    if (!read.ok) throw new CliError(exitCodes.usage, `--set ${name}: expected ${read.expected}`);
    values = withValue(values, field.path, read.value);
  }
  return values;
}

/** The connectors of this build, as far as a policy is checked against them. */
export function knownDefinitions(): KnownConnector[] {
  return knownConnectors(allManifests().flatMap(({ id }) => connectorById(id) ?? []));
}

/** The connector of that id; without one the person chooses. */
export async function connectorNamed(id: string | undefined, prompts: Prompts | null): Promise<ConnectorDefinition> {
  const manifests = allManifests();
  const width = Math.max(...manifests.map((manifest) => manifest.id.length));
  const list = manifests.map((manifest) => `  ${manifest.id.padEnd(width)}  ${manifest.displayName}`);
  let wanted = id;
  if (wanted === undefined && prompts !== null) for (const line of list) prompts.say(line);
  for (;;) {
    const definition = wanted === undefined ? null : connectorById(wanted);
    if (definition !== null) return definition;
    if (prompts === null) {
      const what = wanted === undefined ? 'Which connector?' : `There is no connector ${wanted}.`;
      throw new CliError(exitCodes.usage, [`${what} There are:`, ...list]);
    }
    if (wanted !== undefined) prompts.say(`There is no connector ${wanted}.`);
    wanted = (await prompts.ask('Which connector? ')).trim();
  }
}
