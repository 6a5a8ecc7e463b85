/** What the sandbox systems say about a person: the outcome that counts, read past everything that Usher believes. */
import type { World } from './world.ts';

export interface Holding {
  accountIds: string[];
  groupIds: string[];
  canLogIn: boolean;
  sessions: number;
}

type SystemName = 'okta' | 'crm' | 'wiki' | 'warehouse';

/** What the accounts with one of the keys hold at a system. */
export function holdingAt(world: Pick<World, 'company'>, system: SystemName, keys: readonly string[]): Holding {
  const { users, groups, sessions } = world.company[system].state;
  const mine = Object.values(users).filter((user) => keys.includes(keyOf(user)));
  const ids = mine.map((user) => user.id);
  return {
    accountIds: ids,
    groupIds: Object.values(groups)
      .filter((group) => group.memberIds.some((id: string) => ids.includes(id)))
      .map((group) => group.id)
      .toSorted(),
    canLogIn: ids.some((id) => world.company[system].canLogIn(id)),
    sessions: sessions.filter((session) => ids.includes(session.userId)).length,
  };
}

function keyOf(user: object): string {
  if ('profile' in user) return String((user.profile as Record<string, unknown>)['employeeNumber']);
  return String((user as { attributes: Record<string, unknown> }).attributes['externalId']);
}

/** Everything that all systems hold for anybody but these people: who has which key, may log in, and holds what. */
export function othersAt(world: Pick<World, 'company'>, keys: readonly string[]): unknown[] {
  const systems = ['okta', 'crm', 'wiki', 'warehouse'] as const;
  return systems.flatMap((system) => {
    const { users, groups } = world.company[system].state;
    return Object.values(users)
      .filter((user) => !keys.includes(keyOf(user)))
      .map((user) => ({
        system,
        key: keyOf(user),
        canLogIn: world.company[system].canLogIn(user.id),
        groupIds: Object.values(groups)
          .filter((group) => group.memberIds.some((id: string) => id === user.id))
          .map((group) => group.id)
          .toSorted(),
      }));
  });
}

/** Everything that all systems hold, for "nothing changed". */
export function wholeState(world: Pick<World, 'company'>): string {
  const systems = ['okta', 'crm', 'wiki', 'warehouse'] as const;
  return JSON.stringify(
    systems.map((system) => {
      const { users, groups } = world.company[system].state;
      return [
        system,
        Object.values(users).map((user) => [user.id, world.company[system].canLogIn(user.id)]),
        Object.values(groups).map((group) => [group.id, group.memberIds.toSorted()]),
      ];
    }),
  );
}
