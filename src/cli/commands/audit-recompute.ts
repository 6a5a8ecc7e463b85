/** `audit recompute`: were the recorded decisions those that facts, policy and decisions of then give? */
import type { Command } from 'commander';
import { Recomputation } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { exitCodes } from '../exit-code.ts';
import { moment } from '../output.ts';

export function recomputeCommand(audit: Command, context: CliContext): void {
  audit
    .command('recompute <case>')
    .description('Run the recorded plans of a case again from stored facts, policy and decisions, and compare')
    .action(async (id: string, _options: object, command: Command) => {
      const path = `/api/v1/audit/cases/${encodeURIComponent(id)}/recompute`;
      const result = await apiOf(context, command).get(path, Recomputation);
      if (result.verdict !== 'match' && result.verdict !== 'nothingPlanned') context.setExitCode(exitCodes.negative);
      if (isJson(command)) return context.out.json(result);
      show(result, context);
    });
}

function show({ caseId, verdict, plans }: Recomputation, { out }: CliContext): void {
  for (const plan of plans) {
    const policy = plan.policyHash?.slice(0, 12) ?? 'unknown';
    out.line(`${moment(plan.plannedAt)}  ${plan.itemCount} items under policy ${policy}: ${sentences[plan.verdict]}`);
    for (const { field, itemDigest, recorded, recomputed } of plan.differences) {
      const item = itemDigest === null ? '' : ` [${itemDigest.slice(0, 12)}]`;
      out.line(`  ${field}${item}: recorded ${recorded ?? 'nothing'}, recomputed ${recomputed ?? 'nothing'}`);
    }
  }
  out.line(`${caseId}: ${sentences[verdict]}`);
}

const sentences: Record<Recomputation['verdict'], string> = {
  match: 'MATCH. Facts, policy and decisions of then give the same items, risks and routes.',
  differs: 'DIFFERS from what was recorded.',
  erased: 'cannot be recomputed: the person was erased, and the facts with them.',
  unreadable: 'cannot be recomputed: the inputs were not recorded.',
  nothingPlanned: 'nothing was planned.',
};
