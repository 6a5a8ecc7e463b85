/** Rows as the worker and the use cases leave them, for tests that only read or decide. */
import { randomUUID } from 'node:crypto';
import { mintApprovalSecrets, type ApprovalSecrets } from '../../src/auth/approval-secrets.ts';
import { sha256Hex } from '../../src/store/sha256.ts';
import type { CaseKind, CaseState } from '../../src/schemas/case.ts';
import type { Item, Seat } from '../../src/schemas/item.ts';
import type { CutoffState } from '../../src/store/tables.ts';
import type { HttpFixture } from './http-fixture.ts';

const DAY_MS = 86_400_000;

export function anItem(overrides: Partial<Item> = {}): Item {
  return {
    itemDigest: sha256Hex(randomUUID()) as Item['itemDigest'],
    action: 'grant',
    systemId: 'crm',
    entitlementId: 'crm/reader',
    vendorEntitlementId: 'crm-reader',
    accountId: null,
    profileId: null,
    definitionHash: sha256Hex('definition'),
    privileged: false,
    dataClass: 'internal',
    description: 'See products, prices and campaigns in the CRM',
    risk: 4,
    confidence: 1,
    reasons: ['4 points for the entitlement'],
    route: { kind: 'people', seats: [] },
    expiresAt: null,
    conflicts: [],
    ...overrides,
  };
}

export interface CaseInput {
  personId: string;
  n?: number;
  kind?: CaseKind;
  state?: CaseState;
  isEffective?: boolean;
  effectiveAt?: Date;
}

export async function addCase(fixture: HttpFixture, input: CaseInput): Promise<string> {
  const { personId, n = 1 } = input;
  const now = fixture.deps.now();
  const caseId = `case_${personId}_${n}`;
  await fixture.db
    .insertInto('usher_case')
    .values({
      person_id: personId,
      n,
      case_id: caseId,
      kind: input.kind ?? 'joiner',
      effective_at: input.effectiveAt ?? now,
      is_effective: input.isEffective ?? true,
      state: input.state ?? 'awaitingApproval',
      spell_n: 1,
      event_id: null,
      route: null,
      opened_at: now,
      policy_hash: null,
    })
    .execute();
  return caseId;
}

export async function addCutoff(
  fixture: HttpFixture,
  input: { personId: string; n?: number; state: CutoffState; effectiveAt: Date },
): Promise<void> {
  const n = input.n ?? 1;
  await fixture.db
    .insertInto('cutoff')
    .values({
      person_id: input.personId,
      n,
      effective_at: input.effectiveAt,
      state: input.state,
      reason: null,
      departure: JSON.stringify({}),
      key_id: 'k',
      signature: 's',
      received_at: fixture.deps.now(),
    })
    .execute();
  await fixture.db.updateTable('person').set({ fence: n }).where('person_id', '=', input.personId).execute();
}

export interface ApprovalInput {
  personId: string;
  /** One seat each. */
  approverIds: string[];
  items?: Item[];
  n?: number;
  k?: number;
}

export interface AddedApproval {
  approvalId: string;
  items: Item[];
  /** For the first approver. */
  secrets: ApprovalSecrets;
}

export async function addApproval(fixture: HttpFixture, input: ApprovalInput): Promise<AddedApproval> {
  const { personId, approverIds, n = 1, k = 1 } = input;
  const now = fixture.deps.now();
  const expiresAt = new Date(now.getTime() + 14 * DAY_MS);
  const seats = approverIds.map((id) => ({ role: 'manager', approverIds: [id] })) as unknown as Seat[];
  const items = (input.items ?? [anItem()]).map((item) => ({ ...item, route: { kind: 'people' as const, seats } }));
  const approvalId = `approval_${personId}_${n}_${k}`;
  const proposalId = randomUUID();
  await fixture.db
    .insertInto('proposal')
    .values({
      proposal_id: proposalId,
      person_id: personId,
      n,
      spell_n: 1,
      snapshot_id: randomUUID(),
      policy_hash: sha256Hex('policy'),
      planned_at: now,
      input_hash: sha256Hex('input'),
      items: JSON.stringify(items),
    })
    .execute();
  await fixture.db
    .insertInto('approval')
    .values({
      approval_id: approvalId,
      person_id: personId,
      n,
      k,
      proposal_id: proposalId,
      seats: JSON.stringify(seats),
      items: JSON.stringify(items),
      opened_at: now,
      remind_at: expiresAt,
      expires_at: expiresAt,
    })
    .execute();
  const secrets = await mintApprovalSecrets(fixture.db, {
    approvalId,
    approverId: approverIds[0] ?? '',
    expiresAt: new Date(now.getTime() + 3 * DAY_MS),
    now,
  });
  return { approvalId, items, secrets };
}

/** Number of rows of every table that a request could change, to prove that one did not. */
export async function countRows(fixture: HttpFixture): Promise<Record<string, string>> {
  const tables = [
    'decision',
    'delivery',
    'evidence',
    'approval_secret',
    'ledger',
    'alert',
    'login_link',
    'access_token',
    'usher_case',
    'cutoff',
  ] as const;
  const counts = await Promise.all(
    tables.map(async (table) => {
      const { count } = await fixture.db
        .selectFrom(table)
        .select((eb) => eb.fn.countAll<string>().as('count'))
        .executeTakeFirstOrThrow();
      return [table, count] as const;
    }),
  );
  const used = await fixture.db
    .selectFrom('approval_secret')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('used_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return { ...Object.fromEntries(counts), usedSecrets: used.count };
}
