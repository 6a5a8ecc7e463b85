/** Asks systems whether they can be used, and waits a bounded time for the answers. */
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import type { HrisConnector } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { AppError } from '../domain/errors.ts';
import { CheckAnswer } from '../schemas/api-systems.ts';
import { askSystems, readAnswers, type SystemAnswer } from '../store/system-requests.ts';
import type { HttpDeps } from './app-types.ts';

const ANSWER_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 200;

export interface CheckedSystem extends z.infer<typeof CheckAnswer> {
  systemId: string;
  /** False when no answer came in time: usually no worker is running. */
  hasAnswered: boolean;
}

/**
 * Checks one system or, for null, all of the active policy, side by side. Throws AppError `notFound` for a system that
 * the policy does not name and `conflict` when no policy is active.
 */
export async function checkSystems(
  deps: HttpDeps,
  systemId: string | null,
  answerWithinMs = ANSWER_WITHIN_MS,
): Promise<CheckedSystem[]> {
  const active = await deps.policies.active();
  if (!active) throw new AppError('conflict', 'No policy is active yet: usher policy activate');
  const all = active.policy.systems.map((system) => system.id);
  if (systemId !== null && !all.includes(systemId))
    throw new AppError('notFound', `The active policy has no system ${systemId}.`, 'systemId');
  const wanted = systemId === null ? all : [systemId];
  const hris = await deps.hris('normal');
  const asked = await askWorker(
    deps,
    wanted.filter((id) => !hris.has(id)),
    answerWithinMs,
    wanted.flatMap((id) => {
      const connector = hris.get(id);
      return connector ? [checkHris(id, connector, answerWithinMs)] : [];
    }),
  );
  return asked.toSorted((a, b) => wanted.indexOf(a.systemId) - wanted.indexOf(b.systemId));
}

async function askWorker(
  deps: HttpDeps,
  systemIds: string[],
  answerWithinMs: number,
  own: Promise<CheckedSystem>[],
): Promise<CheckedSystem[]> {
  const requestIds = await askSystems(deps.db, 'check', systemIds, deps.now());
  const [answers, ...checked] = await Promise.all([waitForAnswers(deps, requestIds, answerWithinMs), ...own]);
  return [...answers.map(asChecked), ...checked];
}

async function waitForAnswers(deps: HttpDeps, requestIds: string[], answerWithinMs: number): Promise<SystemAnswer[]> {
  const until = performance.now() + answerWithinMs;
  for (;;) {
    const answers = await readAnswers(deps.db, requestIds);
    const isComplete = answers.every((answer) => answer.doneAt !== null);
    if (isComplete || performance.now() >= until) return answers;
    await delay(LOOK_EVERY_MS);
  }
}

function asChecked(answer: SystemAnswer): CheckedSystem {
  const { systemId } = answer;
  if (answer.doneAt === null)
    return failed(systemId, false, 'no answer in time: is the worker running and able to read the questions?');
  const parsed = CheckAnswer.safeParse(answer.result);
  return parsed.success
    ? { systemId, hasAnswered: true, ...parsed.data }
    : failed(systemId, true, 'the worker gave an answer of an unknown shape');
}

async function checkHris(systemId: string, connector: HrisConnector, timeoutMs: number): Promise<CheckedSystem> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    return { systemId, hasAnswered: true, ...(await connector.check({ operationKey: `check-${systemId}`, signal })) };
  } catch (error) {
    const text = error instanceof ConnectorError ? `${error.code}: ${error.message}` : 'the check itself failed';
    return failed(systemId, error instanceof ConnectorError, text);
  }
}

function failed(systemId: string, hasAnswered: boolean, text: string): CheckedSystem {
  return { systemId, hasAnswered, isHealthy: false, findings: [{ level: 'error', text }] };
}
