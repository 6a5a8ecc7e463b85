/** `inventory`, `systems show`: what a system holds, read into the catalogue and shown from it. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { LastUse } from '../../schemas/last-use.ts';
import { InventoryAnswer, SystemDetail } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { cellLines, moment } from '../output.ts';
import { untilRead } from '../until-read.ts';
import { systemsGroup } from '../systems-group.ts';

type Shown = z.infer<typeof SystemDetail>;

const pathOf = (systemId: string): string => `/api/v1/systems/${encodeURIComponent(systemId)}`;

export function inventoryCommands(program: Command, context: CliContext): void {
  program
    .command('inventory <system>')
    .description('Read a whole system into the catalogue, and list the accounts that answer to nobody')
    .action(async (systemId: string, _options: object, command: Command) => {
      const answer = await untilRead(context, command, `${pathOf(systemId)}/inventory`, {
        shape: InventoryAnswer,
        body: {},
        name: systemId,
      });
      if (isJson(command)) return context.out.json(answer);
      showInventory(answer, context);
    });
  systemsGroup(program)
    .command('show <system>')
    .description('What a system offers, its accounts, whose they are and when they were last used')
    .option('--orphans', 'only accounts of nobody')
    .option('--all', 'every account, not only the first 200')
    .action(async (systemId: string, options: { orphans?: boolean; all?: boolean }, command: Command) => {
      const shown = await readSystem(systemId, options, context, command);
      if (isJson(command)) return context.out.json(shown);
      showSystem(shown, context);
    });
}

function showInventory(taken: Exclude<InventoryAnswer, { state: 'reading' }>, { out }: CliContext): void {
  const { systemId, entitlements, orphans } = taken;
  out.line(`${systemId}: ${taken.accounts} accounts, ${taken.people} of people whom Usher knows.`);
  out.line(
    `${entitlements.total} entitlements: ${entitlements.inPolicy} in the policy, ${entitlements.owned} with a known owner. ${taken.assignments} assignments.`,
  );
  out.line(
    taken.isRecordedAsFound
      ? 'The system is in baseline: what people hold is recorded as found.'
      : 'This is the catalogue alone: who may hold what has not changed.',
  );
  out.table(
    ['account of nobody', 'status', 'can log in', 'holds', 'why'],
    orphans.map((each) => [each.accountId, each.vendorStatus, each.canLogIn ? 'yes' : 'no', each.holds, each.because]),
    'Every account is somebody’s.',
  );
  out.line(`All of it: usher systems show ${systemId}`);
}

async function readSystem(
  systemId: string,
  { orphans, all }: { orphans?: boolean; all?: boolean },
  context: CliContext,
  command: Command,
): Promise<Shown> {
  const api = apiOf(context, command);
  const portion = (after: string | null): Promise<Shown> => {
    const query = new URLSearchParams({
      accounts: orphans === true ? 'orphans' : 'all',
      ...(all === true ? { limit: '1000' } : {}),
      ...(after === null ? {} : { after }),
    });
    return api.get(`${pathOf(systemId)}?${query.toString()}`, SystemDetail);
  };
  let shown = await portion(null);
  while (all === true && shown.after !== null) {
    const next = await portion(shown.after);
    shown = { ...next, accounts: [...shown.accounts, ...next.accounts] };
  }
  return shown;
}

function showSystem(shown: Shown, { out }: CliContext): void {
  const { systemId, usage } = shown;
  const health = shown.failingSince === null ? 'healthy' : `fails since ${moment(shown.failingSince)}`;
  out.line(`${shown.displayName} (${systemId}, ${shown.connector}), ${shown.mode}, ${health}.`);
  out.line(
    shown.readAt === null
      ? `Its accounts were never read: usher inventory ${systemId}`
      : `Accounts as of ${moment(shown.readAt)}. Uses are ${knownUses(usage)}.`,
  );
  out.table(
    ['entitlement', 'in the policy as', 'owner'],
    shown.entitlements.map((each) => [
      `${each.displayName} (${each.vendorEntitlementId})`,
      each.entitlementId,
      cellLines(each.owners.map(({ name, by }) => `${name}, by the ${by}`)),
    ]),
    'No entitlement is known.',
  );
  out.table(
    ['account', 'person', 'status', 'can log in', 'holds', 'last used'],
    shown.accounts.map((each) => [
      each.accountId,
      each.person?.name ?? `nobody: ${each.because ?? ''}`,
      each.vendorStatus,
      each.canLogIn ? 'yes' : 'no',
      cellLines(each.holds.map(({ label, lastUse }) => `${label}${useBeside(lastUse)}`)),
      useText(each.lastUse),
    ]),
    'No account is known.',
  );
  out.line(`${shown.accountCount} accounts, ${shown.orphanCount} of nobody.`);
  if (shown.after !== null) out.line('These are the first ones: --all shows all.');
}

function knownUses({ tells, readUntil, lastErrorCode }: Shown['usage']): string {
  if (tells === 'none' && readUntil === null) return 'not told by this system';
  const failed = lastErrorCode === null ? '' : `, the last reading failed (${lastErrorCode})`;
  return `${readUntil === null ? 'not read yet' : `known until ${moment(readUntil)}`}${failed}`;
}

/** For a column: nothing known is another matter than never used. */
export function useText({ state, at }: Pick<LastUse, 'state' | 'at'>): string {
  return state === 'used' ? moment(at) : state;
}

function useBeside(use: LastUse): string {
  return use.state === 'unknown' ? '' : `, used ${useText(use)}`;
}
