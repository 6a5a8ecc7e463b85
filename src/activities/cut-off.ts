/** The cut-off at one system: find the account, disable the login, read it back, revoke the sessions. */
import { checkDeparture } from '../authorisation/verifier.ts';
import type { AccountView, CallContext } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { isObserveOnly } from '../domain/observe-only.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import { raiseAlert } from '../store/alerts.ts';
import { getCutoff, openDeparture } from '../store/cases.ts';
import { getPerson } from '../store/people.ts';
import { sha256Hex } from '../store/sha256.ts';
import { tellStory } from '../store/story.ts';
import { correlationKeys } from './account-profile.ts';
import { currentSignal, toApplicationFailure, translated } from './failures.ts';
import { noteHealed } from './incidents.ts';
import { noteAccount } from './operation-evidence.ts';
import { CONTRADICTED, outageVerdict } from './outage.ts';
import { noteWait, ownersAnswer } from './outside-waits.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface CutOffInput {
  personId: string;
  n: number;
  systemId: string;
  isIncidentOpen: boolean;
}

export type CutOffOutcome = 'disabled' | 'noAccount' | 'refused' | 'systemDown' | 'failed';
export interface CutOffResult {
  outcome: CutOffOutcome;
  errorCode: string | null;
}

/**
 * Disables every login of the person at the system, from whatever status the account has. Safe to repeat. Nothing is
 * written without the departure that the server signed: an invented call changes nothing and raises one alert.
 */
export async function disableLogin(deps: WorkerDeps, input: CutOffInput): Promise<CutOffResult> {
  const refusal = await refusalOf(deps, input);
  if (refusal !== null) return refuse(deps, input, refusal);
  try {
    const system = await translated(() => deps.pool.open('target', input.systemId, 'urgent'));
    const accounts = await findAll(deps, input, system);
    for (const account of accounts) await disableOne(deps, input, system, account);
    await outageVerdict.noteHealthy(deps, input.systemId);
    await noteHealed(deps, { ...input, itemKeys: ['disableLogin'] });
    return { outcome: accounts.length === 0 ? 'noAccount' : 'disabled', errorCode: null };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    if (error.code === 'awaitingHuman') return waitForPerson(deps, input, error);
    const verdict = await outageVerdict.judge(deps, input.systemId, error);
    if (verdict === 'permanent') return { outcome: 'failed', errorCode: error.code };
    if (verdict === 'down' && !input.isIncidentOpen) return { outcome: 'systemDown', errorCode: error.code };
    throw toApplicationFailure(error);
  }
}

/** Throws until the person outside acted; overdue, an incident comes first. */
async function waitForPerson(deps: WorkerDeps, input: CutOffInput, error: ConnectorError): Promise<CutOffResult> {
  const isOverdue =
    error instanceof OwnerSilent ? error.isOverdue : (await noteWait(deps, waitSubjectOf(input), error)).isOverdue;
  if (isOverdue && !input.isIncidentOpen) return { outcome: 'systemDown', errorCode: error.code };
  throw toApplicationFailure(error);
}

const waitSubjectOf = (input: CutOffInput) => ({
  ...input,
  operationKey: operationKeyOfCutoff(input),
  action: 'disable',
  vendorEntitlementId: null,
});

/** The ticket says done, and the owner of the system nothing so far: that wait is on record already. */
class OwnerSilent extends ConnectorError {
  readonly isOverdue: boolean;
  constructor({ message, detail }: ConnectorError, isOverdue: boolean) {
    super('awaitingHuman', message, detail);
    this.isOverdue = isOverdue;
  }
}

/** Why the call has no foundation, or null. */
async function refusalOf(deps: WorkerDeps, input: CutOffInput): Promise<string | null> {
  const [cutoff, person] = await Promise.all([
    getCutoff(deps.db, input.personId, input.n),
    getPerson(deps.db, input.personId),
  ]);
  if (!cutoff || !person) return 'unknown';
  const signed = openDeparture(cutoff, deps.verifier);
  if (!signed) return 'forged';
  if (cutoff.state !== 'started') return 'notStarted';
  const active = await deps.policies.active();
  if (active && isObserveOnly(active.policy, input.systemId)) return 'observeOnly';
  const expected = { personId: input.personId, caseN: input.n, systemId: input.systemId, fence: person.fence };
  const verdict = checkDeparture(deps.verifier, signed, expected, deps.now());
  return verdict.isValid ? null : verdict.because;
}

async function refuse(deps: WorkerDeps, input: CutOffInput, because: string): Promise<CutOffResult> {
  const caseId = `case_${input.personId}_${input.n}`;
  const now = deps.now();
  await deps.db.transaction().execute(async (tx) => {
    if (because !== 'superseded' && because !== 'observeOnly') {
      const isKnown = await tx
        .selectFrom('person')
        .select('person_id')
        .where('person_id', '=', input.personId)
        .executeTakeFirst();
      const text = `A cut-off for ${caseId} was refused (${because}). Nothing was written.`;
      await raiseAlert(
        tx,
        { alertKey: `cutoff/${caseId}`, kind: 'unfoundedWrite', personId: isKnown ? input.personId : null, text },
        now,
      );
    }
    const operationKey = sha256Hex(`cutoff|${input.personId}|${input.n}|${input.systemId}|${because}`);
    const body = { what: 'cutoff', systemId: input.systemId, because };
    await appendEvidence(
      tx,
      deps.vault,
      [{ operationKey, kind: 'refused', personId: null, caseId, body, values: null }],
      now,
    );
  });
  return { outcome: 'refused', errorCode: because };
}

