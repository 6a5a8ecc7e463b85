/**
 * What could come next on a command line: commands, options, and values of the installation. The shells' scripts ask for it
 * at each press of the tabulator, so that it is quick, silent, and rather says nothing than something wrong.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { CaseState } from '../schemas/case.ts';
import { EraseBody } from '../schemas/api-persons.ts';
import { createApiClient, type ApiClient } from './api-client.ts';
import { ApprovalList, CaseList, SystemList } from './api-shapes.ts';
import { dataDirOf, findCredentials, type CredentialOptions } from './credentials.ts';

const ANSWER_WITHIN_MS = 2_000;

export interface Candidate {
  value: string;
  /** What the shells show beside it; matches what is typed as well. */
  text: string;
}

interface Position {
  command: Command;
  /** Values before the cursor that are no options. */
  given: string[];
  /** The option whose value stands at the cursor. */
  option: Option | null;
  credentials: CredentialOptions;
}

/** Candidates for the last of `words`, which may be empty. Rejects never. */
export async function completeWords(program: Command, words: string[], env: NodeJS.ProcessEnv): Promise<Candidate[]> {
  const current = words.at(-1) ?? '';
  const position = positionOf(program, words.slice(0, -1));
  const all = await candidatesAt(program, position, current, env).catch(() => []);
  return all.filter((candidate) => fits(candidate, current));
}

/** By its beginning; or, for what nobody knows by heart, by the beginning of a word of its text. */
function fits({ value, text }: Candidate, current: string): boolean {
  if (value.startsWith(current)) return true;
  if (current.length === 0 || value.startsWith('-') || !/[0-9a-f]{8}-/.test(value)) return false;
  const wanted = current.toLocaleLowerCase('en');
  return text
    .toLocaleLowerCase('en')
    .split(/\s+/)
    .some((word) => word.startsWith(wanted));
}

const credentialNames: Record<string, keyof CredentialOptions> = {
  '--server': 'server',
  '--token-file': 'tokenFile',
  '--profile': 'profile',
};

function positionOf(program: Command, before: readonly string[]): Position {
  const position: Position = { command: program, given: [], option: null, credentials: {} };
  for (const word of before) {
    if (position.option && !word.startsWith('-')) {
      const name = credentialNames[position.option.long ?? ''];
      if (name) position.credentials[name] = word;
      if (!position.option.variadic) position.option = null;
      continue;
    }
    position.option = null;
    if (word.startsWith('-')) {
      const option = optionsOf(program, position.command).find(({ long, short }) => long === word || short === word);
      if (option && (option.required || option.optional)) position.option = option;
      continue;
    }
    const child = position.given.length === 0 ? commandsOf(position.command).find((one) => one.name() === word) : null;
    if (child) position.command = child;
    else position.given.push(word);
  }
  return position;
}

const optionsOf = (program: Command, command: Command): Option[] =>
  [...command.options, ...(command === program ? [] : program.options)].filter((option) => !option.hidden);

/** Hidden commands begin with an underscore. */
const commandsOf = (command: Command): Command[] => command.commands.filter((one) => !one.name().startsWith('_'));

async function candidatesAt(
  program: Command,
  { command, given, option, credentials }: Position,
  current: string,
  env: NodeJS.ProcessEnv,
): Promise<Candidate[]> {
  if (current.startsWith('-'))
    return optionsOf(program, command).map(({ long, flags, description }) => ({
      value: long ?? flags,
      text: description,
    }));
  const api = (): ApiClient => createApiClient(findCredentials(env, credentials), ANSWER_WITHIN_MS);
  if (option) return valuesOfOption(command, option, env);
  const children = commandsOf(command);
  if (children.length > 0 && given.length > 0) return [];
  if (children.length > 0) return children.map((one) => ({ value: one.name(), text: one.description() }));
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[given.length] ?? (last?.variadic === true ? last : undefined);
  if (!argument) return [];
  const name = argument.name() === 'id' ? (command.parent?.name() ?? '') : argument.name();
  const found = argument.argChoices ? plain(argument.argChoices) : await valuesOfArgument(name, api);
  return found.filter(({ value }) => !given.includes(value));
}

const plain = (values: readonly string[]): Candidate[] => values.map((value) => ({ value, text: '' }));

function valuesOfOption(command: Command, option: Option, env: NodeJS.ProcessEnv): Candidate[] {
  if (option.argChoices) return plain(option.argChoices);
  if (option.long === '--state' && command.name() === 'cases') return plain(CaseState.options);
  if (option.long === '--reason' && command.name() === 'erase') return plain(EraseBody.shape.reason.options);
  if (option.long === '--profile') return plain(profilesIn(env));
  return [];
}

function profilesIn(env: NodeJS.ProcessEnv): string[] {
  try {
    const names = readdirSync(join(dataDirOf(env), 'profiles'));
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  } catch {
    return [];
  }
}

async function valuesOfArgument(name: string, api: () => ApiClient): Promise<Candidate[]> {
  switch (name.replace(/s$/, '')) {
    case 'case': {
      const { cases } = await api().get('/api/v1/cases', CaseList);
      return cases.map((each) => ({ value: each.caseId, text: `${each.person} ${each.kind} ${each.state}` }));
    }
    case 'approval': {
      const { approvals } = await api().get('/api/v1/approvals', ApprovalList);
      return approvals.map((each) => ({ value: each.approvalId, text: each.person.name }));
    }
    case 'person': {
      const { cases } = await api().get('/api/v1/cases', CaseList);
      const names = new Map(cases.map((each) => [each.personId, each.person]));
      return [...names].map(([value, text]) => ({ value, text }));
    }
    case 'connector': {
      const { allManifests } = await import('../connectors/registry.ts');
      return allManifests().map(({ id, displayName }) => ({ value: id, text: displayName }));
    }
    case 'system': {
      const { systems } = await api().get('/api/v1/systems', SystemList);
      return systems.map((each) => ({ value: each.systemId, text: each.displayName }));
    }
    default:
      // Files and folders are the shell's own matter.
      return [];
  }
}
