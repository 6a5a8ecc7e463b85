/**
 * The attribute changes of a person who stays: per system that policy gave attributes of to Usher, what the account
 * shows is read there and compared with the facts. Reads only.
 */
import { ConnectorError } from '../connectors/kit/errors.ts';
import { compareText } from '../domain/compare-text.ts';
import { profileFromFacts } from '../domain/profile-from-facts.ts';
import { planAttributes } from '../domain/plan-attributes.ts';
import type { Item } from '../schemas/item.ts';
import type { CaseRow } from '../store/cases.ts';
import type { PersonContext } from '../store/person-context.ts';
import { sha256Hex } from '../store/sha256.ts';
import { currentSignal } from './failures.ts';
import { wantedProfile } from './wanted-profile.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface KnownAccount {
  systemId: string;
  accountId: string;
}

/** So long a plan waits for one system before it goes on without having read it. */
const READ_TIMEOUT_MS = 8_000;

/**
 * Items for one account; none where Usher owns nothing at the system, or nothing differs. A system that does not answer
 * holds nothing back: then everything that Usher owns there is asserted, and written once it answers.
 */
export async function planAttributeItems(
  deps: WorkerDeps,
  context: PersonContext,
  usherCase: Pick<CaseRow, 'spell_n' | 'case_id'>,
  account: KnownAccount,
): Promise<Item[]> {
  const { snapshot, index, person } = context;
  const system = index.systemById.get(account.systemId);
  if (system === undefined || (system.attributes ?? []).length === 0) return [];
  const subject = { personId: person.person_id, spellN: usherCase.spell_n, snapshotId: snapshot.snapshotId };
  const about = { ...subject, system, accountId: account.accountId, sha256Hex };
  try {
    const open = await deps.pool.open('target', account.systemId);
    const call = callOf(`${usherCase.case_id}/attributes/${account.systemId}`);
    const shown = await open.connector.readProfile(account.accountId, call);
    // Gone from the system: there is nothing to change; whoever looks for accounts finds that out.
    if (!shown) return [];
    const wanted = await wantedProfile(deps, open, snapshot, system.attributes ?? [], call);
    return planAttributes({ ...about, shown: shown.values, wanted });
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    deps.log.debug({ systemId: account.systemId, code: error.code }, 'attributes could not be read for a plan');
    const wanted = profileFromFacts(snapshot.facts, snapshot.facts.managerKey);
    return planAttributes({ ...about, shown: 'unreadable', wanted });
  }
}

/** For all accounts of the person that Usher knows, systems side by side, in the order of their ids. */
export async function planAllAttributeItems(
  deps: WorkerDeps,
  context: PersonContext,
  usherCase: Pick<CaseRow, 'spell_n' | 'case_id'>,
): Promise<Item[]> {
  const systemIds = context.index.policy.systems
    .filter(({ attributes = [] }) => attributes.length > 0)
    .map(({ id }) => id);
  if (systemIds.length === 0) return [];
  const rows = await deps.db
    .selectFrom('account')
    .select(['system_id', 'account_id'])
    .where('person_id', '=', context.person.person_id)
    .where('system_id', 'in', systemIds)
    .execute();
  const accounts = rows
    .map((row) => ({ systemId: row.system_id, accountId: row.account_id }))
    .toSorted((a, b) => compareText(a.systemId, b.systemId) || compareText(a.accountId, b.accountId));
  return (await Promise.all(accounts.map((account) => planAttributeItems(deps, context, usherCase, account)))).flat();
}

function callOf(operationKey: string) {
  const { signal } = currentSignal();
  const timeout = AbortSignal.timeout(READ_TIMEOUT_MS);
  return { operationKey, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) };
}
