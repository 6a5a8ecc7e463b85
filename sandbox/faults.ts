/**
 * Scheduled misbehaviour of a vendor: throttling, outages, lost responses, lies. A plan is an ordered list of rules
 * and a seeded generator, so that the same calls meet the same faults in every run.
 */
import { z } from 'zod';

/**
 * - `status`: refuses with `status` (500 when absent), without effect.
 * - `throttle`: 429, with `retryAfterSeconds` in the vendor's dialect, without effect.
 * - `timeout`: never answers; the connection stays open until a side closes it. Without effect.
 * - `reset`: the connection is reset before anything happens.
 * - `malformed`: performs the call, then answers with a body cut in half.
 * - `lie`: answers a write with its success, without effect. Never fires on a read.
 * - `lostResponse`: performs the call, then resets the connection.
 * - `slow`: performs the call and answers after `delayMs`.
 */
export const FaultKind = z.enum(['status', 'throttle', 'timeout', 'reset', 'malformed', 'lie', 'lostResponse', 'slow']);
export type FaultKind = z.infer<typeof FaultKind>;

export const FaultRule = z.strictObject({
  kind: FaultKind,
  method: z.string().optional(),
  /** Regular expression over the path, without the query. */
  path: z.string().optional(),
  status: z.number().int().min(400).max(599).optional(),
  retryAfterSeconds: z.number().min(0).optional(),
  delayMs: z.number().min(0).optional(),
  /** How often it fires; null: until it is removed. Default 1. */
  times: z.number().int().min(1).nullable().optional(),
  /** Lets so many matching calls pass first. */
  skip: z.number().int().min(0).optional(),
  /** Chance to fire on a matching call, 0 to 1. Default 1. */
  probability: z.number().min(0).max(1).optional(),
});
export type FaultRule = z.infer<typeof FaultRule>;

export const DownMode = z.enum(['reset', '503']);
export type DownMode = z.infer<typeof DownMode>;

export interface Fault {
  kind: FaultKind;
  status: number;
  retryAfterSeconds: number;
  delayMs: number;
}

interface ActiveRule {
  id: number;
  rule: FaultRule;
  path: RegExp | null;
  remaining: number | null;
  toSkip: number;
}

/** The faults of one vendor. The first rule that matches a call and is due decides; a rule that ran out is gone. */
export class FaultPlan {
  readonly #now: () => Date;
  readonly #random: () => number;
  #rules: ActiveRule[] = [];
  #nextId = 1;
  #down: { mode: DownMode; untilMs: number | null } | null = null;

  constructor(options: { seed?: number; now?: () => Date } = {}) {
    this.#now = options.now ?? (() => new Date());
    this.#random = seededRandom(options.seed ?? 1);
  }

  /** Appends a rule; the returned id removes it again. Throws when `path` is no regular expression. */
  add(rule: FaultRule): number {
    const id = this.#nextId++;
    this.#rules.push({
      id,
      rule,
      path: rule.path === undefined ? null : new RegExp(rule.path),
      remaining: rule.times === undefined ? 1 : rule.times,
      toSkip: rule.skip ?? 0,
    });
    return id;
  }

  remove(id: number): boolean {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter((active) => active.id !== id);
    return this.#rules.length < before;
  }

  /** Removes every rule and ends an outage. */
  clear(): void {
    this.#rules = [];
    this.#down = null;
  }

  /** Takes the whole vendor down, for `forMs` or until told otherwise; null brings it back. */
  setDown(mode: DownMode | null, forMs?: number): void {
    this.#down = mode === null ? null : { mode, untilMs: forMs === undefined ? null : this.#now().getTime() + forMs };
  }

  /** The kind of outage that every call meets now, or null. */
  get down(): DownMode | null {
    if (this.#down === null) return null;
    if (this.#down.untilMs !== null && this.#now().getTime() >= this.#down.untilMs) this.#down = null;
    return this.#down?.mode ?? null;
  }

  get isDown(): boolean {
    return this.down !== null;
  }

  set isDown(isDown: boolean) {
    this.setDown(isDown ? '503' : null);
  }

  /** Rules that can still fire. */
  get pending(): readonly { id: number; rule: FaultRule; remaining: number | null }[] {
    return this.#rules.map(({ id, rule, remaining }) => ({ id, rule, remaining }));
  }

  /** The fault that this call meets; using it up is part of the answer. */
  next(method: string, path: string): Fault | null {
    for (const active of this.#rules) {
      if (!matches(active, method, path)) continue;
      if (active.toSkip > 0) {
        active.toSkip -= 1;
        continue;
      }
      if (active.rule.probability !== undefined && this.#random() >= active.rule.probability) continue;
      if (active.remaining !== null) {
        active.remaining -= 1;
        if (active.remaining === 0) this.remove(active.id);
      }
      return toFault(active.rule);
    }
    return null;
  }
}

function matches({ rule, path: pattern }: ActiveRule, method: string, path: string): boolean {
  if (rule.method !== undefined && rule.method.toUpperCase() !== method) return false;
  if (rule.kind === 'lie' && (method === 'GET' || method === 'HEAD')) return false;
  return pattern === null || pattern.test(path);
}

function toFault(rule: FaultRule): Fault {
  return {
    kind: rule.kind,
    status: rule.kind === 'throttle' ? 429 : (rule.status ?? 500),
    retryAfterSeconds: rule.retryAfterSeconds ?? 1,
    delayMs: rule.delayMs ?? 1000,
  };
}

/** Mulberry32: small, fast, and the same on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
