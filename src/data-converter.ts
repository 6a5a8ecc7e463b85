/** The data converter of every client and worker, with the codec key of this installation. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload } from '@temporalio/common';
import { createPayloadCodec } from './payload-codec.ts';

const CURRENT = 'c1';

/** Messages of failures are encoded too. The workflow bundle must be made with the same path. */
export const failureConverterPath = fileURLToPath(new URL('./failure-converter.ts', import.meta.url));

/** Reads `<keysDir>/codec/*.key`; makes the first key on first use. Server, worker and replay share the folder. */
export function createDataConverter(keysDir: string): DataConverter {
  const dir = join(keysDir, 'codec');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, `${CURRENT}.key`);
  if (!existsSync(file)) makeKey(file);
  const keys = new Map(
    readdirSync(dir)
      .filter((name) => name.endsWith('.key'))
      .map((name) => [name.slice(0, -4), readFileSync(join(dir, name))] as const),
  );
  return { failureConverterPath, payloadCodecs: [createPayloadCodec(keys, CURRENT)] };
}

/** Exclusive: of two processes that start at once, one makes the key and the other reads it. */
function makeKey(file: string): void {
  try {
    writeFileSync(file, randomBytes(32), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** Opens payloads with the codecs of a converter. Rejects when one does not open. */
export async function decodePayloads({ payloadCodecs = [] }: DataConverter, payloads: Payload[]): Promise<Payload[]> {
  let opened = payloads;
  for (const codec of payloadCodecs.toReversed()) opened = await codec.decode(opened);
  return opened;
}
