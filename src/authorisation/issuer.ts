/**
 * The issuer: signs permission for single writes. It believes no workflow and no row that the worker wrote: what may be
 * granted is derived again from signed snapshots, policy and decisions; what may be removed follows from their absence.
 */
import { itemDigest } from '../domain/item-digest.ts';
import type { Justification } from '../domain/justified.ts';
import { mayDisable, mayTake } from '../domain/plan-removals.ts';
import { isObserveOnly } from '../domain/observe-only.ts';
import { itemOutcome } from '../domain/item-outcome.ts';
import type { Authorisation, IssueResult } from '../schemas/authorisation.ts';
import type { Item, ItemBasis } from '../schemas/item.ts';
import { getCase, type CaseRow } from '../store/cases.ts';
import type { Db } from '../store/db.ts';
import {
  isDeferred,
  grantableIds,
  justifiedNow,
  mayAccess,
  planAccess,
  readPersonContext,
  type ContextKeys,
  type PersonContext,
} from '../store/person-context.ts';
import { sha256Hex } from '../store/sha256.ts';
import { readTakeableIds } from '../store/takeable.ts';
import type { Signer } from '../store/signing-key.ts';
import { recentSnapshotRows } from '../store/people.ts';
import { refusalOfUpdate } from './judge-update.ts';

/** Long enough for one attempt of ten writes, short enough that a stolen one is soon worth nothing. */
const AUTHORISATION_LIFE_MS = 5 * 60_000;
const CLOCK_SKEW_MS = 30_000;
/** More than a case can span. */
const SNAPSHOTS_MAX = 50;

/**
 * Why a write is refused. `superseded`: it was right once, and something newer ended it. All others have no foundation
 * at all: somebody invented them, and security hears of it.
 */
export type RefusalCode =
  'unknownCase' | 'closedCase' | 'notPlanned' | 'notDecided' | 'denied' | 'superseded' | 'unknownItem' | 'observeOnly';

export interface IssueInput {
  personId: string;
  caseN: number;
  itemDigests: string[];
}

export interface IssuerDeps extends ContextKeys {
  db: Db;
  signer: Signer;
  now: () => Date;
}

/** One result per asked digest, in the order asked. Reads only; asking again gives a fresh signature. */
export async function issue(deps: IssuerDeps, input: IssueInput): Promise<IssueResult[]> {
  const refuseAll = (code: RefusalCode): IssueResult[] =>
    input.itemDigests.map((digest) => ({ outcome: 'refused', itemDigest: digest, reason: code }));
  const usherCase = await getCase(deps.db, input.personId, input.caseN);
  if (!usherCase) return refuseAll('unknownCase');
  const context = await readPersonContext(deps.db, deps, input.personId);
  if (!context) return refuseAll('superseded');
  const proposed = await proposedItems(deps.db, input);
  const at = momentOfJudgement(context, deps.now());
  const takeableIds = await takeable(deps, context, input, proposed);
  const snapshotIds = await snapshotIdsFor(deps, input, proposed);
  const judge = createJudge({ context, usherCase, proposed, at, takeableIds, snapshotIds });
  return input.itemDigests.map((digest) => {
    const judged = judge(digest);
    return 'refused' in judged
      ? { outcome: 'refused', itemDigest: digest, reason: judged.refused }
      : signItem(deps, context, usherCase, judged.item, judged.kind);
  });
}

/**
 * The clocks of Temporal, worker and server may differ by a moment. A first day or a departure that is only that moment
 * away has begun: judged by a clock that is a little behind, a case that just became due would end as superseded.
 */
function momentOfJudgement(context: PersonContext, now: Date): string {
  const at = now.toISOString();
  const soon = new Date(now.getTime() + CLOCK_SKEW_MS).toISOString();
  return mayAccess(context, at) === mayAccess(context, soon) ? at : soon;
}

type Judgement = { item: Item; kind: ItemBasis } | { refused: RefusalCode };

