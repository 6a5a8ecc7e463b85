/** `hold list`, `hold release`. */
import type { Command } from 'commander';
import { HoldList, Released } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { moment } from '../output.ts';

export function holdCommands(program: Command, context: CliContext): void {
  const { out } = context;
  const hold = program.command('hold').description('Departures that an unusual wave holds');
  hold
    .command('list')
    .description('Who is held, since when and why')
    .action(async (_options: object, command: Command) => {
      const list = await apiOf(context, command).get('/api/v1/holds', HoldList);
      if (isJson(command)) return out.json(list);
      const rows = list.holds.map((each) => [each.personId, each.person, moment(each.effectiveAt), each.reason]);
      out.table(['person', 'name', 'was due', 'why held'], rows, 'Nothing is held.');
    });
  hold
    .command('release [persons...]')
    .description('Let held departures go on; Usher reads each person from the HR system again first')
    .option('--all', 'everybody who is held')
    .requiredOption('--reason <text>', 'why the wave is right')
    .action(async (persons: string[], options: { all?: boolean; reason: string }, command: Command) => {
      const api = apiOf(context, command);
      if (persons.length === 0 && options.all !== true)
        throw new CliError(exitCodes.usage, 'Name the persons, or give --all.', 'usher hold list shows who is held.');
      const held = options.all === true ? (await api.get('/api/v1/holds', HoldList)).holds : [];
      const wanted = [...persons, ...held.map((each) => each.personId)];
      if (wanted.length === 0) return out.line('Nothing is held.');
      const body = { persons: wanted, reason: options.reason };
      const answer = await api.post('/api/v1/holds/release', body, Released);
      if (answer.failed.length > 0) context.setExitCode(exitCodes.negative);
      if (isJson(command)) return out.json(answer);
      out.line(`Released: ${answer.released.length}. Still employed and left alone: ${answer.stillEmployed.length}.`);
      for (const { personId, reason } of answer.failed) out.line(`Not released: ${personId}: ${reason}`);
    });
}
