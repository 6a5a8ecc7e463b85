/** The internal door to the issuer: parses, issues, records what was signed and what was refused. */
import { issue, type RefusalCode } from '../authorisation/issuer.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { IssueRequest, type IssueResult } from '../schemas/authorisation.ts';
import { raiseAlert } from '../store/alerts.ts';
import { sha256Hex } from '../store/sha256.ts';
import type { ServerDeps } from './server-deps.ts';

/** Refusals that a newer event explains; all others mean that somebody asked for what nobody ever planned. */
const explained: ReadonlySet<string> = new Set<RefusalCode>(['observeOnly', 'superseded', 'closedCase', 'denied']);

/** Authorises at most ten items. Bad input throws a ZodError; refusals are results, recorded, and alert once per case. */
export async function issueAuthorisations(deps: ServerDeps, input: unknown): Promise<{ results: IssueResult[] }> {
  const request = IssueRequest.parse(input);
  const { personId, caseN, itemDigests } = request;
  const results = await issue(deps, { personId, caseN, itemDigests });
  const refused = results.filter((result) => result.outcome === 'refused');
  if (refused.length > 0) await recordRefusals(deps, request, refused);
  return { results };
}

async function recordRefusals(
  deps: ServerDeps,
  request: IssueRequest,
  refused: Extract<IssueResult, { outcome: 'refused' }>[],
): Promise<void> {
  const caseId = `case_${request.personId}_${request.caseN}`;
  const now = deps.now();
  const unfounded = refused.filter((result) => !explained.has(result.reason));
  await deps.db.transaction().execute(async (tx) => {
    if (unfounded.length > 0) {
      const text = `A write for ${caseId} was asked for without foundation (${unfounded[0]?.reason ?? ''}). Nothing was written.`;
      const isKnown = await tx
        .selectFrom('person')
        .select('person_id')
        .where('person_id', '=', request.personId)
        .executeTakeFirst();
      const personId = isKnown ? request.personId : null;
      await raiseAlert(
        tx,
        { alertKey: `unfounded/${caseId}/${request.k}`, kind: 'unfoundedWrite', personId, text },
        now,
      );
    }
    const records = refused.map((result): EvidenceInput => {
      const body = { what: 'authorisation', itemDigest: result.itemDigest, reason: result.reason, k: request.k };
      const operationKey = sha256Hex(`${caseId}|${request.k}|${result.itemDigest}|${result.reason}`);
      return { operationKey, kind: 'refused', personId: null, caseId, body, values: null };
    });
    await appendEvidence(tx, deps.vault, records, now);
  });
}
