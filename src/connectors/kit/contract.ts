/**
 * The connector contract. Operations assert a state ("make it so") and are safe to repeat. A connector knows its
 * vendor and nothing else: no Temporal, no store, no retry loop, no sleep, no rate limiter of its own.
 */
import type { AxiosInstance } from 'axios';
import type { z } from 'zod';
import type { OwnedAttribute, ProfileValues } from '../../schemas/owned-attribute.ts';

/** Per call: who may abort it, and the stable key of the operation for vendors that have a slot for it. */
export interface CallContext {
  signal?: AbortSignal;
  operationKey: string;
}

/** What a connector can do and how its vendor behaves; drives planning, verification and the docs. */
export interface ConnectorManifest {
  id: string;
  displayName: string;
  kind: 'target' | 'hris' | 'ticketing';
  capabilities: {
    suspend: 'reversible' | 'destructive' | 'none';
    sessionRevocation: 'none' | 'refreshOnly' | 'full';
    /** How long issued tokens may still work after a revocation. */
    residualSessionSeconds: number;
    entitlements: boolean;
    listHidesDisabled: boolean;
    pageMax: number;
    /** Attributes that `updateProfile` can change; policy may give no others to Usher here. */
    profileUpdates: readonly OwnedAttribute[];
    /** Whether `listUsage` is there, and what it tells: last sign-ins of accounts, or last use of single entitlements as well. */
    usage: 'none' | 'account' | 'entitlement';
    /** An HRIS that takes the work e-mail of a person back. */
    workEmailWriteBack: boolean;
  };
  /** Verification: so many consecutive agreeing reads, so far apart, within the window. */
  consistency: { reads: number; delayMs: number; windowMs: number };
  /** Calls per minute that the vendor allows for one rate scope. */
  ratePolicy: { callsPerMinute: number };
  /** Least privilege, for the set-up page and `check`. */
  scopes: string[];
  /** What the connector was proved on besides its sandbox: a server that is not ours, the vendor's own API description. */
  provedOn: readonly ('realServer' | 'vendorDescription')[];
}

/** Keys that identify a person on a system, strongest first. None is an e-mail address. */
export interface CorrelationKeys {
  /** Account id that an earlier correlation stored. */
  accountId: string | null;
  personId: string;
  /** HRIS keys by any valid identity link. */
  sourceKeys: string[];
}

export interface AccountProfile {
  userName: string;
  givenName: string;
  familyName: string;
  displayName: string;
  email: string;
  title: string | null;
  department: string | null;
}

/** What an account shows of the person; null where it shows nothing. Personal data: never logged, never in an error. */
export interface AccountProfileView {
  accountId: string;
  /** As in {@link AccountView}. */
  correlationKey: string | null;
  values: Record<OwnedAttribute, string | null>;
}

export interface AccountView {
  accountId: string;
  userName: string;
  /** The person's key in the vendor's slot, as stored there: personId for accounts that Usher made, else an HRIS key. */
  correlationKey: string | null;
  /** The vendor's own word. */
  vendorStatus: string;
  /** Whether a login could succeed now or after a step that the person can take alone (activation, unlock, password reset). */
  canLogIn: boolean;
}

export type FindAccountResult =
  { outcome: 'none' } | { outcome: 'found'; account: AccountView } | { outcome: 'ambiguous'; accountIds: string[] };

export type WriteOutcome = 'created' | 'adopted' | 'changed' | 'unchanged';

/** What the vendor answered; kept as evidence, proves nothing. */
export interface VendorReceipt {
  requestId: string | null;
  status: number | null;
}

export interface EnsureAccountResult {
  outcome: WriteOutcome;
  account: AccountView;
  receipt: VendorReceipt;
}

export interface WriteResult {
  outcome: WriteOutcome;
  receipt: VendorReceipt;
}

export interface Page<T> {
  items: T[];
  /** Null on the provable last page. */
  nextCursor: string | null;
}

export interface EntitlementView {
  vendorEntitlementId: string;
  displayName: string;
  /** Accounts that the vendor itself names as owners; left out where it says nothing. */
  ownerAccountIds?: string[];
}

