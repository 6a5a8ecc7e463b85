/** A target that answers from memory and at once: what is measured is Usher, not a vendor. For benchmarks only. */
import { z } from 'zod';
import {
  defineConnector,
  type AccountProfile,
  type AccountProfileView,
  type AccountView,
  type ConnectorDefinition,
  type TargetConnector,
} from '../src/connectors/kit/contract.ts';
import { OwnedAttribute, type ProfileValues } from '../src/schemas/owned-attribute.ts';

interface Stored {
  view: AccountView;
  groups: Set<string>;
  values: ProfileValues;
}

const receipt = { requestId: null, status: 200 };

/**
 * One store per system id, kept for the life of the process. Has the id of the connector that it stands in for.
 * `onDisabled` hears whose login was disabled, at the moment when it was.
 */
export function memoryConnector(id: string, onDisabled?: (personId: string) => void): ConnectorDefinition {
  const systems = new Map<string, Map<string, Stored>>();
  const definition = defineConnector({
    manifest: {
      id,
      displayName: 'Memory',
      kind: 'target',
      capabilities: {
        suspend: 'reversible',
        sessionRevocation: 'full',
        residualSessionSeconds: 0,
        entitlements: true,
        listHidesDisabled: false,
        pageMax: 1000,
        profileUpdates: OwnedAttribute.options,
        usage: 'none',
        workEmailWriteBack: false,
      },
      consistency: { reads: 1, delayMs: 0, windowMs: 0 },
      ratePolicy: { callsPerMinute: 10_000_000 },
      scopes: [],
      provedOn: [],
    },
    configSchema: z.record(z.string(), z.unknown()),
    secretFields: [],
    create: ({ systemId }) => createMemory(systems, systemId, onDisabled),
  });
  return definition;
}

function createMemory(
  systems: Map<string, Map<string, Stored>>,
  systemId: string,
  onDisabled?: (personId: string) => void,
): TargetConnector {
  const accounts = systems.get(systemId) ?? new Map<string, Stored>();
  systems.set(systemId, accounts);
  const byKey = (keys: readonly string[]): Stored | undefined =>
    [...keys].map((key) => accounts.get(key)).find((stored) => stored !== undefined);
  const get = (accountId: string): Stored | undefined => accounts.get(accountId);
  return {
    check: () => Promise.resolve({ isHealthy: true, findings: [] }),
    findAccount: (keys) => {
      const stored = byKey([keys.personId, ...keys.sourceKeys]);
      return Promise.resolve(stored ? { outcome: 'found', account: stored.view } : { outcome: 'none' });
    },
    getAccount: (accountId) => Promise.resolve(get(accountId)?.view ?? null),
    ensureAccount: (keys, profile) => {
      const known = get(keys.personId);
      if (known) return Promise.resolve({ outcome: 'unchanged', account: known.view, receipt });
      const view = {
        accountId: keys.personId,
        userName: profile.userName,
        correlationKey: keys.personId,
        vendorStatus: 'active',
        canLogIn: true,
      };
      accounts.set(keys.personId, { view, groups: new Set(), values: profileValuesOf(profile) });
      return Promise.resolve({ outcome: 'created', account: view, receipt });
    },
    setLogin: (accountId, state) => {
      const stored = get(accountId);
      if (stored) stored.view = { ...stored.view, canLogIn: state === 'enabled' };
      if (stored && state === 'disabled') onDisabled?.(accountId);
      return Promise.resolve({ outcome: 'changed', receipt });
    },
    revokeSessions: () => Promise.resolve({ outcome: 'unchanged', receipt, residualSeconds: 0 }),
    listAccountEntitlements: (accountId) => Promise.resolve([...(get(accountId)?.groups ?? [])]),
    ensureEntitlement: (accountId, entitlementId, state) => {
      const groups = get(accountId)?.groups;
      if (state === 'present') groups?.add(entitlementId);
      else groups?.delete(entitlementId);
      return Promise.resolve({ outcome: 'changed', receipt });
    },
    ...profileCalls(get),
    listEntitlements: () => Promise.resolve({ items: [], nextCursor: null }),
    listAccounts: () => Promise.resolve({ items: [...accounts.values()].map(({ view }) => view), nextCursor: null }),
  };
}

function profileCalls(
  get: (accountId: string) => Stored | undefined,
): Pick<TargetConnector, 'readProfile' | 'updateProfile' | 'profileAsStored'> {
  return {
    readProfile: (accountId) => {
      const stored = get(accountId);
      if (!stored) return Promise.resolve(null);
      const values = Object.fromEntries(OwnedAttribute.options.map((name) => [name, stored.values[name] ?? null]));
      const { correlationKey } = stored.view;
      return Promise.resolve({ accountId, correlationKey, values: values as AccountProfileView['values'] });
    },
    updateProfile: (accountId, values) => {
      const stored = get(accountId);
      if (stored) stored.values = { ...stored.values, ...values };
      return Promise.resolve({ outcome: 'changed', receipt });
    },
    profileAsStored: (values) => values,
  };
}

function profileValuesOf({ userName, title, department, ...named }: AccountProfile): ProfileValues {
  return {
    ...named,
    login: userName,
    ...(title === null ? {} : { title }),
    ...(department === null ? {} : { department }),
  };
}
