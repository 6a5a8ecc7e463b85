/**
 * Writes the items of one person at one system. Before each attempt the issuer is asked, before each vendor call the
 * permission and the fence are checked again, and each outcome is kept under its operation key, so that a retry goes on
 * where the last attempt stopped.
 */
import { ApplicationFailure } from '@temporalio/activity';
import { checkAuthorisation } from '../authorisation/verifier.ts';
import type { CorrelationKeys } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import type { SignedAuthorisation } from '../schemas/authorisation.ts';
import { whileLocked } from '../store/db.ts';
import { operationKeyOf, operationsOf, type OperationRow } from '../store/operations.ts';
import { getPerson } from '../store/people.ts';
import { correlationKeys } from './account-profile.ts';
import { toApplicationFailure, translated } from './failures.ts';
import { noteIntended, noteOutcomes, noteRefused, type OutcomeNote, type WriteSubject } from './operation-evidence.ts';
import { outageVerdict } from './outage.ts';
import { noteWait } from './outside-waits.ts';
import { writeItem, type WriteSession } from './write-item.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface ApplyAccessInput {
  personId: string;
  n: number;
  k: number;
  /** 1, or 2 for the one business retry. */
  round: number;
  systemId: string;
  /** At most ten. */
  itemDigests: string[];
  /** The workflow has an incident open for this system: keep trying instead of reporting the outage again. */
  isIncidentOpen: boolean;
}

export type AppliedOutcome = 'applied' | 'failed' | 'superseded' | 'refused';

export type ApplyAccessResult =
  | { kind: 'done'; outcomes: { itemDigest: string; outcome: AppliedOutcome; errorCode: string | null }[] }
  /** Down for longer than policy allows without an incident. Open one, then call again with `isIncidentOpen`. */
  | { kind: 'systemDown'; errorCode: string };

/**
 * Idempotent by operation key; two calls for one person at one system exclude each other by a lock in the database.
 * Throws retryable failures for throttling, outage and unknown outcomes; these consume no business retry.
 */
export async function applyAccess(deps: WorkerDeps, input: ApplyAccessInput): Promise<ApplyAccessResult> {
  const subject = `${input.personId}/${input.systemId}`;
  return whileLocked(deps.db, 'personOnSystem', subject, () => applyLocked(deps, input));
}

async function applyLocked(deps: WorkerDeps, input: ApplyAccessInput): Promise<ApplyAccessResult> {
  const keyOf = (itemDigest: string): string => operationKeyOf({ ...input, itemDigest });
  const known = await operationsOf(deps.db, input.itemDigests.map(keyOf));
  const outcomes = new Map<string, { outcome: AppliedOutcome; errorCode: string | null }>();
  const open: string[] = [];
  for (const itemDigest of input.itemDigests) {
    const done = finished(known.get(keyOf(itemDigest)));
    if (done) outcomes.set(itemDigest, done);
    else open.push(itemDigest);
  }
  if (open.length > 0) {
    const permitted = await askIssuer(deps, input, open, outcomes);
    if (permitted.length > 0) {
      const verdict = await writeAll(deps, input, permitted, outcomes);
      if (verdict) return verdict;
    }
  }
  return {
    kind: 'done',
    outcomes: input.itemDigests.map((itemDigest) => ({
      itemDigest,
      ...(outcomes.get(itemDigest) ?? { outcome: 'refused' as const, errorCode: null }),
    })),
  };
}

function finished(row: OperationRow | undefined): { outcome: AppliedOutcome; errorCode: string | null } | null {
  if (!row) return null;
  switch (row.state) {
    case 'applied':
    case 'verified':
    case 'contradicted':
      return { outcome: 'applied', errorCode: null };
    case 'failed':
      return { outcome: 'failed', errorCode: row.error_code };
    case 'intended':
    case 'superseded':
      // Asked again: the issuer decides anew.
      return null;
    default:
      return row.state satisfies never;
  }
}

type Outcomes = Map<string, { outcome: AppliedOutcome; errorCode: string | null }>;

const superseded = new Set(['superseded', 'closedCase', 'denied', 'observeOnly']);

async function askIssuer(
  deps: WorkerDeps,
  input: ApplyAccessInput,
  open: string[],
  outcomes: Outcomes,
): Promise<SignedAuthorisation[]> {
  const { personId, n, k } = input;
  const results = await translated(() => deps.server.issue({ personId, caseN: n, k, itemDigests: open }));
  const permitted: SignedAuthorisation[] = [];
  for (const result of results) {
    if (result.outcome === 'authorised') permitted.push(result.signed);
    else
      outcomes.set(result.itemDigest, {
        outcome: superseded.has(result.reason) ? 'superseded' : 'refused',
        errorCode: result.reason,
      });
  }
  return permitted;
}

