/** Tells a failure that waiting heals from one that it does not, and a hiccup from an outage. */
import { isRetryable, type ConnectorError } from '../connectors/kit/errors.ts';
import { noteFailure, noteSuccess } from '../store/system-health.ts';
import { tellStory } from '../store/story.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** A system that said yes and did not do it: the story tells that where it happens, and not as an outage. */
export const CONTRADICTED = 'contradicted';

export type FailureVerdict = 'permanent' | 'wait' | 'down';

export const outageVerdict = {
  /** `down` once the system has failed for longer than `outage.incidentAfter`. Throttling is never an outage. */
  async judge(deps: WorkerDeps, systemId: string, error: ConnectorError): Promise<FailureVerdict> {
    if (!isRetryable(error.code)) return 'permanent';
    if (error.code === 'throttled' || error.code === 'propagating' || error.code === 'awaitingHuman') return 'wait';
    const errorCode = error.detail.vendorCode === CONTRADICTED ? CONTRADICTED : error.code;
    const failingMs = await noteFailure(deps.db, systemId, errorCode, deps.now());
    if (failingMs === 0 && errorCode !== CONTRADICTED)
      await tellStory(deps.db, {
        at: deps.now(),
        personId: null,
        n: null,
        kind: 'systemDown',
        data: { systemId, errorCode: error.code },
      });
    const version = await deps.policies.active();
    const incidentAfterMs = (version?.policy.lifecycle.outage.incidentAfter ?? 900) * 1000;
    return failingMs >= incidentAfterMs ? 'down' : 'wait';
  },

  async noteHealthy(deps: WorkerDeps, systemId: string): Promise<void> {
    const failedWith = await noteSuccess(deps.db, systemId, deps.now());
    if (failedWith !== null && failedWith !== CONTRADICTED)
      await tellStory(deps.db, { at: deps.now(), personId: null, n: null, kind: 'systemBack', data: { systemId } });
  },
};
