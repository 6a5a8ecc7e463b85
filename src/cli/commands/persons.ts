/** `person show`, `person erase`, `leave`. A person is named by id or by `<hris>/<key>`, for instance `bamboohr/104`. */
import type { Command } from 'commander';
import { Anything, Person } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { moment } from '../output.ts';
import { useText } from './inventory.ts';

const pathOf = (person: string): string => `/api/v1/persons/${encodeURIComponent(person)}`;

export function personCommands(program: Command, context: CliContext): void {
  const { out } = context;
  const person = program.command('person').description('One person');
  person
    .command('show <person>')
    .description('What they hold and why, their accounts and cases')
    .action(async (id: string, _options: object, command: Command) => {
      const detail = await apiOf(context, command).get(pathOf(id), Person);
      if (isJson(command)) return out.json(detail);
      showPerson(detail, context);
    });
  person
    .command('erase <person>')
    .description('Erase a person for good; the evidence stays verifiable')
    .requiredOption('--reason <reason>', 'requested, retentionEnded or ordered')
    .action(async (id: string, { reason }: { reason: string }, command: Command) => {
      await apiOf(context, command).post(`${pathOf(id)}/erase`, { reason }, Anything);
      out.line('Erased. Nothing that names this person can be read any more, here or in a backup.');
    });
  program
    .command('leave <person>')
    .description('Make somebody leave now: logins are disabled first, then all access is taken away')
    .requiredOption('--reason <text>', 'why')
    .action(async (id: string, { reason }: { reason: string }, command: Command) => {
      const answer = await apiOf(context, command).post(`${pathOf(id)}/leave`, { reason }, Anything);
      if (isJson(command)) return out.json(answer);
      out.line(`The departure has begun. Follow it with: usher person show ${id}`);
    });
}

function showPerson(detail: typeof Person._output, { out }: CliContext): void {
  out.line(`${detail.name} (${detail.personId}), ${detail.spellState}`);
  for (const [name, value] of Object.entries(detail.facts ?? {})) if (value !== null) out.line(`  ${name}: ${value}`);
  out.table(
    ['system', 'holds', 'until', 'why'],
    detail.grants.map((grant) => [
      grant.systemId,
      grant.entitlementId ?? grant.vendorEntitlementId,
      moment(grant.expiresAt),
      grant.why,
    ]),
    'Holds nothing that Usher knows of.',
  );
  out.table(
    ['system', 'account', 'login', 'last used'],
    detail.accounts.map((account) => [account.systemId, account.accountId, account.login, useText(account.lastUse)]),
    'No account that Usher knows of.',
  );
  out.table(
    ['case', 'kind', 'state'],
    detail.cases.map((each) => [each.caseId, each.kind, each.state]),
    'No case.',
  );
}