/** Read only where a removal is asked for. */
async function takeable(
  deps: IssuerDeps,
  context: PersonContext,
  { itemDigests }: IssueInput,
  proposed: ReadonlyMap<string, Item>,
): Promise<ReadonlySet<string>> {
  const isRemoval = (digest: string): boolean => ['revoke', 'disable'].includes(proposed.get(digest)?.action ?? '');
  return itemDigests.some(isRemoval) ? readTakeableIds(deps.db, deps, context) : new Set();
}

interface JudgeInput {
  context: PersonContext;
  usherCase: CaseRow;
  proposed: ReadonlyMap<string, Item>;
  at: string;
  takeableIds: ReadonlySet<string>;
  /** Of all facts that were ever read, where an item names some. */
  snapshotIds: readonly string[];
}

async function snapshotIdsFor(
  deps: IssuerDeps,
  { personId, itemDigests }: IssueInput,
  proposed: ReadonlyMap<string, Item>,
): Promise<string[]> {
  const hasUpdate = itemDigests.some((digest) => proposed.get(digest)?.action === 'update');
  return hasUpdate ? (await recentSnapshotRows(deps.db, personId, SNAPSHOTS_MAX)).map((row) => row.snapshot_id) : [];
}

function createJudge(input: JudgeInput): (digest: string) => Judgement {
  const { context, usherCase, proposed, at } = input;
  const plan = planAccess(context, at);
  const planned = new Map<string, Item>(plan.items.map((item) => [item.itemDigest, item]));
  const justified = justifiedNow(context, plan, at);
  const grantable = grantableIds(justified);
  const mustWait = isDeferred(context, plan, at);
  const { policy } = context.index;
  return (digest) => {
    const isClosed = usherCase.closed_at !== null;
    const item = planned.get(digest);
    const systemId = item?.systemId ?? proposed.get(digest)?.systemId ?? '';
    if (isObserveOnly(policy, systemId)) return { refused: 'observeOnly' };
    if (item?.action === 'grant' && isClosed) return { refused: 'closedCase' };
    if (item?.action === 'grant' && mustWait(item)) return { refused: 'superseded' };
    if (item?.action === 'grant') return judgeGrant(item, context, usherCase, grantable, at);
    const removal = proposed.get(digest);
    if (!removal) return { refused: 'unknownItem' };
    // Planned once and no longer: the facts or the policy moved on. It can never be granted on the worker's word.
    if (removal.action === 'grant') return { refused: mayAccess(context, at) ? 'notPlanned' : 'superseded' };
    if (removal.action === 'update') {
      if (digestOfProposed(removal, usherCase) !== digest) return { refused: 'unknownItem' };
      const { snapshotIds } = input;
      const question = { item: removal, context, usherCase, mayAccess: mayAccess(context, at), snapshotIds };
      const refused = refusalOfUpdate(question);
      return refused === null ? { item: removal, kind: 'policy' } : { refused };
    }
    return judgeRemoval(removal, digest, input, justified);
  };
}

function judgeGrant(
  item: Item,
  context: PersonContext,
  usherCase: CaseRow,
  justifiedIds: ReadonlySet<string | null>,
  at: string,
): Judgement {
  if (!mayAccess(context, at)) return { refused: 'superseded' };
  if (usherCase.kind === 'leaver' || usherCase.spell_n !== context.spellN) return { refused: 'superseded' };
  if (item.route.kind === 'people') {
    const { state } = itemOutcome(item, context.person.person_id, context.decisions, at);
    if (state === 'denied') return { refused: 'denied' };
    if (state === 'open') return { refused: 'notDecided' };
  }
  if (!justifiedIds.has(item.entitlementId)) return { refused: 'notDecided' };
  return { item, kind: item.route.kind === 'policy' ? 'policy' : 'decision' };
}

