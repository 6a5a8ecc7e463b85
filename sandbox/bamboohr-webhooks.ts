/**
 * Sends the HRIS's event-based webhooks, signed as BambooHR signs them: hex HMAC-SHA256 with the webhook's private key
 * over raw body followed by timestamp. What was not delivered when the process ends is lost, as at the vendor after its
 * last retry: polling finds it.
 * https://documentation.bamboohr.com/docs/event-based-webhooks
 */
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BamboohrState, type HrEvent, toVendorInstant, type Webhook } from './bamboohr-state.ts';
import type { Store } from './store.ts';

export interface WebhookBehaviour {
  /** How often each event is delivered. */
  copies: number;
  delayMs: number;
  /** Nothing is sent: only the list of changes tells. */
  isSuppressed: boolean;
}

export interface WebhookSender {
  behaviour: WebhookBehaviour;
  send(event: HrEvent): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  /** Gives up what waits for a retry. */
  stop(): void;
}

interface SenderDeps {
  store: Store<BamboohrState>;
  now: () => Date;
  retryDelaysMs: number[];
}

export function createWebhookSender({ store, now, retryDelaysMs }: SenderDeps): WebhookSender {
  const behaviour: WebhookBehaviour = { copies: 1, delayMs: 0, isSuppressed: false };
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();

  async function deliver(webhook: Webhook, body: string, delayMs: number): Promise<void> {
    for (const pauseMs of [delayMs, ...retryDelaysMs]) {
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal: stopping.signal });
      if (stopping.signal.aborted) return;
      if (!(await post(webhook, body, now(), stopping.signal))) continue;
      const sent = store.data.webhooks.find(({ id }) => id === webhook.id);
      if (sent !== undefined) sent.lastSent = toVendorDateTime(now());
      store.changed();
      return;
    }
  }

  function track(delivery: Promise<void>): void {
    const tracked: Promise<void> = delivery
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      })
      .finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  }

  return {
    behaviour,
    send(event) {
      if (behaviour.isSuppressed) return;
      for (const webhook of store.data.webhooks) {
        const changedFields = monitored(webhook, event);
        if (changedFields === null) continue;
        const body = JSON.stringify(toPayload(store.data.companyId, { ...event, changedFields }, now()));
        for (let copy = 0; copy < behaviour.copies; copy += 1) {
          track(deliver(structuredClone(webhook), body, behaviour.delayMs));
        }
      }
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    stop: () => stopping.abort(),
  };
}

/** Hex HMAC-SHA256 over raw body and then timestamp. */
export function signWebhook(privateKey: string, rawBody: string, timestamp: string): string {
  return createHmac('sha256', privateKey).update(rawBody).update(timestamp).digest('hex');
}

/** `YYYY-MM-DD HH:MM:SS` in UTC. */
export function toVendorDateTime(at: Date): string {
  return at.toISOString().slice(0, 19).replace('T', ' ');
}

/** The changed fields that this webhook hears of; null when it hears nothing of the event. */
function monitored(webhook: Webhook, event: HrEvent): string[] | null {
  if (!webhook.events.includes(event.type)) return null;
  if (event.type !== 'employee.updated' || webhook.monitorFields === null) return event.changedFields;
  const heard = event.changedFields.filter((name) => webhook.monitorFields?.includes(name));
  return heard.length === 0 ? null : heard;
}

function toPayload(companyId: string, event: HrEvent, at: Date): object {
  const data = { companyId, employeeId: event.employeeId };
  return {
    type: event.type,
    timestamp: toVendorInstant(at).replace('Z', '+0000'),
    data: event.type === 'employee.updated' ? { ...data, changedFields: event.changedFields } : data,
  };
}

async function post(webhook: Webhook, body: string, at: Date, stopped: AbortSignal): Promise<boolean> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'x-bamboohr-timestamp': timestamp,
        'x-bamboohr-signature': signWebhook(webhook.privateKey, body, timestamp),
      },
      body,
      signal: AbortSignal.any([AbortSignal.timeout(10_000), stopped]),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
