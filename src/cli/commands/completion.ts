/** `completion`, and the hidden `__complete` that its scripts call. */
import { Argument, type Command } from 'commander';
import { printableText } from '../../domain/printable-text.ts';
import { completeWords, type Candidate } from '../complete-words.ts';
import { completionScripts, shells, type Shell } from '../completion-scripts.ts';
import type { CliContext } from '../command-context.ts';

export function completionCommands(program: Command, context: CliContext): void {
  program
    .command('completion')
    .description('Print the script that lets your shell complete usher')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices([...shells]))
    .action((shell: Shell) => context.write(completionScripts[shell]));
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .option('--bash', 'bash shows values only')
    .action(async (words: string[], options: { bash?: boolean }) => {
      const found = await completeWords(context.program(), words, context.env);
      const lines = options.bash === true ? bashLines(found, words.at(-1) ?? '') : found.map(withText);
      for (const line of lines) context.write(`${line}\n`);
    });
}

const withText = ({ value, text }: Candidate): string =>
  text === '' ? value : `${value}\t${printableText(text).slice(0, 100)}`;

/**
 * bash puts the common beginning of all candidates in place of what was typed. Of several that were found by a name it may
 * put nothing: they come with their names, and one more that begins differently.
 */
function bashLines(found: readonly Candidate[], current: string): string[] {
  if (found.length <= 1 || found.every(({ value }) => value.startsWith(current)))
    return found.map(({ value }) => value);
  return [...found.map(({ value, text }) => `${value}  ${printableText(text).slice(0, 60)}`), ' '];
}
