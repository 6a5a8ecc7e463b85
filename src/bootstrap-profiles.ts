/**
 * The embedded default only: writes CLI profiles for the people of the sample company, so that a newcomer can try each
 * role from one terminal, and the operator's token for the story. A real installation hands out tokens one by one.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from './auth/scopes.ts';
import { authenticate, createToken } from './auth/tokens.ts';
import { createLoginLink } from './auth/login-links.ts';
import { sha256Hex } from './store/sha256.ts';
import { latestSnapshot, resolvePersonRefs } from './store/people.ts';
import type { ServerDeps } from './use-cases/server-deps.ts';

const LIFE_MS = 90 * 86_400_000;
const LOGIN_LINK_LIFE_MS = 12 * 3_600_000;
const adminScopes: Scope[] = ['decide', 'read:own-cases', 'operate', 'security', 'audit', 'erase'];
const personScopes: Scope[] = ['decide', 'read:own-cases'];

/** Profile names by person id. */
export type ProfileNames = ReadonlyMap<string, string>;

/** Writes a profile for everybody who works there and `admin` for the fallback owner of the policy. Existing valid ones stay. */
export async function writeProfiles(deps: ServerDeps, dataDir: string): Promise<ProfileNames> {
  const dir = join(dataDir, 'profiles');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const names = new Map<string, string>();
  const people = await deps.db
    .selectFrom('person')
    .select('person_id')
    .where('spell_state', 'in', ['open', 'pending'])
    .orderBy('person_id')
    .execute();
  for (const { person_id: personId } of people) {
    const facts = (await latestSnapshot(deps.db, deps, personId))?.facts;
    if (!facts) continue;
    const name = freeName(slug(facts.displayName), names);
    names.set(personId, name);
    await writeProfile(deps, join(dir, `${name}.json`), personId, personScopes);
  }
  const version = await deps.policies.active();
  const admin = version
    ? (await resolvePersonRefs(deps.db, [version.policy.routing.fallbackOwner])).values().next().value
    : undefined;
  if (admin !== undefined) {
    const token = await writeProfile(deps, join(dir, 'admin.json'), admin, adminScopes);
    writeFileSync(join(dataDir, 'operator-token'), token, { mode: 0o600 });
    const expiresAt = new Date(deps.now().getTime() + LOGIN_LINK_LIFE_MS);
    const link = await createLoginLink(deps.db, { tokenHash: sha256Hex(token), expiresAt });
    writeFileSync(join(dataDir, 'login-link'), `${deps.publicUrl}/login/${link}`, { mode: 0o600 });
  }
  return names;
}

async function writeProfile(deps: ServerDeps, file: string, personId: string, scopes: Scope[]): Promise<string> {
  const now = deps.now();
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { token?: string }).token : undefined;
  const caller = known === undefined ? null : await authenticate(deps.db, { authorization: `Bearer ${known}` }, now);
  const isGood = caller !== null && caller.personId === personId && scopes.every((scope) => caller.scopes.has(scope));
  const token =
    isGood && known !== undefined
      ? known
      : (
          await createToken(deps.db, {
            personId,
            label: 'sample company',
            scopes,
            expiresAt: new Date(now.getTime() + LIFE_MS),
            now,
          })
        ).token;
  writeFileSync(file, JSON.stringify({ url: deps.publicUrl, token }), { mode: 0o600 });
  return token;
}

function slug(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return plain === '' || plain === 'admin' ? 'person' : plain.slice(0, 60);
}

function freeName(name: string, taken: ReadonlyMap<string, string>): string {
  const names = new Set(taken.values());
  for (let i = 1; ; i += 1) {
    const candidate = i === 1 ? name : `${name}-${i}`;
    if (!names.has(candidate)) return candidate;
  }
}
