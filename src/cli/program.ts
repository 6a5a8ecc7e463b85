/** The command `usher`: parses arguments, runs one command, and turns every failure into a sentence and an exit code. */
import { Command, CommanderError } from 'commander';
import { printableText } from '../domain/printable-text.ts';
import { CliError, exitCodes, type ExitCode } from './exit-code.ts';
import { approvalCommands } from './commands/approvals.ts';
import { approvalPeopleCommands } from './commands/approval-people.ts';
import { auditCommands } from './commands/audit.ts';
import { backupCommands } from './commands/backup.ts';
import { caseCommands } from './commands/cases.ts';
import { completionCommands } from './commands/completion.ts';
import { doctorCommands } from './commands/doctor.ts';
import { holdCommands } from './commands/holds.ts';
import { importCommands } from './commands/import.ts';
import { inventoryCommands } from './commands/inventory.ts';
import { baselineCommands } from './commands/baseline.ts';
import { personCommands } from './commands/persons.ts';
import { policyCommands } from './commands/policy.ts';
import { policyTrialCommands } from './commands/policy-trials.ts';
import { policyVersionCommands } from './commands/policy-versions.ts';
import { whyCommands } from './commands/why.ts';
import { systemCommands } from './commands/systems.ts';
import { systemAddCommands } from './commands/systems-add.ts';
import { taskCommands } from './commands/tasks.ts';
import type { CliContext } from './command-context.ts';
import { createOutput } from './output.ts';
import type { Prompts } from './prompts.ts';
import type { Terminal } from './terminal.ts';

export interface CliStreams {
  env: NodeJS.ProcessEnv;
  writeOut: (text: string) => void;
  writeError: (text: string) => void;
  /** Missing or null where output is no terminal. */
  terminal?: Terminal | null;
  errorTerminal?: Terminal | null;
  /** Missing where nobody can be asked. */
  openPrompts?: () => Prompts | null;
}

const groups = [
  caseCommands,
  approvalCommands,
  approvalPeopleCommands,
  personCommands,
  holdCommands,
  policyCommands,
  policyVersionCommands,
  policyTrialCommands,
  whyCommands,
  systemCommands,
  inventoryCommands,
  systemAddCommands,
  taskCommands,
  importCommands,
  baselineCommands,
  auditCommands,
  doctorCommands,
  completionCommands,
  backupCommands,
];

/** Runs one command line (without the interpreter and the script); never throws. */
export async function runCli(args: string[], streams: CliStreams): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const context: CliContext = {
    env: streams.env,
    out: createOutput(streams.writeOut),
    write: streams.writeOut,
    writeError: streams.writeError,
    terminal: streams.terminal ?? null,
    errorTerminal: streams.errorTerminal ?? null,
    openPrompts: streams.openPrompts ?? (() => null),
    program: () => createProgram(context, streams),
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  try {
    await createProgram(context, streams).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return explain(error, streams);
  }
}

/** All commands. Nothing runs before `parseAsync`. */
export function createProgram(context: CliContext, streams: CliStreams): Command {
  const program = new Command('usher')
    .description('Access that each person should hold, and nothing else')
    .option('--server <url>', 'address of the server (default: of the profile)')
    .option('--token-file <file>', 'file that holds your token')
    .option('--profile <name>', 'profile in the data folder (default: admin)')
    .option('--json', 'print JSON')
    .showHelpAfterError('(see: usher --help)')
    .exitOverride()
    .configureOutput({ writeOut: streams.writeOut, writeErr: streams.writeError });
  for (const addCommands of groups) addCommands(program, context);
  inherit(program, program);
  return program;
}

/** Sub-commands keep their own settings otherwise, and would end the process on a wrong option. */
function inherit(command: Command, program: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(program);
    inherit(child, program);
  }
}

function explain(error: unknown, { writeError }: CliStreams): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof CliError) {
    for (const line of error.lines) writeError(`${printableText(line)}\n`);
    if (error.help !== null) writeError(`${printableText(error.help)}\n`);
    return error.exitCode;
  }
  const what = error instanceof Error ? error.message : 'unknown';
  writeError(`usher failed unexpectedly: ${printableText(what).slice(0, 500)}\n`);
  return exitCodes.unavailable;
}
