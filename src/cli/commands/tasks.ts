/** `tasks`, `confirm`: changes that people make by hand, and the word of the owner of the system. */
import type { Command } from 'commander';
import { HandTaskList, TaskAnswered } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { moment } from '../output.ts';

export function taskCommands(program: Command, context: CliContext): void {
  const { out } = context;
  program
    .command('tasks')
    .description('Changes that wait for a person outside: made by hand, or to be confirmed by you')
    .action(async (_options: object, command: Command) => {
      const list = await apiOf(context, command).get('/api/v1/tasks', HandTaskList);
      if (isJson(command)) return out.json(list);
      const rows = list.tasks.map((each) => [
        each.ticketNumber ?? each.taskId,
        each.systemId,
        each.person.name,
        each.what,
        each.state === 'claimed' ? `done? ${each.owner?.name ?? 'nobody'} confirms` : 'open',
        moment(each.since),
      ]);
      out.table(['task', 'system', 'person', 'what', 'state', 'since'], rows, 'Nothing waits for a person outside.');
    });
  program
    .command('confirm <task>')
    .description('Say, as the owner of the system, that a change made by hand is done; looked at by yourself')
    .option('--not-done', 'it was not done: Usher asks for it again')
    .option('--reason <text>', 'why')
    .action(async (task: string, options: { notDone?: boolean; reason?: string }, command: Command) => {
      const { notDone, ...rest } = options;
      const body = { word: notDone === true ? 'denied' : 'confirmed', ...rest };
      const path = `/api/v1/tasks/${encodeURIComponent(task)}/answer`;
      const answer = await apiOf(context, command).post(path, body, TaskAnswered);
      if (isJson(command)) return out.json(answer);
      out.line(notDone === true ? 'Recorded: not done. Usher asks for it again.' : 'Recorded: confirmed by you.');
    });
}
