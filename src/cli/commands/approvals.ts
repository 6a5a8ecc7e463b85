/** `approvals`, `approve`, `deny`. */
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { Anything, Approval, ApprovalList, Me } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { cellLines, moment } from '../output.ts';

interface DecideOptions {
  item?: string[];
  reason?: string;
}

export function approvalCommands(program: Command, context: CliContext): void {
  const { out } = context;
  program
    .command('approvals')
    .description('List open approvals: yours, or all of them for who runs Usher')
    .action(async (_options: object, command: Command) => {
      const list = await apiOf(context, command).get('/api/v1/approvals', ApprovalList);
      if (isJson(command)) return out.json(list);
      const rows = list.approvals.map((approval) => [
        approval.approvalId,
        approval.person.name,
        cellLines(approval.items.map((item) => `${item.itemDigest.slice(0, 8)} ${label(item)}, risk ${item.risk}`)),
        cellLines(approval.waitsFor.map(({ name }) => name)),
        moment(approval.expiresAt),
      ]);
      out.table(['approval', 'who for', 'items', 'waits for', 'due'], rows, 'Nothing waits.');
    });
  program
    .command('approve <approval>')
    .description('Approve all items of an approval, or some of them')
    .option('--item <digest...>', 'only these items, by the first 6 or more digits of their digest')
    .option('--reason <text>', 'why; needed above risk 6')
    .action((id: string, options: DecideOptions, command: Command) =>
      decide({ id, verdict: 'approve', options, command, context }),
    );
  program
    .command('deny <approval>')
    .description('Deny all items of an approval, or some of them')
    .option('--item <digest...>', 'only these items, by the first 6 or more digits of their digest')
    .requiredOption('--reason <text>', 'why')
    .action((id: string, options: DecideOptions, command: Command) =>
      decide({ id, verdict: 'deny', options, command, context }),
    );
}

interface DecideInput {
  id: string;
  verdict: 'approve' | 'deny';
  options: DecideOptions;
  command: Command;
  context: CliContext;
}

async function decide({ id, verdict, options, command, context }: DecideInput): Promise<void> {
  const api = apiOf(context, command);
  const path = `/api/v1/approvals/${encodeURIComponent(id)}`;
  const approval = await api.get(path, Approval);
  const digests = options.item === undefined ? await openDigests(api, approval) : pickDigests(approval, options.item);
  const verdicts = digests.map((itemDigest) => ({ itemDigest, verdict }));
  const body = { verdicts, reason: options.reason ?? '', surface: 'cli' };
  const answer = await api.post(`${path}/decisions`, body, Anything);
  if (isJson(command)) return context.out.json(answer);
  const word = verdict === 'approve' ? 'approved' : 'denied';
  const names = approval.items.filter((item) => digests.includes(item.itemDigest)).map(label);
  context.out.line(`${word} for ${approval.person.name}: ${names.join(', ')}`);
}

/** What the caller has not decided yet; all items when they have decided everything, so that the server says so. */
async function openDigests(api: ApiClient, approval: Approval): Promise<string[]> {
  const { personId } = await api.get('/api/v1/me', Me);
  const mine = approval.decisions.filter((decision) => decision.approver.personId === personId);
  const decided = mine.flatMap((decision) => decision.verdicts.map((each) => each.itemDigest));
  const all = approval.items.map((item) => item.itemDigest);
  const open = all.filter((digest) => !decided.includes(digest));
  return open.length === 0 ? all : open;
}

function pickDigests(approval: Approval, prefixes: string[]): string[] {
  const picked = prefixes.map((prefix) => {
    if (!/^[0-9a-f]{6,64}$/.test(prefix))
      throw new CliError(exitCodes.usage, '--item: expected 6 to 64 hex digits', 'usher approvals shows the digests.');
    const fitting = approval.items.filter((item) => item.itemDigest.startsWith(prefix));
    const [first] = fitting;
    if (!first) throw new CliError(exitCodes.notFound, `--item: the approval holds no item ${prefix}`);
    if (fitting.length > 1) throw new CliError(exitCodes.usage, `--item: ${prefix} fits more than one item`);
    return first.itemDigest;
  });
  return [...new Set(picked)];
}

function label(item: { action: string; entitlementId: string | null; profileId: string | null }): string {
  return `${item.action} ${item.entitlementId ?? item.profileId ?? 'account'}`;
}
