/**
 * Takes the worker's word that an account got an address, as far as it can be checked: the facts must lack one, policy
 * must want it written back, and its pattern must make exactly this address of this person's signed name.
 */
import { emailCandidates } from '../domain/propose-email.ts';
import { appendEvidence } from '../evidence/log.ts';
import { WorkEmailReport, type WorkEmailAnswer } from '../schemas/work-email.ts';
import { raiseAlert } from '../store/alerts.ts';
import { getCase } from '../store/cases.ts';
import { latestSnapshot } from '../store/people.ts';
import { queueWorkEmail } from '../store/work-emails.ts';
import type { ServerDeps } from './server-deps.ts';

/** Idempotent. Bad input throws a ZodError; an address without foundation alerts once per case. */
export async function queueReportedEmail(deps: ServerDeps, input: unknown): Promise<WorkEmailAnswer> {
  const report = WorkEmailReport.parse(input);
  const { personId, caseN, systemId, workEmail, login } = report;
  const snapshot = await latestSnapshot(deps.db, deps, personId);
  const version = await deps.policies.active();
  const systems = version?.policy.systems ?? [];
  if (!snapshot || snapshot.facts.workEmail !== null || snapshot.facts.isTerminated) return { outcome: 'notNeeded' };
  const hris = systems.find(({ id }) => id === snapshot.source);
  if (!hris?.writeBack?.includes('workEmail')) return { outcome: 'notNeeded' };
  const pattern = systems.find(({ id }) => id === systemId)?.emailPattern;
  const usherCase = await getCase(deps.db, personId, caseN);
  const candidates = pattern === undefined || !usherCase ? [] : emailCandidates(pattern, snapshot.facts);
  if (!candidates.includes(workEmail) || login !== workEmail) {
    const caseId = `case_${personId}_${caseN}`;
    const text = `An address that policy does not make for this person was reported for ${caseId}. HR was not told.`;
    const alert = { alertKey: `workEmail/${caseId}`, kind: 'unfoundedWrite', personId, text };
    await raiseAlert(deps.db, alert, deps.now());
    return { outcome: 'notProposed' };
  }
  const now = deps.now();
  const { source, facts } = snapshot;
  const key = { source, source_key: facts.sourceKey };
  const row = {
    ...key,
    person_id: personId,
    case_n: caseN,
    address_sealed: deps.vault.seal(personId, { workEmail, login }),
  };
  await deps.db.transaction().execute(async (tx) => {
    if (!(await queueWorkEmail(tx, row, now))) return;
    const caseId = `case_${personId}_${caseN}`;
    const body = { systemId: source, attributes: ['workEmail'], from: systemId };
    const operationKey = `${caseId}/workEmail`;
    await appendEvidence(
      tx,
      deps.vault,
      [{ operationKey, kind: 'intended', personId, caseId, body, values: { workEmail } }],
      now,
    );
  });
  return { outcome: 'queued' };
}
