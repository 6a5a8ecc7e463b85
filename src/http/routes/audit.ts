/** Evidence: verifying the whole log, and exporting one case with the proof of each of its records. */
import type { Caller } from '../../auth/tokens.ts';
import { AppError } from '../../domain/errors.ts';
import type { SignedCheckpoint } from '../../evidence/checkpoint-file.ts';
import { exportCase } from '../../evidence/export.ts';
import { verifyLog } from '../../evidence/verify.ts';
import { SampleQuery } from '../../schemas/api-audit-cases.ts';
import { CaseId } from '../../schemas/ids.ts';
import { findCase } from '../../store/read-cases.ts';
import { readArchive } from '../../use-cases/read-archive.ts';
import { recomputeCase } from '../../use-cases/recompute-case.ts';
import { sampleCases } from '../../use-cases/sample-cases.ts';
import { viewerOf, type HttpDeps } from '../app-types.ts';
import { readParam, readQuery } from '../input.ts';
import type { Router } from '../router.ts';

export function auditRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/audit/verify', async (c) => c.json(await verifyLog(deps)));
  router.guarded('GET /api/v1/audit/sample', async (c, caller) => {
    const { kind = null, ...query } = readQuery(c, SampleQuery);
    return c.json(await sampleCases(deps, { ...query, ...viewerOf(caller), kind }));
  });
  router.guarded('GET /api/v1/audit/cases/:caseId', async (c, caller) => {
    const caseId = readParam(c, 'caseId', CaseId);
    await assertVisible(deps, caller, caseId);
    const checkpoint = await freshCheckpoint(deps);
    const histories = await readHistories(deps, caseId);
    const exported = await exportCase({ ...deps, caseId, checkpoint, histories, now: deps.now() });
    switch (exported.outcome) {
      case 'exported':
        return c.json(exported.bundle);
      case 'notFound':
        throw new AppError('notFound', `There is no case ${caseId}.`, 'caseId');
      case 'inconsistent':
        throw new AppError('conflict', `Nothing can be proved: ${exported.finding.message}`);
      default:
        return exported satisfies never;
    }
  });
  router.guarded('GET /api/v1/audit/cases/:caseId/recompute', async (c, caller) => {
    const caseId = readParam(c, 'caseId', CaseId);
    await assertVisible(deps, caller, caseId);
    return c.json(await recomputeCase(deps, caseId));
  });
  router.guarded('GET /api/v1/audit/cases/:caseId/archive', async (c, caller) => {
    const caseId = readParam(c, 'caseId', CaseId);
    await assertVisible(deps, caller, caseId);
    return c.json(await readArchive(deps, caseId));
  });
}

/** A departure that has not taken effect is nobody's business but security's. */
async function assertVisible(deps: HttpDeps, caller: Caller, caseId: string): Promise<void> {
  if (!(await findCase(deps.db, deps, caseId, viewerOf(caller))))
    throw new AppError('notFound', `There is no case ${caseId}, or you may not see it.`, 'caseId');
}

/** A checkpoint over everything that is logged so far, so that a moving case is exported up to this moment. */
async function freshCheckpoint(deps: HttpDeps): Promise<SignedCheckpoint> {
  const made = await deps.checkpointer.checkpoint();
  if (made.outcome === 'refused') throw new AppError('conflict', `Nothing can be proved: ${made.finding.message}`);
  if (made.checkpoint === null) throw new AppError('conflict', 'The evidence log is empty.');
  return made.checkpoint;
}

/** An export without histories would look complete and not be replayable, so that a silent Temporal is an error. */
async function readHistories(deps: HttpDeps, caseId: string): Promise<Record<string, unknown>> {
  if (!deps.temporal) throw new AppError('unavailable', 'Temporal is not connected: the histories cannot be read.');
  try {
    return await deps.temporal.histories(caseId);
  } catch (error) {
    deps.log.warn({ caseId, err: error }, 'histories cannot be read');
    throw new AppError('unavailable', 'Temporal does not answer: the histories cannot be read.');
  }
}
