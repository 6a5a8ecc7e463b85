/** Reads from the rows what the derivation needs to know about a person before the new snapshot. */
import type { LifecycleState } from '../domain/derive-lifecycle.ts';
import type { Snapshot } from '../schemas/facts.ts';
import type { Tx } from '../store/db.ts';
import type { PersonRow } from '../store/people.ts';

const givingAccess = ['joiner', 'rehire', 'rescind', 'mover'] as const;

/** State at `now`; `isManualDeparture` where a person, not the HR system, made the standing departure. */
export async function lifecycleStateOf(
  tx: Tx,
  person: PersonRow,
  previous: Snapshot | null,
  now: Date,
): Promise<LifecycleState & { isManualDeparture: boolean }> {
  if (person.spell_n === null || person.spell_state === 'none') {
    return { spell: null, joiner: null, departure: null, snapshot: previous, isManualDeparture: false };
  }
  const cutoff = await tx
    .selectFrom('cutoff as o')
    .innerJoin('usher_case as c', (join) => join.onRef('c.person_id', '=', 'o.person_id').onRef('c.n', '=', 'o.n'))
    .select(['o.n', 'o.effective_at', 'o.state', 'o.reason', 'c.closed_at'])
    .where('o.person_id', '=', person.person_id)
    .where('o.n', '=', person.fence)
    .where('o.state', '!=', 'rescinded')
    // Against its start: what is called off here is not started at the same moment.
    .forUpdate('o')
    .executeTakeFirst();
  const joiner = await tx
    .selectFrom('usher_case')
    .select(['n', 'effective_at'])
    .where('person_id', '=', person.person_id)
    .where('kind', 'in', givingAccess)
    .where('closed_at', 'is', null)
    .orderBy('n', 'desc')
    // Against its closing: a case that ends at this moment is not told, it is over.
    .forUpdate()
    .executeTakeFirst();
  const isPending = previous !== null && now.getTime() < Date.parse(previous.window.from);
  return {
    spell: { spellN: person.spell_n, state: person.spell_state === 'ended' ? 'ended' : isPending ? 'pending' : 'open' },
    joiner: joiner ? { n: joiner.n, isEffective: joiner.effective_at <= now } : null,
    departure: cutoff
      ? {
          n: cutoff.n,
          effectiveAt: cutoff.effective_at.toISOString(),
          status: departureStatus(cutoff.state, cutoff.closed_at !== null),
        }
      : null,
    snapshot: previous,
    isManualDeparture: cutoff?.state === 'started' && cutoff.reason !== null,
  };
}

function departureStatus(
  state: 'scheduled' | 'held' | 'started' | 'rescinded',
  isClosed: boolean,
): 'scheduled' | 'held' | 'started' | 'done' {
  switch (state) {
    case 'scheduled':
    case 'held':
      return state;
    case 'started':
    case 'rescinded':
      return isClosed ? 'done' : 'started';
    default:
      return state satisfies never;
  }
}
