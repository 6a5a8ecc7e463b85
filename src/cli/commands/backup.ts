/** `backup` and `restore` in the help. The script `usher` itself runs them: they work on the data folder, not through the API. */
import type { Command } from 'commander';
import type { CliContext } from '../command-context.ts';
import { CliError, exitCodes } from '../exit-code.ts';

export function backupCommands(program: Command, _context: CliContext): void {
  const commands = [
    ['backup <folder>', 'Back up the data folder into a new folder, its keys into a file beside it'],
    ['backup-keys <file>', 'Write the file of keys alone'],
    ['restore <folder>', 'Make a new data folder from a backup and its keys'],
  ] as const;
  for (const [name, description] of commands)
    program
      .command(name)
      .description(`${description} (needs the checkout: npx usher …)`)
      .allowUnknownOption()
      .action(() => {
        throw new CliError(
          exitCodes.usage,
          'This works on the data folder of a checkout.',
          'Run it there: npx usher …',
        );
      });
}
