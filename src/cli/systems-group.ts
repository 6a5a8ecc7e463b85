/** The command group `systems`, which several files add to. */
import type { Command } from 'commander';

/** Finds the group or makes it. */
export function systemsGroup(program: Command): Command {
  const known = program.commands.find((command) => command.name() === 'systems');
  return known ?? program.command('systems').description('Connected systems');
}
