/** What the manifest of a system says that holds no accounts: HR and ticketing systems. */
import type { ConnectorManifest } from './contract.ts';

export const noAccounts = {
  suspend: 'none',
  sessionRevocation: 'none',
  residualSessionSeconds: 0,
  entitlements: false,
  listHidesDisabled: false,
  profileUpdates: [],
  usage: 'none',
} as const satisfies Partial<ConnectorManifest['capabilities']>;
