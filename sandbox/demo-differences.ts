/** What the sandbox systems themselves hold, and how that differs from what the morning must come to. */
import { z } from 'zod';
import { expectations, type Expectation } from './demo-expectations.ts';

/** The systems on which people hold accounts. */
export const systems = ['okta', 'crm', 'wiki', 'warehouse'] as const;

const Account = z.object({
  userName: z.string(),
  status: z.string(),
  canLogIn: z.boolean(),
  groups: z.array(z.string()),
  sessions: z.number(),
});
const SystemState = z.object({
  accounts: z.array(Account),
  groups: z.array(z.object({ id: z.string(), name: z.string() })),
});
export type SystemsState = Record<(typeof systems)[number], z.infer<typeof SystemState>>;

/** Reads every system's state at its private endpoint, which no fault reaches. */
export async function readSystems(origins: Record<string, string>): Promise<SystemsState> {
  const read = async (system: (typeof systems)[number]): Promise<z.infer<typeof SystemState>> =>
    SystemState.parse(await (await fetch(new URL('/_sandbox/state', origins[system]))).json());
  const [okta, crm, wiki, warehouse] = await Promise.all([read('okta'), read('crm'), read('wiki'), read('warehouse')]);
  return { okta, crm, wiki, warehouse };
}

/** All that differs, in whole sentences that begin with the person's name; empty when all holds. */
export function differencesOf(before: SystemsState, after: SystemsState): string[] {
  return [...expectations.flatMap((expected) => ofPerson(expected, after)), ...ofBystanders(before, after)];
}

function ofPerson(expected: Expectation, state: SystemsState): string[] {
  return systems.flatMap((system) => {
    const { accounts, groups } = state[system];
    const nameOf = new Map(groups.map((group) => [group.id, group.name]));
    const mine = accounts.filter((account) => loginIn(account) === loginOf(expected.name));
    if (mine.length > 1) return [`${expected.name}: ${mine.length} accounts at ${system}`];
    const account = mine[0];
    // Okta itself puts every account into this group, and nobody can take one out.
    const held = (account?.groups ?? []).map((id) => nameOf.get(id) ?? id).filter((name) => name !== 'Everyone');
    const wanted = expected.groups[system] ?? [];
    const found: string[] = [];
    if (held.toSorted().join() !== wanted.toSorted().join()) {
      found.push(`${expected.name} at ${system}: holds [${held.join(', ')}], expected [${wanted.join(', ')}]`);
    }
    const shouldLogIn = wanted.length > 0;
    if ((account?.canLogIn ?? false) !== shouldLogIn) {
      found.push(`${expected.name} at ${system}: ${shouldLogIn ? 'cannot' : 'can still'} log in`);
    }
    if (!shouldLogIn && (account?.sessions ?? 0) > 0) found.push(`${expected.name} at ${system}: a session lives on`);
    return found;
  });
}

/** Nobody else may have gained or lost anything. */
function ofBystanders(before: SystemsState, after: SystemsState): string[] {
  const named = new Set(expectations.map(({ name }) => loginOf(name)));
  return systems.flatMap((system) => {
    const view = (state: SystemsState): Map<string, string> =>
      new Map(
        state[system].accounts
          .filter((account) => !named.has(loginIn(account)))
          .map(({ userName, status, canLogIn, groups, sessions }) => [
            userName,
            [status, canLogIn, sessions, ...groups.toSorted()].join(),
          ]),
      );
    const [was, is] = [view(before), view(after)];
    return [...new Set([...was.keys(), ...is.keys()])]
      .filter((userName) => was.get(userName) !== is.get(userName))
      .map((userName) => `${userName} at ${system} changed, and nobody asked for it`);
  });
}

const loginIn = ({ userName }: { userName: string }): string => userName.split('@')[0] ?? '';

/** How the company makes a login out of a name: `Pavel Novák` is `pavel.novak`. */
const loginOf = (name: string): string =>
  name
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z ]/g, '')
    .replace(' ', '.');
