/** The public API as the demonstration uses it: one client for each person, with the token of that person's profile. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const TIMEOUT_MS = 20_000;

export const Approvals = z.object({
  approvals: z.array(
    z.object({
      approvalId: z.string(),
      person: z.object({ name: z.string() }),
      items: z.array(
        z.object({
          itemDigest: z.string(),
          action: z.string(),
          entitlementId: z.string().nullable(),
          profileId: z.string().nullable(),
        }),
      ),
      decisions: z.array(z.object({ approver: z.object({ personId: z.string() }) })),
    }),
  ),
});
export const Me = z.object({ personId: z.string(), name: z.string() });
export const Cases = z.object({
  cases: z.array(z.object({ caseId: z.string(), person: z.string(), kind: z.string(), state: z.string() })),
});
export const CaseDetail = z.object({
  operations: z.array(z.object({ itemDigest: z.string(), state: z.string() })),
  timeline: z.array(z.object({ kind: z.string() })),
});
export const Story = z.object({
  entries: z.array(z.object({ at: z.string(), kind: z.string(), person: z.string().nullable() })),
  after: z.number(),
});
export type StoryEntry = z.infer<typeof Story>['entries'][number];
export const Incidents = z.object({ incidents: z.array(z.object({ systemId: z.string(), state: z.string() })) });
export const Verification = z.object({ isSound: z.boolean() });

/** Calls the API as one person. Every answer is parsed; a refusal is thrown with what the server said. */
export class DemoApi {
  readonly #url: string;
  readonly #token: string;

  constructor(dataDir: string, profile: string) {
    const file = join(dataDir, 'profiles', `${profile}.json`);
    const { url, token } = z.object({ url: z.url(), token: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8')));
    this.#url = url;
    this.#token = token;
  }

  async get<T>(path: string, shape: z.ZodType<T>): Promise<T> {
    return shape.parse(await this.#call('GET', path));
  }

  async post(path: string, body: object): Promise<void> {
    await this.#call('POST', path, body);
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

/** Everything that was told so far, page after page. */
export async function readStory(admin: DemoApi): Promise<StoryEntry[]> {
  const all: StoryEntry[] = [];
  for (let after = 0; ;) {
    const page = await admin.get(`/story?after=${after}`, Story);
    all.push(...page.entries);
    if (page.entries.length === 0 || page.after <= after) return all;
    after = page.after;
  }
}
