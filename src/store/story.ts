/** Calm lines for the terminal: what happened in each case, without a name in the row. */
import type { Db, Tx } from './db.ts';

export type StoryKind =
  | 'caseWaiting'
  | 'planned'
  | 'approvalOpened'
  | 'decided'
  | 'approvalClosed'
  | 'reminded'
  | 'escalated'
  | 'approversChanged'
  | 'handedOver'
  | 'asked'
  | 'answered'
  | 'cutOff'
  | 'held'
  | 'waitingOutside'
  | 'systemDown'
  | 'systemBack'
  | 'incidentOpened'
  | 'incidentClosed'
  | 'contradicted'
  | 'verified'
  | 'caseClosed';

export async function tellStory(
  db: Db | Tx,
  line: { at: Date; personId: string | null; n: number | null; kind: StoryKind; data: Record<string, unknown> },
): Promise<void> {
  await db
    .insertInto('story')
    .values({ at: line.at, person_id: line.personId, n: line.n, kind: line.kind, data: JSON.stringify(line.data) })
    .execute();
}
