/**
 * Puts a new system together from options, a file and answers; tests its credentials by reading; and writes it. Everything
 * happens on this machine: the secrets go from the keyboard, or a file, to the secrets file and to the system itself.
 */
import type { ConnectorDefinition } from '../connectors/kit/contract.ts';
import { AppError } from '../domain/errors.ts';
import { PersonRef, SystemId } from '../schemas/ids.ts';
import { findingText } from '../policy/finding.ts';
import { findingsOfNew, writeSystem, type NewSystem } from '../policy/write-system.ts';
import { answersOf, connectorNamed, knownDefinitions, withSets, type Answers } from './add-system-answers.ts';
import { checkCredentials, type CredentialCheck } from './check-credentials.ts';
import { askAgain, askConfig, problemsOf } from './ask-config.ts';
import { configFormOf, type ConfigForm } from './config-form.ts';
import { takeOutSecrets, type ConfigValues } from './config-values.ts';
import type { CliContext } from './command-context.ts';
import type { AddOptions } from './commands/systems-add.ts';
import { CliError, exitCodes } from './exit-code.ts';
import type { Prompts } from './prompts.ts';
import { secretsFilesFor } from './secrets-files.ts';

export interface AddRequest {
  context: CliContext;
  connector: string | undefined;
  options: AddOptions;
  asJson: boolean;
}

export async function addSystem(request: AddRequest): Promise<void> {
  const prompts = request.context.openPrompts();
  try {
    await add(request, prompts);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new CliError(error.code === 'conflict' ? exitCodes.conflict : exitCodes.unavailable, error.message);
  } finally {
    prompts?.close();
  }
}

async function add({ context, connector, options, asJson }: AddRequest, prompts: Prompts | null): Promise<void> {
  const given = answersOf(options);
  const definition = await connectorNamed(connector ?? given.connector, prompts);
  const form = configFormOf(definition);
  const answers = { ...given, config: withSets(definition, given) };
  const policyDir = options.policy ?? context.env['USHER_POLICY_DIR'];
  if (policyDir === undefined)
    throw new CliError(exitCodes.usage, 'Where is the policy? Give --policy FOLDER, or set USHER_POLICY_DIR.');
  const about = await describe(definition, answers, prompts);
  const secretsFiles = secretsFilesFor(definition.manifest.kind, options.secretsFile, context.env);
  const { config, check } = await configure(
    { context, definition, form, answers, options, systemId: about.id },
    prompts,
  );
  const { config: written, secrets } = takeOutSecrets(about.id, config, definition.secretFields);
  const system: NewSystem = { ...about, connector: definition.manifest.id, config: written };
  await assertFits(policyDir, system);
  const policyFile = writeSystem(system, secrets, { policyDir, secretsFiles });
  const done = { systemId: about.id, connector: system.connector, check, policyFile, secretsFiles };
  if (asJson) return context.out.json(done);
  tellWhatNext(context, { ...done, policyDir, isTarget: definition.manifest.kind === 'target', mode: system.mode });
}

/** What every system has, whatever its connector. */
async function describe(
  { manifest }: ConnectorDefinition,
  answers: Answers,
  prompts: Prompts | null,
): Promise<Omit<NewSystem, 'connector' | 'config'>> {
  const isTarget = manifest.kind === 'target';
  const id = await need({ prompts, name: 'id', text: 'how the policy names it', given: answers.id }, (text) =>
    SystemId.safeParse(text),
  );
  const owner = await need(
    { prompts, name: 'owner', text: 'who answers for it, as HRIS/KEY', given: answers.owner },
    (text) => PersonRef.safeParse(text),
  );
  const authenticates = isTarget
    ? (answers.authenticates ??
      (prompts === null ? false : await yesOrNo(prompts, 'Do people log in there, so that a leaver must be cut off?')))
    : false;
  return {
    id,
    displayName: answers.displayName ?? manifest.displayName,
    owner,
    ...(authenticates ? { authenticates } : {}),
    ...(isTarget && answers.mode !== 'enforce' ? { mode: 'observe' as const } : {}),
  };
}

interface Needed {
  prompts: Prompts | null;
  name: string;
  text: string;
  given: string | undefined;
}

type Parsed<T> = { success: true; data: T } | { success: false; error: { issues: { message: string }[] } };

