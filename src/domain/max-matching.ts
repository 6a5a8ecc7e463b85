/** Seats and people: how many seats can be filled at once when each person fills one seat only. */

/**
 * Size of the most favourable assignment (a maximum bipartite matching by augmenting paths). `candidatesBySeat` lists
 * for each seat the people who may fill it.
 */
export function fillableSeats(candidatesBySeat: readonly (readonly string[])[]): number {
  const seatByPerson = new Map<string, number>();
  const place = (seat: number, visited: Set<string>): boolean => {
    for (const person of candidatesBySeat[seat] ?? []) {
      if (visited.has(person)) continue;
      visited.add(person);
      const taken = seatByPerson.get(person);
      if (taken === undefined || place(taken, visited)) {
        seatByPerson.set(person, seat);
        return true;
      }
    }
    return false;
  };
  return candidatesBySeat.filter((_, seat) => place(seat, new Set())).length;
}
