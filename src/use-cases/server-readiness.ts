/** What must be right before the server can do its work. */
import type { ReadinessPart } from '../observe/readiness.ts';
import { storeParts } from '../store/read-readiness.ts';
import type { ServerDeps } from './server-deps.ts';

export function serverParts(deps: ServerDeps): ReadinessPart[] {
  return [...storeParts(deps.db, deps.now), temporalPart(() => deps.temporal?.ping() ?? Promise.resolve())];
}

function temporalPart(ping: () => Promise<void>): ReadinessPart {
  const otherwise = 'Temporal does not answer for the namespace';
  return {
    name: 'temporal',
    otherwise,
    look: async () => {
      await ping();
      return null;
    },
  };
}