async function need<T>({ prompts, name, text, given }: Needed, parse: (text: string) => Parsed<T>): Promise<T> {
  let answer = given;
  for (;;) {
    if (answer !== undefined) {
      const parsed = parse(answer);
      if (parsed.success) return parsed.data;
      const problem = `${name}: ${parsed.error.issues[0]?.message ?? 'not valid'}`;
      if (prompts === null) throw new CliError(exitCodes.usage, problem);
      prompts.say(problem);
    } else if (prompts === null) throw new CliError(exitCodes.usage, `${name} is missing: ${text}.`);
    answer = (await prompts.ask(`${name} (${text}): `)).trim();
  }
}

async function yesOrNo(prompts: Prompts, question: string): Promise<boolean> {
  for (;;) {
    const word = (await prompts.ask(`${question} (yes, no) `)).trim().toLowerCase();
    if (['y', 'yes'].includes(word)) return true;
    if (['n', 'no'].includes(word)) return false;
  }
}

interface Configuring {
  context: CliContext;
  definition: ConnectorDefinition;
  form: ConfigForm;
  answers: Answers;
  options: AddOptions;
  systemId: string;
}

/** The configuration, and what the system said about it; throws where nobody can correct what is wrong. */
async function configure(
  { context, definition, form, answers, options, systemId }: Configuring,
  prompts: Prompts | null,
): Promise<{ config: ConfigValues; check: CredentialCheck | null }> {
  let config = prompts === null ? answers.config : await askConfig(prompts, form, answers.config);
  for (;;) {
    const problems = problemsOf(definition.configSchema, form, config);
    if (problems.length > 0) {
      const corrected = prompts === null ? null : await askAgain(prompts, { form, problems }, config);
      if (corrected === null)
        throw new CliError(
          exitCodes.usage,
          problems.map(({ text }) => text),
        );
      config = corrected;
      continue;
    }
    if (!options.check) return { config, check: null };
    prompts?.say('Asking the system …');
    const check = await checkCredentials(definition, systemId, config);
    for (const { level, text } of check.findings) context.writeError(`${level}: ${text}\n`);
    if (check.isHealthy) return { config, check };
    const choice = prompts === null ? 'stop' : await whatNow(prompts);
    if (choice === 'stop')
      throw new CliError(exitCodes.negative, 'The system cannot be used like that. Nothing was written.');
    if (choice === 'write') return { config, check };
    config = await askConfig(prompts as Prompts, form, answers.config);
  }
}

async function whatNow(prompts: Prompts): Promise<'again' | 'write' | 'stop'> {
  for (;;) {
    const word = (await prompts.ask('Enter it again, write it nevertheless, or stop? (again, write, stop) ')).trim();
    if (word === 'again' || word === 'write' || word === 'stop') return word;
  }
}

async function assertFits(policyDir: string, system: NewSystem): Promise<void> {
  const findings = await findingsOfNew(policyDir, system, knownDefinitions()).catch(() => {
    throw new CliError(exitCodes.usage, `The policy folder ${policyDir} cannot be read.`);
  });
  if (findings.length === 0) return;
  throw new CliError(exitCodes.negative, [...findings.map(findingText), 'Nothing was written.']);
}

interface Written {
  systemId: string;
  policyFile: string;
  secretsFiles: readonly string[];
  policyDir: string;
  isTarget: boolean;
  mode: NewSystem['mode'];
}

function tellWhatNext({ out }: CliContext, written: Written): void {
  const { systemId, policyFile, secretsFiles, policyDir, isTarget, mode } = written;
  out.line(`${systemId} stands in ${policyFile}; its secrets in ${secretsFiles.join(', ')}.`);
  out.line('Next:');
  out.line(`  usher policy check ${policyDir}`);
  out.line('  usher policy propose        # a second person approves; on a trial: usher policy activate');
  out.line(`  usher systems check ${systemId}`);
  if (!isTarget) return;
  out.line(`  usher inventory ${systemId}`);
  if (mode === 'observe')
    out.line(
      'Usher reads it and never writes, not even for a leaver, until "mode: observe" is taken out of the entry.',
    );
  out.line(`Where people have accounts already, begin with: usher baseline ${systemId}`);
}
