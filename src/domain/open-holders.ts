/** Which seats still wait, and for whom. */
import type { RequiredRole, Seat } from '../schemas/item.ts';

/**
 * One holder for each seat that nobody who decided fills; each person fills one seat. Seats are filled in their order, and a
 * seat that several may fill waits for the first of them who has not decided.
 */
export function openHolders(
  seats: readonly Seat[],
  decided: ReadonlySet<string>,
): { role: RequiredRole; holderId: string }[] {
  const used = new Set<string>();
  const take = (seat: Seat, isWanted: (id: string) => boolean): string | undefined => {
    const found = (seat.approverIds as string[]).find((id) => !used.has(id) && isWanted(id));
    if (found !== undefined) used.add(found);
    return found;
  };
  const open = seats.filter((seat) => take(seat, (id) => decided.has(id)) === undefined);
  return open.flatMap((seat) => {
    const holderId = take(seat, (id) => !decided.has(id));
    return holderId === undefined ? [] : [{ role: seat.role, holderId }];
  });
}
