/**
 * Makes a recorded history fit to be kept: payloads are decoded, so that it replays without any key, and what names the
 * machine that recorded it (process identities, paths in stack traces) is taken out. Replay looks at neither.
 */
import type { PayloadCodec } from '@temporalio/common';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface JsonPayload {
  metadata: Record<string, string>;
  data?: string;
}

const machineFields = new Set(['identity', 'stackTrace', 'buildId']);

const toBytes = (base64: string): Uint8Array => Buffer.from(base64, 'base64');
const toBase64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');

/** `json` as Temporal writes histories. */
export async function cleanHistory(json: unknown, codec: PayloadCodec): Promise<unknown> {
  return clean(json as Json, codec);
}

async function clean(value: Json, codec: PayloadCodec): Promise<Json> {
  if (Array.isArray(value)) return Promise.all(value.map((entry) => clean(entry, codec)));
  if (typeof value !== 'object' || value === null) return value;
  if (isPayload(value)) return withoutStack(await decoded(value, codec));
  const entries = Object.entries(value).map(async ([key, entry]): Promise<[string, Json]> => {
    if (machineFields.has(key) && typeof entry === 'string') return [key, entry === '' ? '' : 'recorded'];
    return [key, await clean(entry, codec)];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function isPayload(value: object): value is JsonPayload {
  return 'metadata' in value && typeof value.metadata === 'object' && 'encoding' in (value.metadata ?? {});
}

async function decoded(payload: JsonPayload, codec: PayloadCodec): Promise<JsonPayload> {
  const metadata = Object.entries(payload.metadata).map(([key, text]) => [key, toBytes(text)] as const);
  const [plain] = await codec.decode([{ metadata: Object.fromEntries(metadata), data: toBytes(payload.data ?? '') }]);
  const plainMetadata = Object.entries(plain?.metadata ?? {}).map(([key, bytes]) => [key, toBase64(bytes)] as const);
  return { metadata: Object.fromEntries(plainMetadata), data: toBase64(plain?.data) };
}

/** A failure that was encoded carries its stack in a payload of its own. */
function withoutStack(payload: JsonPayload): Json {
  const text = Buffer.from(payload.data ?? '', 'base64').toString('utf8');
  if (!text.includes('"stack_trace"')) return { ...payload };
  const failure = JSON.parse(text) as Record<string, unknown>;
  return { ...payload, data: toBase64(Buffer.from(JSON.stringify({ ...failure, stack_trace: '' }))) };
}
