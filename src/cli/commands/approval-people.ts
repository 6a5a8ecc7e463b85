/** `ask`, `questions`, `answer`, `hand-over`, `deputy add | list | end`. */
import type { Command } from 'commander';
import { Anything, Asked, DeputyList, QuestionList } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { moment } from '../output.ts';

const approvalPath = (id: string): string => `/api/v1/approvals/${encodeURIComponent(id)}`;

export function approvalPeopleCommands(program: Command, context: CliContext): void {
  questionCommands(program, context);
  deputyCommands(program, context);
  program
    .command('hand-over <approval>')
    .description('Hand one approval over to somebody else, who decides in your place')
    .requiredOption('--to <person>', 'a person id or <hris>/<key>')
    .requiredOption('--reason <text>', 'why')
    .action(async (id: string, options: { to: string; reason: string }, command: Command) => {
      const answer = await apiOf(context, command).post(`${approvalPath(id)}/hand-over`, options, Anything);
      if (isJson(command)) return context.out.json(answer);
      context.out.line(`Handed over to ${options.to}, who is told by mail. You do not decide it any more.`);
    });
}

function questionCommands(program: Command, context: CliContext): void {
  const { out } = context;
  program
    .command('ask <approval> <text>')
    .description('Ask before you decide; the time to decide stands still until the answer')
    .option('--of <person>', 'who should know (default: the manager of the person)')
    .action(async (id: string, text: string, options: { of?: string }, command: Command) => {
      const answer = await apiOf(context, command).post(`${approvalPath(id)}/questions`, { text, ...options }, Asked);
      if (isJson(command)) return out.json(answer);
      out.line('Asked. The answer comes by mail; deciding without it is possible at any time.');
    });
  program
    .command('questions')
    .description('Open questions that were put to you')
    .action(async (_options: object, command: Command) => {
      const list = await apiOf(context, command).get('/api/v1/questions', QuestionList);
      if (isJson(command)) return out.json(list);
      const rows = list.questions.map((each) => [each.questionId, each.askedBy.name, moment(each.askedAt), each.text]);
      out.table(['question', 'from', 'asked', 'text'], rows, 'Nobody asks you anything.');
    });
  program
    .command('answer <question> <text>')
    .description('Answer a question of an approver')
    .action(async (id: string, text: string, _options: object, command: Command) => {
      const path = `/api/v1/questions/${encodeURIComponent(id)}/answer`;
      const answer = await apiOf(context, command).post(path, { text }, Anything);
      if (isJson(command)) return out.json(answer);
      out.line('Answered. Who asked is told by mail.');
    });
}

function deputyCommands(program: Command, context: CliContext): void {
  const { out } = context;
  const deputy = program.command('deputy').description('Who decides in your place while you are away');
  deputy
    .command('add <person>')
    .description('For these days somebody may decide your approvals, beside you')
    .requiredOption('--from <day>', 'first day, for instance 2026-12-24')
    .requiredOption('--until <day>', 'last day')
    .action(async (person: string, options: { from: string; until: string }, command: Command) => {
      const answer = await apiOf(context, command).post('/api/v1/deputies', { to: person, ...options }, Anything);
      if (isJson(command)) return out.json(answer);
      out.line(`${person} may decide in your place from ${options.from} to ${options.until}.`);
    });
  deputy
    .command('list')
    .description('Deputies: yours and those whose deputy you are, or all of them for who runs Usher')
    .action(async (_options: object, command: Command) => {
      const list = await apiOf(context, command).get('/api/v1/deputies', DeputyList);
      if (isJson(command)) return out.json(list);
      const rows = list.deputies.map((each) => [
        each.mandateId,
        each.for.name,
        each.deputy.name,
        moment(each.validFrom),
        moment(each.validUntil),
      ]);
      out.table(['deputy id', 'for', 'deputy', 'from', 'until'], rows, 'Nobody has a deputy.');
    });
  deputy
    .command('end <id>')
    .description('End a deputy now')
    .action(async (id: string, _options: object, command: Command) => {
      const path = `/api/v1/deputies/${encodeURIComponent(id)}/end`;
      const answer = await apiOf(context, command).post(path, {}, Anything);
      if (isJson(command)) return out.json(answer);
      out.line('Ended.');
    });
}