/** Whatever nothing justifies may be removed: from someone who departed, because its time is over, or because the facts moved on. */
function judgeRemoval(
  item: Item,
  digest: string,
  { context, usherCase, at, takeableIds }: JudgeInput,
  justified: readonly Justification[],
): Judgement {
  if (digestOfProposed(item, usherCase) !== digest) return { refused: 'unknownItem' };
  if (!mayAccess(context, at)) {
    // What is left to take from a departed person is the business of the open leaver.
    if (usherCase.closed_at !== null) return { refused: 'closedCase' };
    const isLeaver = usherCase.kind === 'leaver' && isEffective(usherCase, at);
    return isLeaver ? { item, kind: 'departure' } : { refused: 'superseded' };
  }
  // A departure that was taken back ends the removals of its case; before its time there were none.
  if (usherCase.kind === 'leaver') return { refused: isEffective(usherCase, at) ? 'superseded' : 'notPlanned' };
  const entitlement = item.entitlementId === null ? undefined : context.index.entitlementById.get(item.entitlementId);
  const isTimeBound = entitlement !== undefined && entitlement.expiresAfter !== null;
  if (item.action === 'revoke' && isTimeBound) {
    const isJustified = justified.some((entry) => entry.entitlementId === item.entitlementId);
    return isJustified ? { refused: 'superseded' } : { item, kind: 'expiry' };
  }
  return judgeTaking(item, { context, usherCase, at, takeableIds }, justified);
}

/** Somebody who stays loses what is Usher's to take and nothing justifies, when the work was handed over, and nothing else. */
function judgeTaking(
  item: Item,
  { context, usherCase, at, takeableIds }: Omit<JudgeInput, 'proposed' | 'snapshotIds'>,
  justified: readonly Justification[],
): Judgement {
  const rules = { index: context.index, justified, takeableIds };
  const isRight =
    item.action === 'revoke'
      ? mayTake(rules, item.systemId, item.vendorEntitlementId ?? '')
      : item.action === 'disable' && mayDisable(rules, item.systemId);
  if (!isRight) return { refused: 'notPlanned' };
  const { handover_until: handOverUntil } = usherCase;
  const isHandedOver = handOverUntil === null || handOverUntil.getTime() <= Date.parse(at) + CLOCK_SKEW_MS;
  return isHandedOver ? { item, kind: 'policy' } : { refused: 'superseded' };
}

function isEffective(usherCase: CaseRow, at: string): boolean {
  return usherCase.effective_at.getTime() <= Date.parse(at) + CLOCK_SKEW_MS;
}

/** The digest again, from the content: a row that names another account or entitlement than its digest is no item. */
function digestOfProposed(item: Item, usherCase: CaseRow): string {
  return itemDigest(
    {
      action: item.action,
      systemId: item.systemId,
      entitlementId: item.entitlementId,
      vendorEntitlementId: item.vendorEntitlementId,
      accountId: item.accountId,
      profileId: item.profileId,
      definitionHash: item.definitionHash,
      conflicts: item.conflicts,
      personId: usherCase.person_id,
      spellN: usherCase.spell_n,
      expiresAfterSeconds: null,
      requiredRoles: [],
    },
    sha256Hex,
  );
}

async function proposedItems(db: Db, input: IssueInput): Promise<Map<string, Item>> {
  const rows = await db
    .selectFrom('proposal')
    .select('items')
    .where('person_id', '=', input.personId)
    .where('n', '=', input.caseN)
    .orderBy('planned_at')
    .execute();
  return new Map(
    rows.flatMap((row) => (row.items as unknown as Item[]).map((item) => [item.itemDigest as string, item])),
  );
}

function signItem(
  deps: IssuerDeps,
  context: PersonContext,
  usherCase: CaseRow,
  item: Item,
  kind: ItemBasis,
): IssueResult {
  const at = deps.now().toISOString();
  const lifeEndsMs = Date.parse(at) + AUTHORISATION_LIFE_MS;
  // What is given to somebody must not outlive the moment at which a known departure takes effect.
  const gives = item.action === 'grant' || item.action === 'update';
  const departsMs = gives && context.departsAt !== null ? Date.parse(context.departsAt) : Infinity;
  const authorisation: Authorisation = {
    version: 1,
    kind,
    personId: context.person.person_id as Authorisation['personId'],
    caseN: usherCase.n,
    spellN: usherCase.spell_n,
    fence: context.person.fence,
    policyHash: context.policyHash,
    item,
    issuedAt: at,
    expiresAt: new Date(Math.min(lifeEndsMs, departsMs)).toISOString(),
  };
  const { keyId, signature } = deps.signer.sign('authorisation', authorisation);
  return { outcome: 'authorised', itemDigest: item.itemDigest, signed: { authorisation, keyId, signature } };
}
