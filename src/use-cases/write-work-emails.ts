/** Carries queued work addresses to HR: written into an empty field, read back, tried again while HR does not answer. */
import { ConnectorError, isRetryable } from '../connectors/kit/errors.ts';
import type { HrisConnector } from '../connectors/kit/contract.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { raiseAlert } from '../store/alerts.ts';
import {
  dropWorkEmail,
  dueWorkEmails,
  updateWorkEmail,
  type WorkEmail,
  type WorkEmailRow,
} from '../store/work-emails.ts';
import type { ServerDeps } from './server-deps.ts';

const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 10 * 60_000;

/** `verified`: HR shows it. `kept`: HR has another address by now, which stands. `retry`: not yet. Else what HR refused with. */
type Outcome = { kind: 'verified' | 'kept' } | { kind: 'retry' | 'failed'; errorCode: string };

/** One round over what is due. Safe to run twice at once: what is written is asserted, and only into an empty field. */
export async function writeWorkEmails(deps: ServerDeps): Promise<void> {
  const rows = await dueWorkEmails(deps.db, deps.now());
  if (rows.length === 0) return;
  const hris = await deps.hris('normal');
  for (const row of rows) {
    const address = deps.vault.isErased(row.person_id)
      ? null
      : deps.vault.open<WorkEmail>(row.person_id, row.address_sealed);
    if (address === null) {
      await dropWorkEmail(deps.db, row);
      continue;
    }
    await settle(deps, row, await carry(deps, row, hris.get(row.source), address));
  }
}

async function carry(
  deps: ServerDeps,
  row: WorkEmailRow,
  connector: HrisConnector | undefined,
  address: WorkEmail,
): Promise<Outcome> {
  const version = await deps.policies.active();
  const isWanted =
    version?.policy.systems.find(({ id }) => id === row.source)?.writeBack?.includes('workEmail') ?? false;
  if (!isWanted) return { kind: 'failed', errorCode: 'policyChanged' };
  if (connector === undefined) return { kind: 'retry', errorCode: 'unavailable' };
  const call = { operationKey: `${row.source}/${row.source_key}/workEmail` };
  try {
    await connector.writeWorkEmail(row.source_key, address, call);
    const facts = await connector.getPerson(row.source_key, call);
    if (facts === null) return { kind: 'failed', errorCode: 'notFound' };
    if (facts.workEmail === null) return { kind: 'retry', errorCode: 'contradicted' };
    return { kind: facts.workEmail.toLowerCase() === address.workEmail.toLowerCase() ? 'verified' : 'kept' };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return { kind: isRetryable(error.code) ? 'retry' : 'failed', errorCode: error.code };
  }
}

async function settle(deps: ServerDeps, row: WorkEmailRow, outcome: Outcome): Promise<void> {
  const now = deps.now();
  if (outcome.kind === 'retry') {
    const attempts = row.attempts + 1;
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(attempts, 20));
    const next = { attempts, outcome: outcome.errorCode, next_at: new Date(now.getTime() + waitMs) };
    await updateWorkEmail(deps.db, row, next);
    return;
  }
  const isFailed = outcome.kind === 'failed';
  const caseId = `case_${row.person_id}_${row.case_n}`;
  const detail = isFailed ? { errorCode: outcome.errorCode } : { outcome: outcome.kind };
  const record: EvidenceInput = {
    operationKey: `${caseId}/workEmail`,
    kind: outcome.kind === 'verified' ? 'verified' : 'refused',
    personId: row.person_id,
    caseId,
    body: { systemId: row.source, attributes: ['workEmail'], ...detail },
    values: null,
  };
  await deps.db.transaction().execute(async (tx) => {
    const state = isFailed ? ('failed' as const) : ('done' as const);
    await updateWorkEmail(tx, row, { state, outcome: isFailed ? outcome.errorCode : outcome.kind, done_at: now });
    if (isFailed) {
      const text = `The work e-mail of ${caseId} cannot be written to ${row.source} (${outcome.errorCode}). Enter it there by hand.`;
      const alert = { alertKey: `writeBack/${caseId}`, kind: 'writeBack', personId: row.person_id, text };
      await raiseAlert(tx, alert, now);
    }
    await appendEvidence(tx, deps.vault, [record], now);
  });
}
