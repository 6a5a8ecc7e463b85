/** `systems check`. */
import type { Command } from 'commander';
import { CheckedSystems } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { exitCodes } from '../exit-code.ts';
import { cellLines } from '../output.ts';

export function systemCommands(program: Command, context: CliContext): void {
  program
    .command('systems')
    .description('Connected systems')
    .command('check [system]')
    .description('Ask one system, or all, whether Usher can use it')
    .action(async (systemId: string | undefined, _options: object, command: Command) => {
      const body = systemId === undefined ? {} : { systemId };
      const answer = await apiOf(context, command).post('/api/v1/systems/check', body, CheckedSystems);
      if (!answer.isHealthy) context.setExitCode(exitCodes.negative);
      if (isJson(command)) return context.out.json(answer);
      const rows = answer.systems.map((system) => [
        system.systemId,
        system.isHealthy ? 'ok' : 'fails',
        cellLines(system.findings.map(({ level, text }) => `${level}: ${text}`)),
      ]);
      context.out.table(['system', 'state', 'findings'], rows, 'The policy has no systems.');
    });
}
