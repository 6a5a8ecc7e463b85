/** Independent reads of what was written: fresh, by id, and as often as the vendor's replicas need. */
import type { AccountProfileView, AccountView, CallContext } from '../connectors/kit/contract.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import type { Item } from '../schemas/item.ts';
import type { OwnedAttribute, ProfileValues } from '../schemas/owned-attribute.ts';
import type { OperationRow } from '../store/operations.ts';
import { currentSignal } from './failures.ts';

/** A write that is to be looked at. */
export interface WrittenItem {
  operation: OperationRow;
  item: Item;
}

const PAUSE_MS_MAX = 5_000;

/**
 * The written items that every one of the needed reads confirmed; `expected` has the values of attribute changes, by item
 * digest. Throws ConnectorError when the system cannot be read.
 */
export async function confirmedByReads(
  system: OpenSystem<'target'>,
  written: readonly WrittenItem[],
  expected: ReadonlyMap<string, ProfileValues>,
): Promise<ReadonlySet<WrittenItem>> {
  const { reads, delayMs } = system.manifest.consistency;
  let confirmed = [...written];
  for (let read = 0; read < reads && confirmed.length > 0; read += 1) {
    if (read > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(delayMs, PAUSE_MS_MAX)));
    const look = new Look(system, expected);
    const agreeing: WrittenItem[] = [];
    for (const one of confirmed) if (await look.agrees(one)) agreeing.push(one);
    confirmed = agreeing;
  }
  return new Set(confirmed);
}

/** One look at the system: each account is read once, however many of its items are asked about. */
class Look {
  readonly #system: OpenSystem<'target'>;
  readonly #accounts = new Map<string, AccountView | null>();
  readonly #entitlements = new Map<string, readonly string[]>();
  readonly #profiles = new Map<string, AccountProfileView | null>();
  readonly #expected: ReadonlyMap<string, ProfileValues>;

  constructor(system: OpenSystem<'target'>, expected: ReadonlyMap<string, ProfileValues>) {
    this.#system = system;
    this.#expected = expected;
  }

  async agrees({ operation, item }: WrittenItem): Promise<boolean> {
    const accountId = operation.account_id;
    if (accountId === null) return false;
    const call: CallContext = { operationKey: operation.operation_key, ...currentSignal() };
    const { action } = item;
    if (action === 'update') return this.#shows(accountId, item, call);
    const account = await this.#account(accountId, call);
    switch (action) {
      case 'grant':
        return account?.canLogIn === true && (await this.#holds(accountId, item, call));
      case 'revoke':
        return account === null || !(await this.#holds(accountId, item, call));
      case 'disable':
        return account?.canLogIn !== true;
      case 'assignProfile':
        return false;
      default:
        return action satisfies never;
    }
  }

  async #shows(accountId: string, item: Item, call: CallContext): Promise<boolean> {
    const expected = this.#expected.get(item.itemDigest);
    if (expected === undefined) return false;
    const known = this.#profiles.get(accountId);
    const profile = known === undefined ? await this.#system.connector.readProfile(accountId, call) : known;
    this.#profiles.set(accountId, profile);
    return (
      profile !== null &&
      Object.entries(expected).every(([name, value]) => profile.values[name as OwnedAttribute] === value)
    );
  }

  async #account(accountId: string, call: CallContext): Promise<AccountView | null> {
    const known = this.#accounts.get(accountId);
    const account = known === undefined ? await this.#system.connector.getAccount(accountId, call) : known;
    this.#accounts.set(accountId, account);
    return account;
  }

  async #holds(accountId: string, item: Item, call: CallContext): Promise<boolean> {
    const held =
      this.#entitlements.get(accountId) ?? (await this.#system.connector.listAccountEntitlements(accountId, call));
    this.#entitlements.set(accountId, held);
    return held.includes(item.vendorEntitlementId ?? '');
  }
}
