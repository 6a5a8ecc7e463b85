/**
 * Tells the story of each case in calm lines. It reads the server's story page after page with the token of the
 * profile that the server left in the data folder, and prints what is new; where there is no profile it stays silent.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readObject, writePrivate } from './data-folder.ts';
import type { Say } from './step.ts';

/** `GET /api/v1/story?after=N`: lines ready to print, in order, and the number to ask after next time. */
export const StoryPage = z.object({ lines: z.array(z.string()), after: z.number().int().nonnegative() });
export type StoryPage = z.infer<typeof StoryPage>;

export type ReadStory = (after: number) => Promise<StoryPage | null>;

const pauseMs = 1000;

const Profile = z.object({ url: z.url(), token: z.string().min(1) });

/** Reads the server's story over HTTP. Answers null while there is nothing to read with, or no answer. */
export function httpStory(dataDir: string): ReadStory {
  const profileFile = join(dataDir, 'profiles', 'admin.json');
  return async (after) => {
    if (!existsSync(profileFile)) return null;
    const { url, token } = Profile.parse(JSON.parse(readFileSync(profileFile, 'utf8')));
    const response = await fetch(new URL(`/api/v1/story?after=${after}`, url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(5000),
    });
    return response.ok ? StoryPage.parse(await response.json()) : null;
  };
}

export interface StoryPlace {
  /** Where an earlier run stopped reading; 0 at the first. */
  from: number;
  /** Told after each page that was printed. */
  keep: (after: number) => void;
}

/** The place in the story that a data folder remembers, so that a second start goes on where the first stopped. */
export function rememberedPlace(dataDir: string): StoryPlace {
  const file = join(dataDir, 'story.json');
  const { after } = readObject(file);
  return { from: typeof after === 'number' ? after : 0, keep: (reached) => writePrivate(file, { after: reached }) };
}

/** Prints every line once, until `signal` aborts. A page that fails is asked for again. */
export async function followStory(
  read: ReadStory,
  say: Say,
  place: StoryPlace,
  signal: AbortSignal,
  everyMs = pauseMs,
): Promise<void> {
  for (let after = place.from; !signal.aborted;) {
    const page = await read(after).catch(() => null);
    if (signal.aborted) return;
    for (const line of page?.lines ?? []) say(line);
    if (page && page.after > after) {
      after = page.after;
      place.keep(after);
    } else await pause(everyMs, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
