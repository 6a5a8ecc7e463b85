/** The command group `policy`, which several files add to. */
import type { Command } from 'commander';

/** Finds the group or makes it. */
export function policyGroup(program: Command): Command {
  const known = program.commands.find((command) => command.name() === 'policy');
  return known ?? program.command('policy').description('Policy as code');
}