/** Two accounts with a key of one person are for somebody to look at: the wrong one may be a stranger's. */
async function findAll(deps: WorkerDeps, input: CutOffInput, system: OpenSystem<'target'>): Promise<AccountView[]> {
  const keys = await correlationKeys(deps.db, input.personId, input.systemId);
  const call = callOf(input);
  const found = await system.connector.findAccount(keys, call);
  switch (found.outcome) {
    case 'none':
      return [];
    case 'found':
      return [found.account];
    case 'ambiguous':
      throw new ConnectorError('ambiguous', `${found.accountIds.length} accounts carry a key of this person`, {
        systemId: input.systemId,
        operation: 'findAccount',
      });
    default:
      return found satisfies never;
  }
}

function callOf(input: CutOffInput): CallContext {
  return { operationKey: operationKeyOfCutoff(input), ...currentSignal() };
}

function operationKeyOfCutoff(input: CutOffInput): string {
  return sha256Hex(`cutoff|${input.personId}|${input.n}|${input.systemId}`);
}

async function disableOne(
  deps: WorkerDeps,
  input: CutOffInput,
  system: OpenSystem<'target'>,
  account: AccountView,
): Promise<void> {
  const call = callOf(input);
  await append(deps, input, 'intended', {
    action: 'disable',
    accountId: account.accountId,
    vendorStatus: account.vendorStatus,
  });
  const written = await system.connector.setLogin(account.accountId, 'disabled', call);
  deps.crashPoint('afterWriteSent');
  const answer = await ownersAnswer(deps, system, { ...waitSubjectOf(input), accountId: account.accountId }, call);
  if (answer?.state === 'waiting') throw new OwnerSilent(answer.error, answer.isOverdue);
  const after = await system.connector.getAccount(account.accountId, call);
  const isCut = after === null || !after.canLogIn;
  await noteAccount(deps, input, after ?? { ...account, canLogIn: false }, 'found');
  const body = {
    action: 'disable',
    accountId: account.accountId,
    outcome: written.outcome,
    vendorRequestId: written.receipt.requestId,
    ...(answer === null ? {} : { confirmedBy: answer.by }),
  };
  await append(deps, input, evidenceKind(isCut, answer !== null), body);
  deps.crashPoint('afterEvidence');
  const line = { at: deps.now(), personId: input.personId, n: input.n };
  if (!isCut) {
    const items = [{ label: 'disabling the login', action: 'disable' }];
    await tellStory(deps.db, { ...line, kind: 'contradicted', data: { systemId: input.systemId, round: 1, items } });
    throw new ConnectorError('transient', 'the login still works after the disable', {
      systemId: input.systemId,
      operation: 'setLogin',
      vendorCode: CONTRADICTED,
    });
  }
  // The case asserts the cut-off again later; what was done already is no news.
  if (written.outcome === 'unchanged') return;
  await tellStory(deps.db, { ...line, kind: 'cutOff', data: { systemId: input.systemId } });
}

function evidenceKind(isCut: boolean, isByHand: boolean): EvidenceInput['kind'] {
  if (isByHand) return isCut ? 'confirmed' : 'denied';
  return isCut ? 'verified' : 'contradicted';
}

async function append(
  deps: WorkerDeps,
  input: CutOffInput,
  kind: EvidenceInput['kind'],
  body: Record<string, unknown>,
): Promise<void> {
  const record: EvidenceInput = {
    operationKey: operationKeyOfCutoff(input),
    kind,
    personId: input.personId,
    caseId: `case_${input.personId}_${input.n}`,
    body: { what: 'cutoff', systemId: input.systemId, ...body },
    values: null,
  };
  await deps.db.transaction().execute((tx) => appendEvidence(tx, deps.vault, [record], deps.now()));
}

/** Ends the sessions of the person at the system. Same foundation and same answers as {@link disableLogin}. */
export async function revokeSessions(deps: WorkerDeps, input: CutOffInput): Promise<CutOffResult> {
  const refusal = await refusalOf(deps, input);
  if (refusal !== null) return { outcome: 'refused', errorCode: refusal };
  try {
    const system = await translated(() => deps.pool.open('target', input.systemId, 'urgent'));
    if (system.manifest.capabilities.sessionRevocation === 'none') return { outcome: 'disabled', errorCode: null };
    const accounts = await findAll(deps, input, system);
    for (const account of accounts) {
      const result = await system.connector.revokeSessions(account.accountId, callOf(input));
      await append(deps, input, 'applied', {
        action: 'revokeSessions',
        accountId: account.accountId,
        residualSeconds: result.residualSeconds,
      });
    }
    await noteHealed(deps, { ...input, itemKeys: ['revokeSessions'] });
    return { outcome: accounts.length === 0 ? 'noAccount' : 'disabled', errorCode: null };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const verdict = await outageVerdict.judge(deps, input.systemId, error);
    if (verdict === 'permanent') return { outcome: 'failed', errorCode: error.code };
    if (verdict === 'down' && !input.isIncidentOpen) return { outcome: 'systemDown', errorCode: error.code };
    throw toApplicationFailure(error);
  }
}
