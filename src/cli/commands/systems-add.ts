/** `systems add`: describes a new system. What that needs is loaded when it runs: most commands know no connector. */
import type { Command } from 'commander';
import { isJson, type CliContext } from '../command-context.ts';
import { systemsGroup } from '../systems-group.ts';

export interface AddOptions {
  id?: string;
  name?: string;
  owner?: string;
  authenticates?: boolean;
  enforce?: boolean;
  set: string[];
  answers?: string;
  policy?: string;
  secretsFile?: string;
  /** False with `--no-check`. */
  check: boolean;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

export function systemAddCommands(program: Command, context: CliContext): void {
  systemsGroup(program)
    .command('add [connector]')
    .description('Describe a new system: asks, tests the credentials by reading, writes policy entry and secrets')
    .option('--id <slug>', 'how the policy names it')
    .option('--name <text>', 'how people read it')
    .option('--owner <person>', 'who answers for it, as HRIS/KEY')
    .option('--authenticates', 'people log in there: it is part of every cut-off')
    .option('--enforce', 'Usher may write to it (default: it observes)')
    .option('--set <field=value>', 'one field of the configuration; may be repeated, never for a secret', collect, [])
    .option('--answers <file>', 'YAML or JSON with all of this, secrets included; - reads standard input')
    .option('--policy <folder>', 'the policy folder (default: USHER_POLICY_DIR)')
    .option('--secrets-file <file>', 'where the secrets go (default: those of the data folder)')
    .option('--no-check', 'do not test the credentials')
    .action(async (connector: string | undefined, options: AddOptions, command: Command) => {
      const { addSystem } = await import('../add-system.ts');
      await addSystem({ context, connector, options, asJson: isJson(command) });
    });
}
