/**
 * The payload codec: inputs, results, summaries and details of workflows are stored encrypted (AES-256-GCM), so that
 * whoever can read the Temporal database reads references and ciphertext. The key id travels with the payload.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
// CommonJS: it has no named exports under ES modules.
import proto from '@temporalio/proto';

const PayloadProto = proto.temporal.api.common.v1.Payload;
const ENCODING = 'binary/encrypted';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const utf8 = new TextEncoder();

/**
 * `keys` by id; new payloads use `currentKeyId`. What carries no encryption passes as it is: the Temporal UI sends signals
 * plain. Decoding throws for an unknown key and for bytes that do not open.
 */
export function createPayloadCodec(keys: ReadonlyMap<string, Buffer>, currentKeyId: string): PayloadCodec {
  const keyOf = (id: string): Buffer => {
    const key = keys.get(id);
    if (!key) throw new Error(`payload of an unknown key "${id}"`);
    return key;
  };
  return {
    encode: (payloads) =>
      Promise.resolve(payloads.map((payload) => encrypt(payload, keyOf(currentKeyId), currentKeyId))),
    decode: (payloads) => Promise.resolve(payloads.map((payload) => decrypt(payload, keyOf))),
  };
}

function encrypt(payload: Payload, key: Buffer, keyId: string): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const body = Buffer.concat([cipher.update(PayloadProto.encode(payload).finish()), cipher.final()]);
  return {
    metadata: { encoding: utf8.encode(ENCODING), 'encryption-key-id': utf8.encode(keyId) },
    data: Buffer.concat([iv, cipher.getAuthTag(), body]),
  };
}

function decrypt(payload: Payload, keyOf: (id: string) => Buffer): Payload {
  const text = (name: string): string => Buffer.from(payload.metadata?.[name] ?? []).toString('utf8');
  if (text('encoding') !== ENCODING) return payload;
  const keyId = text('encryption-key-id');
  const key = keyOf(keyId);
  return PayloadProto.decode(opened(Buffer.from(payload.data ?? []), key, keyId));
}

function opened(data: Buffer, key: Buffer, keyId: string): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, IV_BYTES));
    decipher.setAuthTag(data.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(data.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    throw new Error(`a payload does not open with key "${keyId}": it was changed, or made with another key of that id`);
  }
}
