/**
 * Opens the connectors of the active policy, each system until its policy or its secrets change, with the secrets that this process
 * holds. A system whose secrets are not here cannot be opened here: that is how the server stays without write credentials.
 */
import type { ConnectorByKind, ConnectorDefinition, ConnectorManifest } from '../connectors/kit/contract.ts';
import type { CallWatcher } from '../connectors/kit/call-watcher.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { openConnector } from '../connectors/kit/open-connector.ts';
import { createRateLimiter, type RateLimiter } from '../connectors/kit/rate-limit.ts';
import { createSharedLimiter, type LeaseCalls } from './shared-rate-limiter.ts';
import type { SystemPolicy } from '../schemas/policy.ts';
import type { PolicyReader } from '../store/policies.ts';
import { resolveSecrets, type SecretsBySystem } from './secrets.ts';

export interface OpenSystem<Kind extends keyof ConnectorByKind> {
  system: SystemPolicy;
  manifest: ConnectorManifest;
  connector: ConnectorByKind[Kind];
}

/** Cut-offs have a share of each system's rate that nothing else can use up. */
export type Lane = 'normal' | 'urgent';

const shareOfRate: Record<Lane, number> = { normal: 0.75, urgent: 0.25 };

export interface ConnectorPoolOptions {
  policies: PolicyReader;
  /** Read again for each policy version. */
  secrets: () => SecretsBySystem;
  /** The registry, or what a test or a benchmark puts in its place. */
  definitionById: (id: string) => ConnectorDefinition | null;
  now: () => number;
  /** Takes calls from the rate that all processes share; without it each process has a bucket of its own. */
  leaseCalls?: LeaseCalls;
  timeoutMs?: number;
  /** Where a system allows more, or less, than its connector says. */
  callsPerMinute?: (manifest: ConnectorManifest) => number;
  /** Shortens the vendors' windows of consistency where the systems are known to be consistent at once. */
  consistencyWindowMsMax?: number;
  /** Sees each call at a vendor: for logs, metrics and traces. */
  watchCall?: CallWatcher;
}

export interface ConnectorPool {
  /** Throws ConnectorError `validation` for an unknown system, one of another kind, or one whose config or secrets do not fit. */
  open<Kind extends keyof ConnectorByKind>(kind: Kind, systemId: string, lane?: Lane): Promise<OpenSystem<Kind>>;
  /** Systems of one kind in the active policy, in the order of the policy; empty before the first activation. */
  systemsOf(kind: keyof ConnectorByKind): Promise<SystemPolicy[]>;
}

export function createConnectorPool(options: ConnectorPoolOptions): ConnectorPool {
  const opened = new Map<string, { state: string; system: OpenSystem<keyof ConnectorByKind> }>();
  const limiters = new Map<string, RateLimiter>();

  async function systemsOf(kind: keyof ConnectorByKind): Promise<SystemPolicy[]> {
    const version = await options.policies.active();
    const systems = version?.policy.systems ?? [];
    return systems.filter((system) => options.definitionById(system.connector)?.manifest.kind === kind);
  }

  /** One bucket per system and lane for the life of the process: a new policy version does not refill it. */
  function limiterOf(systemId: string, lane: Lane, manifest: ConnectorManifest): RateLimiter {
    const key = `${systemId}/${lane}`;
    const limiter = limiters.get(key) ?? newLimiter(options, systemId, lane, manifest);
    limiters.set(key, limiter);
    return limiter;
  }

  async function open<Kind extends keyof ConnectorByKind>(
    kind: Kind,
    systemId: string,
    lane: Lane = 'normal',
  ): Promise<OpenSystem<Kind>> {
    const version = await options.policies.active();
    const system = version?.policy.systems.find((entry) => entry.id === systemId);
    const refuse = (message: string): ConnectorError =>
      new ConnectorError('validation', message, { systemId, operation: 'open' });
    if (!version || !system) throw refuse('the active policy does not name this system');
    const known = opened.get(`${systemId}/${lane}`);
    const config = resolveSecrets(systemId, system.config, options.secrets());
    // A rotated secret opens the system anew: refused credentials heal without a restart.
    const state = `${version.policyHash} ${JSON.stringify(config)}`;
    if (known?.state === state) return known.system as OpenSystem<Kind>;
    const definition = options.definitionById(system.connector);
    if (!definition) throw refuse(`there is no connector "${system.connector}"`);
    const { manifest } = definition;
    const rateLimiter = limiterOf(systemId, lane, manifest);
    const connector = openConnector(kind, definition, {
      systemId,
      config,
      now: options.now,
      rateLimiter,
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      ...(options.watchCall === undefined ? {} : { watchCall: options.watchCall }),
    });
    const entry: OpenSystem<Kind> = {
      system,
      manifest: withShorterWindow(manifest, options.consistencyWindowMsMax),
      connector,
    };
    opened.set(`${systemId}/${lane}`, { state, system: entry });
    return entry;
  }

  return { open, systemsOf };
}

function newLimiter(
  options: ConnectorPoolOptions,
  scope: string,
  lane: Lane,
  manifest: ConnectorManifest,
): RateLimiter {
  const { leaseCalls: lease, now } = options;
  const rate = options.callsPerMinute?.(manifest) ?? manifest.ratePolicy.callsPerMinute;
  return lease === undefined
    ? createRateLimiter({ callsPerMinute: rate * shareOfRate[lane], now })
    : createSharedLimiter({ scope, lane, callsPerMinute: rate, lease, now: () => performance.now() });
}

function withShorterWindow(manifest: ConnectorManifest, windowMsMax = Infinity): ConnectorManifest {
  const { reads, delayMs, windowMs } = manifest.consistency;
  // Reads that wait for each other longer than the window would make it longer again.
  const consistency = { reads, delayMs: Math.min(delayMs, windowMsMax), windowMs: Math.min(windowMs, windowMsMax) };
  return { ...manifest, consistency };
}