async function writeAll(
  deps: WorkerDeps,
  input: ApplyAccessInput,
  permitted: SignedAuthorisation[],
  outcomes: Outcomes,
): Promise<ApplyAccessResult | null> {
  const system = await translated(() => deps.pool.open('target', input.systemId));
  const subjects = permitted.map((signed) => subjectOf(input, signed));
  await noteIntended(deps, subjects);
  const keys = await correlationKeys(deps.db, input.personId, input.systemId);
  const notes: Note[] = [];
  const session: WriteSession = { accountId: null, isHealthy: false };
  const waits: Waits = { first: null, isOverdue: false };
  try {
    for (const [index, signed] of permitted.entries()) {
      const subject = subjects[index];
      if (!subject) continue;
      const verdict = await writeOne(deps, input, { system, signed, subject, keys, session, notes, waits }, outcomes);
      if (verdict) return verdict;
    }
    return waitForPeople(input, waits);
  } finally {
    // Also before a retry: it goes on where this attempt stopped. A crash before it repeats writes that assert a state.
    await noteOutcomes(deps, notes);
    deps.crashPoint('afterEvidence');
  }
}

interface Note {
  subject: WriteSubject;
  note: OutcomeNote;
}

function subjectOf(input: ApplyAccessInput, { authorisation }: SignedAuthorisation): WriteSubject {
  const { itemDigest } = authorisation.item;
  return {
    operationKey: operationKeyOf({ ...input, itemDigest }),
    personId: input.personId,
    n: input.n,
    k: input.k,
    round: input.round,
    systemId: input.systemId,
    itemDigest,
    authorisation,
  };
}

interface Write {
  system: OpenSystem<'target'>;
  signed: SignedAuthorisation;
  subject: WriteSubject;
  keys: CorrelationKeys;
  session: WriteSession;
  notes: Note[];
  waits: Waits;
}

/** Items for which a person outside has to act: all of them are asked for before any is waited for. */
interface Waits {
  first: ConnectorError | null;
  isOverdue: boolean;
}

function waitForPeople(input: ApplyAccessInput, { first, isOverdue }: Waits): ApplyAccessResult | null {
  if (first === null) return null;
  if (isOverdue && !input.isIncidentOpen) return { kind: 'systemDown', errorCode: first.code };
  throw toApplicationFailure(first);
}

async function writeOne(
  deps: WorkerDeps,
  input: ApplyAccessInput,
  write: Write,
  outcomes: Outcomes,
): Promise<ApplyAccessResult | null> {
  const { subject, signed, system, keys, session, notes } = write;
  const { itemDigest } = subject;
  const assertPermitted = async (): Promise<void> => {
    const person = await getPerson(deps.db, input.personId);
    const expected = {
      personId: input.personId,
      caseN: input.n,
      itemDigest,
      systemId: input.systemId,
      fence: person?.fence ?? -1,
    };
    const verdict = checkAuthorisation(deps.verifier, signed, expected, deps.now());
    if (!verdict.isValid) throw new NotPermitted(verdict.because);
  };
  try {
    const { item } = signed.authorisation;
    const written = await writeItem(deps, { system, item, subject, keys, session, assertPermitted });
    notes.push({ subject, note: { state: 'applied', ...written } });
    // A success ends an outage once; a failure that begins the next one ends this call.
    if (!session.isHealthy) await outageVerdict.noteHealthy(deps, input.systemId);
    session.isHealthy = true;
    outcomes.set(itemDigest, { outcome: 'applied', errorCode: null });
    return null;
  } catch (error) {
    if (error instanceof NotPermitted && isOnlyOld(error.because)) {
      // A slow system outlived its permission: the next attempt asks for a new one, and the issuer decides anew.
      throw ApplicationFailure.create({ type: 'authorisationExpired', message: 'the permission is too old' });
    }
    if (error instanceof NotPermitted) {
      await noteRefused(deps, subject, error.because);
      outcomes.set(itemDigest, { outcome: 'superseded', errorCode: error.because });
      return null;
    }
    return onFailure(deps, input, write, error, outcomes);
  }
}

async function onFailure(
  deps: WorkerDeps,
  input: ApplyAccessInput,
  { subject, notes, waits }: Pick<Write, 'subject' | 'notes' | 'waits'>,
  error: unknown,
  outcomes: Outcomes,
): Promise<ApplyAccessResult | null> {
  if (!(error instanceof ConnectorError)) throw error;
  if (error.code === 'awaitingHuman') {
    const { action, vendorEntitlementId } = subject.authorisation.item;
    const { isOverdue } = await noteWait(deps, { ...subject, action, vendorEntitlementId }, error);
    waits.first ??= error;
    waits.isOverdue ||= isOverdue;
    return null;
  }
  const verdict = await outageVerdict.judge(deps, input.systemId, error);
  switch (verdict) {
    case 'permanent':
      notes.push({
        subject,
        note: {
          state: 'failed',
          errorCode: error.code,
          outcome: null,
          accountId: null,
          requestId: error.detail.vendorRequestId ?? null,
        },
      });
      outcomes.set(subject.itemDigest, { outcome: 'failed', errorCode: error.code });
      return null;
    case 'down':
      if (!input.isIncidentOpen) return { kind: 'systemDown', errorCode: error.code };
      throw toApplicationFailure(error);
    case 'wait':
      throw toApplicationFailure(error);
    default:
      return verdict satisfies never;
  }
}

function isOnlyOld(because: string): boolean {
  return because === 'expired' || because === 'notYet';
}

/** The permission does not hold at the moment of the call. */
export class NotPermitted extends Error {
  override readonly name = 'NotPermitted';
  readonly because: string;
  constructor(because: string) {
    super(`not permitted: ${because}`);
    this.because = because;
  }
}
