/** What an import would write for a batch of people, decided under the same rules for the preview and for the real run. */
import type { ImportedRow } from '../domain/import/read-rows.ts';
import type { AccessWindow, Snapshot } from '../schemas/facts.ts';
import type { LifecyclePolicy } from '../schemas/policy.ts';
import type { Db, Tx } from '../store/db.ts';
import { latestSnapshotRows, ownersOfKeys, type ImportedSource, type ImportedSpell } from '../store/import-people.ts';
import { openSnapshot } from '../store/people.ts';
import { accessWindow } from './access-window.ts';
import type { ServerDeps } from './server-deps.ts';

export type ImportEffect =
  | { kind: 'created'; row: ImportedRow; window: AccessWindow; spell: ImportedSpell }
  | {
      kind: 'updated';
      row: ImportedRow;
      window: AccessWindow;
      personId: string;
      spell: ImportedSpell;
      hasEnded: boolean;
    }
  | { kind: 'unchanged'; row: ImportedRow }
  /** The HR system speaks for this person; `isLinked`: the file's source is tied to them already. */
  | { kind: 'known'; row: ImportedRow; personId: string; isLinked: boolean }
  /** Erased for good: a file does not bring somebody back. */
  | { kind: 'erased'; row: ImportedRow };

/** Zone arithmetic is slow, and most people of a company share their dates. */
export function windowReader(lifecycle: LifecyclePolicy, now: Date): (row: ImportedRow) => AccessWindow {
  const known = new Map<string, AccessWindow>();
  return ({ facts }) => {
    const key = JSON.stringify([facts.startDate, facts.endDate, facts.location, facts.isTerminated]);
    const window = known.get(key) ?? accessWindow(facts, lifecycle, now);
    known.set(key, window);
    return window;
  };
}

/** One effect per row, in their order. Reads only. */
export async function effectsOf(
  deps: ServerDeps,
  db: Db | Tx,
  source: ImportedSource,
  rows: readonly ImportedRow[],
  windowOf: (row: ImportedRow) => AccessWindow,
): Promise<ImportEffect[]> {
  const owners = await ownersOfKeys(
    db,
    deps.vault,
    source,
    rows.map(({ facts }) => facts.sourceKey),
  );
  const imported = owners.flatMap((owner) => (owner.kind === 'imported' ? [owner.personId] : []));
  const snapshots = await latestSnapshotRows(db, imported);
  const now = deps.now();
  return rows.map((row, index): ImportEffect => {
    const owner = owners[index] ?? { kind: 'new' };
    switch (owner.kind) {
      case 'new': {
        const window = windowOf(row);
        return { kind: 'created', row, window, spell: spellOf(row, window, now) };
      }
      case 'hris':
        return { kind: 'known', row, personId: owner.personId, isLinked: owner.isLinked };
      case 'erased':
        return { kind: 'erased', row };
      case 'imported': {
        const { personId } = owner;
        const stored = snapshots.get(personId);
        const previous = stored ? openSnapshot(stored, deps) : null;
        const window = windowOf(row);
        if (previous && isSame(previous, row, window)) return { kind: 'unchanged', row };
        const spell = spellOf(row, window, now);
        const wasEmployed = previous !== null && spellOf(previous, previous.window, now) === 'open';
        return { kind: 'updated', row, window, personId, spell, hasEnded: wasEmployed && spell === 'ended' };
      }
      default:
        return owner satisfies never;
    }
  });
}

/** The end of somebody who is no longer employed is the moment of the reading: another one each time, and no change. */
function isSame(previous: Snapshot, row: ImportedRow, window: AccessWindow): boolean {
  const { isTerminated } = previous.facts;
  const told = (each: AccessWindow): string =>
    JSON.stringify([
      each.zone,
      each.from,
      each.startsAt,
      isTerminated && row.facts.isTerminated ? 'ended' : each.until,
    ]);
  return JSON.stringify(previous.facts) === JSON.stringify(row.facts) && told(previous.window) === told(window);
}

function spellOf({ facts }: Pick<ImportedRow, 'facts'>, window: AccessWindow, now: Date): ImportedSpell {
  const nowMs = now.getTime();
  if (facts.isTerminated || (window.until !== null && Date.parse(window.until) <= nowMs)) return 'ended';
  return Date.parse(window.from) <= nowMs ? 'open' : 'none';
}
