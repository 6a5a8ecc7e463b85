/**
 * Servers that disagree, each as strict as the real one in what Usher's quirk profiles rely on. Sources are those of the
 * profiles; what was measured there was measured on the running server.
 */
import type { ScimQuirks } from './scim-quirks.ts';

export const scimBehaviours = {
  rfc: { patchStyle: 'path', memberRemoveStyle: 'filterPath', patchAnswer: 204, groupsOnUser: false },
  'okta-style': { patchStyle: 'noPath', groupsFilterBy: [], groupsOnUser: false },
  'entra-style': {
    memberRemoveStyle: 'valueArray',
    wrongRemovalEmptiesGroup: true,
    acceptsBooleanStrings: true,
    activeShown: 'text',
    groupsFilterBy: ['displayname', 'externalid'],
    groupsOnUser: false,
    membersShown: 'byId',
  },
  'aws-identity-center': {
    pageMax: 100,
    paging: 'cursor',
    usersFilterBy: ['username', 'externalid', 'id'],
    groupsFilterBy: ['displayname', 'externalid', 'id', 'members.value'],
    refusesExcludedAttributes: true,
    groupsOnUser: false,
    membersShown: 'never',
    membershipChangesMax: 100,
    takesJsonOnly: true,
    patchAnswer: 204,
  },
  slack: {
    memberRemoveStyle: 'valueArray',
    wrongRemovalEmptiesGroup: true,
    groupsFilterBy: ['displayname'],
    takesJsonOnly: true,
    requiresEmail: true,
    deleteMeans: 'deactivate',
  },
  'github-emu': {
    memberRemoveStyle: 'valueArray',
    usersFilterBy: ['username', 'externalid', 'id', 'displayname'],
    groupsFilterBy: ['externalid', 'id', 'displayname'],
    takesJsonOnly: true,
    requiresEmail: true,
  },
  atlassian: {
    usersFilterBy: ['username', 'externalid'],
    groupsFilterBy: ['displayname'],
    refusesExcludedAttributes: true,
    requiresEmail: true,
    deleteMeans: 'hide',
  },
  'better-auth': { acceptsBooleanStrings: true, groupsFilterBy: [], groupsOnUser: false, requiresEmail: true },
  scimmy: {
    memberRemoveStyle: 'filterPath',
    existingMember: 'duplicate',
    paging: 'ignored',
    ignoresCount: true,
    pageMax: 20,
    groupsOnUser: false,
    showsLocation: false,
    etag: 'hash',
  },
  'put-only': { patchSupported: false, groupsFilterBy: [], groupsOnUser: false },
  'users-only-by-name': { usersFilterBy: ['username'], groupsFilterBy: [], groupsOnUser: false },
} as const satisfies Record<string, Partial<ScimQuirks>>;
export type ScimBehaviour = keyof typeof scimBehaviours;
