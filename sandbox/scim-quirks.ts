/** What the sandbox's SCIM servers can be made to differ in. Each value was seen at a real server. */

export interface ScimQuirks {
  /** Most resources of one page. */
  pageMax: number;
  /**
   * `startIndex` as the RFC has it; `ignored`: every page is the first; `cursor`: RFC 9865, and without a cursor the first
   * page alone; `cut`: one page that counts itself as the whole.
   */
  paging: 'startIndex' | 'ignored' | 'cursor' | 'cut';
  /** Pages are as long as the server likes. */
  ignoresCount: boolean;
  /** Lower-case attributes of users and of groups that a filter may name; others are 400. `ignored`: a filter does nothing. */
  usersFilterBy: 'all' | 'ignored' | readonly string[];
  groupsFilterBy: 'all' | 'ignored' | readonly string[];
  /** A list asked for with `excludedAttributes` is 400. */
  refusesExcludedAttributes: boolean;
  /** Whether a user shows the groups that it is in. */
  groupsOnUser: boolean;
  /** Where a group shows its members. */
  membersShown: 'always' | 'byId' | 'never';
  /** Without it PATCH answers 501. */
  patchSupported: boolean;
  /** Which form of a PATCH operation is understood; the other answers 400. */
  patchStyle: 'any' | 'path' | 'noPath';
  /** How a member is taken out; the other form answers 400. */
  memberRemoveStyle: 'any' | 'filterPath' | 'valueArray';
  /** A wrong form of removal answers 204 and takes out everybody instead of answering 400. */
  wrongRemovalEmptiesGroup: boolean;
  /** Adding a member who is there already. */
  existingMember: 'ignore' | 'duplicate';
  /** Changes of members that one request may hold; more are 400. */
  membershipChangesMax: number;
  /** Takes "True" and "false" for `active`, as some clients send them. */
  acceptsBooleanStrings: boolean;
  /** How `active` is shown. */
  activeShown: 'boolean' | 'text';
  patchAnswer: 200 | 204;
  /** A body that says application/scim+json is 415. */
  takesJsonOnly: boolean;
  /** A user without an address is 400. */
  requiresEmail: boolean;
  /** A disabled user is 404 for everybody, in the very answer that confirms it. */
  hidesDisabled: boolean;
  /** What DELETE of a user does. */
  deleteMeans: 'erase' | 'deactivate' | 'hide';
  showsLocation: boolean;
  etag: 'none' | 'hash';
}

export const defaultQuirks: ScimQuirks = {
  pageMax: 100,
  paging: 'startIndex',
  ignoresCount: false,
  usersFilterBy: 'all',
  groupsFilterBy: 'all',
  refusesExcludedAttributes: false,
  groupsOnUser: true,
  membersShown: 'always',
  patchSupported: true,
  patchStyle: 'any',
  memberRemoveStyle: 'any',
  wrongRemovalEmptiesGroup: false,
  existingMember: 'ignore',
  membershipChangesMax: Infinity,
  acceptsBooleanStrings: false,
  activeShown: 'boolean',
  patchAnswer: 200,
  takesJsonOnly: false,
  requiresEmail: false,
  hidesDisabled: false,
  deleteMeans: 'erase',
  showsLocation: true,
  etag: 'none',
};
