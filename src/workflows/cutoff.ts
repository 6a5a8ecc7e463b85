/**
 * Disables the login and revokes the sessions everywhere, at once. A workflow of its own on a queue of its own, so that
 * nothing can stand before it; nobody may cancel it half way.
 */
import { CancellationScope, setHandler } from '@temporalio/workflow';
import { bookkeeping, cutoffAgain, cutoffFirst } from './options.ts';
import * as wire from './wire.ts';
import { withOutage } from './with-outage.ts';

export async function cutoff(input: wire.CutoffInput): Promise<wire.CutoffResult> {
  const systems: wire.CutoffResult['systems'] = {};
  setHandler(wire.status, () => ({
    state: 'cutoff',
    log: Object.entries(systems).map(([id, outcome]) => `${id}: ${outcome}`),
  }));
  await CancellationScope.nonCancellable(() =>
    Promise.all(
      input.systemIds.map(async (systemId) => {
        systems[systemId] = await cutOneSystem(input, systemId);
      }),
    ),
  );
  return { systems };
}

async function cutOneSystem(input: wire.CutoffInput, systemId: string): Promise<'disabled' | 'noAccount' | 'refused'> {
  const outcome = await throughBoth('disableLogin', input, systemId);
  if (outcome !== 'disabled') return outcome;
  await throughBoth('revokeSessions', input, systemId);
  return 'disabled';
}

/** Inside the workflow task first; after the first failure as a normal activity, tried until it is done. */
async function throughBoth(
  step: 'disableLogin' | 'revokeSessions',
  { personId, n }: wire.CutoffInput,
  systemId: string,
): Promise<'disabled' | 'noAccount' | 'refused'> {
  const arg = { personId, n, systemId };
  try {
    const quick = await cutoffFirst[step]({ ...arg, isIncidentOpen: false });
    if (isSettled(quick.outcome)) return quick.outcome;
  } catch {
    // The reason is in the marker of the local activity; the normal one meets the same system.
  }
  const subject = { ...arg, itemKeys: [step] };
  const result = await withOutage(subject, step, async (isIncidentOpen) => {
    const answer = await cutoffAgain[step].executeWithOptions({ summary: `${systemId}: ${step}` }, [
      { ...arg, isIncidentOpen },
    ]);
    return answer.outcome === 'systemDown'
      ? { kind: 'systemDown' as const, errorCode: answer.errorCode ?? 'transient' }
      : { kind: 'done' as const, answer };
  });
  const { outcome, errorCode } = result.answer;
  if (isSettled(outcome)) return outcome;
  const incident = { ...subject, kind: 'itemFailed' as const, errorCode: errorCode ?? 'failed' };
  await bookkeeping.openIncident.executeWithOptions({ summary: `${systemId}: ${step} failed` }, [incident]);
  return 'refused';
}

function isSettled(outcome: string): outcome is 'disabled' | 'noAccount' | 'refused' {
  return outcome === 'disabled' || outcome === 'noAccount' || outcome === 'refused';
}
