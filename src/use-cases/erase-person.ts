/** Erases a person: what names them becomes unreadable for good, in the database and in every backup of it. */
import { AppError } from '../domain/errors.ts';
import { revokeTokensOf } from '../auth/tokens.ts';
import { erasePerson, type ErasureReason } from '../evidence/erase.ts';
import { openCases } from '../store/cases.ts';
import type { ServerDeps } from './server-deps.ts';

export interface EraseInput {
  personId: string;
  reason: ErasureReason;
  by: string;
}

/**
 * Repeating it is harmless. Throws AppError: notFound; conflict while a case of the person is open, because whoever may
 * still have access must stay findable.
 */
export async function erasePersonCompletely(deps: ServerDeps, input: EraseInput): Promise<void> {
  const { personId, reason } = input;
  const open = await openCases(deps.db, personId);
  if (open.length > 0)
    throw new AppError('conflict', `case ${open[0]?.case_id ?? ''} is still open; erase when it is closed`);
  const { outcome } = await erasePerson({
    db: deps.db,
    vault: deps.vault,
    personId,
    now: deps.now(),
    reason,
    erasedBy: input.by,
  });
  if (outcome === 'notFound') throw new AppError('notFound', 'Usher knows no such person', 'personId');
  await revokeTokensOf(deps.db, personId, deps.now());
  await deps.db
    .updateTable('identity_link')
    .set({ valid_to: deps.now() })
    .where('person_id', '=', personId)
    .where('valid_to', 'is', null)
    .execute();
  deps.log.info({ personId }, 'person erased');
}
