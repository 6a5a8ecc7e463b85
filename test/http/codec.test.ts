/** Encrypted payloads, opened for the Temporal UI. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLoginLink } from '../../src/auth/login-links.ts';
import { createDataConverter } from '../../src/data-converter.ts';
import { createHttpFixture, startedAt, type Answer, type HttpFixture } from './http-fixture.ts';

const uiUrl = 'http://127.0.0.1:8233';
let fixture: HttpFixture;
let payload: { metadata: Record<string, string>; data: string };

beforeAll(async () => {
  fixture = await createHttpFixture();
  fixture.deps.temporal = {
    uiUrl,
    namespace: 'test',
    submitDecision: () => Promise.resolve(),
    ping: () => Promise.resolve(),
    histories: () => Promise.resolve({}),
    runs: () => Promise.resolve([]),
    history: () => Promise.resolve(null),
    runsClosedSince: () => Promise.resolve([]),
  };
  const [codec] = createDataConverter(fixture.keysDir).payloadCodecs ?? [];
  const plain = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"Yusuf"') };
  const [sealed] = (await codec?.encode([plain])) ?? [];
  const base64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
  const metadata = Object.entries(sealed?.metadata ?? {}).map(([name, value]) => [name, base64(value)]);
  payload = { metadata: Object.fromEntries(metadata) as Record<string, string>, data: base64(sealed?.data) };
});
afterAll(() => fixture.close());

const decode = (headers: Record<string, string>, body: object = { payloads: [payload] }): Promise<Answer> =>
  fixture.call('POST', '/codec/decode', { headers, body });

const textOf = (answer: Answer): string => {
  const [opened] = (answer.json?.['payloads'] ?? []) as { data: string }[];
  return Buffer.from(opened?.data ?? '', 'base64').toString('utf8');
};

async function bearer(): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${(await fixture.tokenWith(['operate'])).token}` };
}

describe('the codec endpoint', () => {
  it('opens a payload of this installation, and passes one that is not encrypted', async () => {
    const plain = { metadata: { encoding: Buffer.from('json/plain').toString('base64') }, data: 'NDI=' };
    const answer = await decode(await bearer(), { payloads: [payload, plain] });
    expect(answer.status).toBe(200);
    expect(textOf(answer)).toBe('"Yusuf"');
    expect(((answer.json ?? {})['payloads'] as unknown[])[1]).toEqual(plain);
  });

  it('opens it to the login session of a browser, which may otherwise only GET', async () => {
    const { tokenHash } = await fixture.tokenWith(['operate']);
    const expiresAt = new Date(startedAt.getTime() + 60_000);
    const secret = await createLoginLink(fixture.db, { tokenHash, expiresAt });
    const login = await fixture.call('POST', `/login/${secret}`);
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect(textOf(await decode({ cookie, origin: uiUrl }))).toBe('"Yusuf"');
  });

  it('refuses one that was changed, without telling what is in it', async () => {
    const changed = { ...payload, data: `${payload.data.slice(0, -8)}AAAAAAA=` };
    const answer = await decode(await bearer(), { payloads: [changed] });
    expect(answer).toMatchObject({ status: 400, json: { code: 'invalidInput', field: 'payloads' } });
  });

  it('lets pages of the Temporal UI read the answer, and no page of another origin', async () => {
    const preflight = await fixture.call('OPTIONS', '/codec/decode', { headers: { origin: uiUrl } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(uiUrl);
    const own = await decode({ ...(await bearer()), origin: uiUrl });
    expect(own.headers.get('access-control-allow-origin')).toBe(uiUrl);
    for (const origin of ['http://127.0.0.1:9999', 'null', 'https://example.com']) {
      const answer = await decode({ ...(await bearer()), origin });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});
