/** `baseline`, `enforce`: a system begins with what it holds, and is enforced once the difference was read and confirmed. */
import type { Command } from 'commander';
import { BaselineAnswer, EnforceAnswer } from '../api-shapes.ts';
import { isJson, type CliContext } from '../command-context.ts';
import { cellLines } from '../output.ts';
import { untilRead, type Done } from '../until-read.ts';

export function baselineCommands(program: Command, context: CliContext): void {
  const { out } = context;
  program
    .command('baseline <system>')
    .description('Record what a system holds as found before Usher; nobody loses it until the system is enforced')
    .action(async (systemId: string, _options: object, command: Command) => {
      const answer = await untilRead(context, command, `/api/v1/systems/${pathPart(systemId)}/baseline`, {
        name: systemId,
        shape: BaselineAnswer,
        body: {},
      });
      if (isJson(command)) return out.json(answer);
      out.line(`${answer.systemId}: ${answer.accounts} accounts, ${answer.people} of people whom Usher knows.`);
      out.line(`${answer.grants} grants are recorded as found.`);
      out.table(
        ['account of nobody', 'can log in', 'why'],
        orphanRows(answer.unmatched),
        'Every account is somebody’s.',
      );
    });
  program
    .command('enforce <system>')
    .description('Show who would gain and lose on a system; with --confirm, hold it to policy from now on')
    .option('--confirm <hash>', 'switch: the hash of the difference that you read')
    .action(async (systemId: string, options: { confirm?: string }, command: Command) => {
      const answer = await untilRead(context, command, `/api/v1/systems/${pathPart(systemId)}/enforce`, {
        name: systemId,
        shape: EnforceAnswer,
        body: options.confirm === undefined ? {} : { confirm: options.confirm },
      });
      if (isJson(command)) return out.json(answer);
      showDiff(answer, context);
    });
}

function pathPart(systemId: string): string {
  return encodeURIComponent(systemId);
}

function showDiff(answer: Done<EnforceAnswer>, { out }: CliContext): void {
  const rows = answer.people.map(({ person, gains, loses, stays, undecided }) => [
    person.name,
    cellLines(gains.map(({ label, decidedBy }) => `${label}: ${decidedBy.join(' and ')}`)),
    cellLines(loses.map(({ label }) => label)),
    cellLines(stays),
    undecided,
  ]);
  out.table(
    ['person', 'would gain: decided by', 'would lose', 'stays: not in the catalogue', 'cannot be told'],
    rows,
    'Nobody gains or loses anything.',
  );
  out.table(['account of nobody', 'can log in', 'why'], orphanRows(answer.orphans), 'Every account is somebody’s.');
  if (answer.isSwitched)
    return out.line(`${answer.systemId} is enforced from now on: those who gain or lose get a case each.`);
  if (answer.mode === 'enforced') return out.line(`${answer.systemId} is enforced already.`);
  out.line(`${answer.systemId} is in baseline: nobody who stays loses anything. To enforce exactly this:`);
  out.line(`  usher enforce ${answer.systemId} --confirm ${answer.diffHash}`);
}

function orphanRows(accounts: readonly { accountId: string; canLogIn: boolean; because: string }[]) {
  return accounts.map(({ accountId, canLogIn, because }) => [accountId, canLogIn ? 'yes' : 'no', because]);
}
