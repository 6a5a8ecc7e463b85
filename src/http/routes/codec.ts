/**
 * Opens encrypted payloads for the Temporal UI, which shows ciphertext otherwise. It only reads, although the UI asks by
 * POST; a browser's login session is enough. Answers are readable by pages of the configured UI and of no other origin.
 */
import { z } from 'zod';
import { AppError } from '../../domain/errors.ts';
import type { App, HttpDeps, PayloadBytes } from '../app-types.ts';
import { readJson } from '../input.ts';
import type { Router } from '../router.ts';

const PAYLOADS_MAX = 2000;

/** The JSON form that protobuf gives a payload: every sequence of bytes in base64. */
const JsonPayload = z.object({ metadata: z.record(z.string(), z.base64()).default({}), data: z.base64().default('') });
const DecodeBody = z.object({ payloads: z.array(JsonPayload).max(PAYLOADS_MAX) });
type JsonPayload = z.infer<typeof JsonPayload>;

export function codecRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('POST /codec/decode', async (c) => {
    const { payloads } = await readJson(c, DecodeBody);
    const opened = await deps.openPayloads(payloads.map(toBytes)).catch(() => {
      throw new AppError('invalidInput', 'payloads: one does not open with the keys of this installation', 'payloads');
    });
    return c.json({ payloads: opened.map(toJson) });
  });
}

/** Lets the Temporal UI, and no other page of another origin, read the answers. */
export function allowTemporalUi(app: App, deps: HttpDeps): void {
  app.use('/codec/*', async (c, next) => {
    const uiOrigin = deps.temporal?.uiUrl ? new URL(deps.temporal.uiUrl).origin : null;
    const isUi = uiOrigin !== null && c.req.header('origin') === uiOrigin;
    if (c.req.method === 'OPTIONS') c.res = c.body(null, 204);
    else await next();
    if (!isUi) return;
    c.res.headers.set('access-control-allow-origin', uiOrigin);
    c.res.headers.set('access-control-allow-credentials', 'true');
    c.res.headers.set('access-control-allow-methods', 'POST');
    c.res.headers.set('access-control-allow-headers', 'authorization, content-type, x-namespace');
    c.res.headers.set('vary', 'origin');
  });
}

const toBytes = ({ metadata, data }: JsonPayload): PayloadBytes => ({
  metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
  data: Buffer.from(data, 'base64'),
});

const toJson = ({ metadata, data }: PayloadBytes): JsonPayload => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  ),
  data: Buffer.from(data ?? []).toString('base64'),
});
