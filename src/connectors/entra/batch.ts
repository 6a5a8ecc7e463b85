/**
 * Several reads in one call (`$batch`). Used where an operation needs several objects before it can decide; Graph counts
 * each item against the limits all the same. Items fail one by one, throttling included, under a 200 of the whole.
 * https://learn.microsoft.com/graph/json-batching
 */
import { z } from 'zod';
import type { CallContext } from '../kit/contract.ts';
import { ConnectorError, type ConnectorErrorCode } from '../kit/errors.ts';
import type { VendorAnswer } from '../kit/http.ts';
import { readRetryAfterMs } from '../kit/retry-after.ts';
import type { VendorReply } from '../kit/vendor-client.ts';
import { type EntraApi, graphVersion } from './graph.ts';
import { readGraphRefusal } from './refusals.ts';

/** Graph refuses a batch with more. */
export const batchMax = 20;

const BatchReply = z.object({
  responses: z.array(
    z.object({
      id: z.string(),
      status: z.number().int(),
      headers: z.record(z.string(), z.string()).nullish(),
      body: z.unknown(),
    }),
  ),
});
type BatchItem = z.infer<typeof BatchReply>['responses'][number];

/** One answer of a batch. */
export interface TogetherAnswer {
  /** Null where Graph says that it does not exist; other refusals are thrown, in the dialect of single calls. */
  as<T>(schema: z.ZodType<T>): T | null;
}

/** Reads the relative URLs (below the version, with a leading slash) together; the answers come in their order. */
export async function readTogether(
  api: EntraApi,
  operation: string,
  urls: string[],
  ctx: CallContext,
): Promise<TogetherAnswer[]> {
  const answers: TogetherAnswer[] = [];
  for (let start = 0; start < urls.length; start += batchMax) {
    answers.push(...(await readChunk(api, operation, urls.slice(start, start + batchMax), ctx)));
  }
  return answers;
}

async function readChunk(
  api: EntraApi,
  operation: string,
  urls: string[],
  ctx: CallContext,
): Promise<TogetherAnswer[]> {
  const requests = urls.map((url, index) => ({ id: String(index + 1), method: 'GET', url }));
  const { data } = await send(api, operation, { requests }, ctx);
  const byId = new Map(data.responses.map((item) => [item.id, item]));
  return requests.map(({ id }) => {
    const item = byId.get(id);
    if (item === undefined) throw api.client.fail('transient', operation, 'an item of the batch was not answered');
    return { as: (schema) => itemAs(api, operation, item, schema) };
  });
}

function send(
  { client }: EntraApi,
  operation: string,
  body: object,
  ctx: CallContext,
): Promise<VendorReply<z.infer<typeof BatchReply>>> {
  const path = () => `${graphVersion}/$batch`;
  return client.call({ operation, method: 'POST', isRead: true, path, body, schema: BatchReply }, ctx);
}

function itemAs<T>({ client }: EntraApi, operation: string, item: BatchItem, schema: z.ZodType<T>): T | null {
  if (item.status === 404) return null;
  if (item.status !== 200) throw refusalOf(client.systemId, operation, item);
  const parsed = schema.safeParse(item.body);
  if (!parsed.success)
    throw client.fail('transient', operation, 'an item of the batch does not have the expected shape');
  return parsed.data;
}

function refusalOf(systemId: string, operation: string, { status, headers, body }: BatchItem): ConnectorError {
  const lower = new Map(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const answer: VendorAnswer = { status, header: (name) => lower.get(name) ?? null, body };
  const verdict = readGraphRefusal(answer);
  // Graph gives seconds here, so that no clock is needed.
  const retryAfterMs = verdict?.retryAfterMs ?? (status === 429 ? readRetryAfterMs(answer.header, 0) : null);
  return new ConnectorError(verdict?.code ?? codeOf(status), `vendor answered ${status} to an item of a batch`, {
    systemId,
    operation,
    vendorCode: verdict?.vendorCode ?? String(status),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  });
}

function codeOf(status: number): ConnectorErrorCode {
  if (status === 429) return 'throttled';
  if (status === 401 || status === 403) return 'auth';
  return status >= 500 || status === 408 ? 'transient' : 'validation';
}