/** Last use of an account, or of one entitlement of it. */
export interface UsageView {
  accountId: string;
  /** Null: of the account as a whole (a sign-in). */
  vendorEntitlementId: string | null;
  /** ISO 8601. Null: the vendor says that it was never used. Where it says nothing there is no row: unknown is not never. */
  lastUsedAt: string | null;
}

export type CheckResult = { isHealthy: boolean; findings: { level: 'ok' | 'warning' | 'error'; text: string }[] };

/** A system that holds accounts. */
export interface TargetConnector {
  /** Credentials, scopes, reachability; reads only. */
  check(ctx: CallContext): Promise<CheckResult>;
  /** By immutable keys, strongest first; several candidates are `ambiguous`, never a pick. Includes disabled accounts. */
  findAccount(keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult>;
  /** Fresh read by id; null only when the vendor says that it does not exist. */
  getAccount(accountId: string, ctx: CallContext): Promise<AccountView | null>;
  /** Finds, creates, or adopts on a duplicate only when the correlation key matches (else `conflict`). Enables a disabled account. */
  ensureAccount(keys: CorrelationKeys, profile: AccountProfile, ctx: CallContext): Promise<EnsureAccountResult>;
  /** From every status that an account may have; disabled means that no login can succeed. */
  setLogin(accountId: string, state: 'enabled' | 'disabled', ctx: CallContext): Promise<WriteResult>;
  revokeSessions(accountId: string, ctx: CallContext): Promise<WriteResult & { residualSeconds: number }>;
  /** Fresh read of what the account holds; vendor ids. */
  listAccountEntitlements(accountId: string, ctx: CallContext): Promise<string[]>;
  ensureEntitlement(
    accountId: string,
    vendorEntitlementId: string,
    state: 'present' | 'absent',
    ctx: CallContext,
  ): Promise<WriteResult>;
  listEntitlements(cursor: string | null, ctx: CallContext): Promise<Page<EntitlementView>>;
  /** Fresh read by id of the attributes that `profileUpdates` names; null only when the vendor says that it does not exist. */
  readProfile(accountId: string, ctx: CallContext): Promise<AccountProfileView | null>;
  /**
   * Asserts the values that are named, and no others; nothing is sent where the account shows them already. Throws
   * `notFound` for an account that does not exist and `conflict` for a login or address that another account has.
   */
  updateProfile(accountId: string, values: ProfileValues, ctx: CallContext): Promise<WriteResult>;
  /** Pure: the values in the form in which the vendor shows them once it took them (cut to its lengths, for one). */
  profileAsStored(values: ProfileValues): ProfileValues;
  /** Full inventory, disabled accounts included; any page error fails the run. */
  listAccounts(cursor: string | null, ctx: CallContext): Promise<Page<AccountView>>;
  /** Last uses since the time (ISO 8601; null: all that the vendor still has). Present exactly when `usage` is not `none`. */
  listUsage?(since: string | null, cursor: string | null, ctx: CallContext): Promise<Page<UsageView>>;
  /**
   * Only where people carry out the changes by hand: what the owner of the system says of the tasks of an operation that
   * were closed as done. Reads count what is confirmed; what is denied was never done. Safe to repeat.
   */
  settleTasks?(accountId: string, change: ManualChange, word: OwnersWord, ctx: CallContext): Promise<void>;
}

/** A change of an account that people made by hand; without an entitlement it is the login. */
export interface ManualChange {
  operationKey: string;
  vendorEntitlementId: string | null;
}

/** What the owner of a system says of a change that somebody claims to have made by hand. */
export type OwnersWord = 'confirmed' | 'denied';

export type WebhookVerdict =
  | { outcome: 'accepted'; sourceKeys: string[]; deliveryKey: string; eventType: string }
  | {
      outcome: 'refused';
      reason: 'badSignature' | 'missingHeader' | 'staleTimestamp' | 'malformedBody';
      detail: string;
    };

/** Source of facts about people. */
export interface HrisConnector {
  check(ctx: CallContext): Promise<CheckResult>;
  /** Pure: signature over the raw body, time window, shape. `now` is injected; header names are lower-case. */
  verifyWebhook(headers: Record<string, string | undefined>, rawBody: Uint8Array, now: Date): WebhookVerdict;
  /** The person as of now, allow-listed fields only; null when the HRIS says that the person does not exist. */
  getPerson(sourceKey: string, ctx: CallContext): Promise<import('../../schemas/facts.ts').PersonFacts | null>;
  /**
   * Writes the work e-mail into a field that is empty; one that holds an address already stays (`unchanged`). Throws
   * `unsupported` without the flag `workEmailWriteBack`, `notFound`, and `conflict` where another person has it.
   */
  writeWorkEmail(
    sourceKey: string,
    values: { workEmail: string; login: string },
    ctx: CallContext,
  ): Promise<WriteResult>;
  /** Keys changed since the watermark (ISO 8601) and the next watermark. */
  changes(since: string, ctx: CallContext): Promise<{ sourceKeys: string[]; latest: string }>;
}

export interface TicketFields {
  shortDescription: string;
  description: string;
  urgency: 1 | 2 | 3;
}

export interface TicketRef {
  ticketId: string;
  number: string;
}

export interface TicketingConnector {
  check(ctx: CallContext): Promise<CheckResult>;
  /** At most one open ticket per correlation id, over lost answers and repeats. */
  ensureTicket(
    correlationId: string,
    fields: TicketFields,
    ctx: CallContext,
  ): Promise<TicketRef & { outcome: WriteOutcome }>;
  comment(ticketId: string, text: string, ctx: CallContext): Promise<void>;
  /** Closing a closed ticket succeeds. */
  close(ticketId: string, text: string, ctx: CallContext): Promise<void>;
  getTicket(
    ticketId: string,
    ctx: CallContext,
  ): Promise<(TicketRef & { isOpen: boolean; correlationId: string | null }) | null>;
}

export interface ConnectorByKind {
  target: TargetConnector;
  hris: HrisConnector;
  ticketing: TicketingConnector;
}

/** What the platform hands to a connector instance. `http` is made by the one factory: base URL, time-outs, rate limit, redaction. */
export interface ConnectorRuntime<Config> {
  systemId: string;
  config: Config;
  createHttp(options: HttpOptions): AxiosInstance;
  /**
   * One call over a transport that is not HTTP (LDAP): takes it from the shared budget, bounds it in time and shows it to
   * whoever watches. `send` gets the signal that ends it and throws ConnectorErrors. Throws `throttled` where the budget is
   * spent, and `transient` (of a write `unknownOutcome`) when time is up.
   */
  callOver<T>(call: ForeignCall, send: (signal: AbortSignal) => Promise<T>, ctx: CallContext): Promise<T>;
  /** Milliseconds since the epoch: for the expiry of tokens and for nothing else. */
  now(): number;
}

export interface ForeignCall {
  /** Stable name of the operation, for errors and tickets. */
  operation: string;
  /** The protocol's own word, for metrics: `search`, `modify`. */
  method: string;
  isWrite: boolean;
}

export interface HttpOptions {
  baseUrl: string;
  headers?: Record<string, string>;
  auth?: { username: string; password: string };
  timeoutMs?: number;
}

export interface ConnectorDefinition<Kind extends keyof ConnectorByKind = keyof ConnectorByKind, Config = unknown> {
  manifest: ConnectorManifest & { kind: Kind };
  /** Parses the system's `config` after secrets were resolved. */
  configSchema: z.ZodType<Config>;
  /** Names of config fields that must be given as `${secret:…}`. */
  secretFields: string[];
  create(runtime: ConnectorRuntime<Config>): ConnectorByKind[Kind];
}

/** Identity function that keeps the types of kind and config together. */
export function defineConnector<Kind extends keyof ConnectorByKind, Config>(
  definition: ConnectorDefinition<Kind, Config>,
): ConnectorDefinition<Kind, Config> {
  return definition;
}
