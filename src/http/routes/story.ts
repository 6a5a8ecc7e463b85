/** What happens, line by line, for a terminal that follows it. */
import { StoryQuery } from '../../schemas/api-audit.ts';
import { listStory } from '../../store/read-story.ts';
import { readNames } from '../../store/read-names.ts';
import { personsIn, storyLines } from '../story-lines.ts';
import { viewerOf, type HttpDeps } from '../app-types.ts';
import { readQuery } from '../input.ts';
import type { Router } from '../router.ts';

export function storyRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/story', async (c, caller) => {
    const { after } = readQuery(c, StoryQuery);
    const { canSeeDepartures } = viewerOf(caller);
    const entries = await listStory(deps.db, deps, { after, canSeeDepartures });
    const nameOf = await readNames(deps.db, deps, entries.flatMap(personsIn));
    const lines = entries.flatMap((entry) => storyLines(entry, { nameOf, profileOf: deps.profileOf }));
    return c.json({ entries, lines, after: Number(entries.at(-1)?.storyId ?? after) });
  });
}
