/**
 * What SCIM 2.0 servers differ in, as one closed list. The default of each is RFC 7644; a server that needs another value
 * names it in policy, by a profile (quirk-profiles.ts) or field by field.
 */
import { z } from 'zod';

/** Every quirk with the values that are implemented; none has a default here, so that a profile can be laid under it. */
export const quirkFields = {
  patchStyle: z
    .enum(['path', 'value'])
    .describe('how a value is replaced: path, or value = an object without a path (servers modelled on Okta’s client)'),
  writeMethod: z
    .enum(['patch', 'put'])
    .describe('patch, or put for a server without PATCH: the whole resource is read and sent back with the change'),
  booleanStyle: z
    .enum(['boolean', 'text'])
    .describe('how active is sent: boolean, or text = "True" and "False" (servers built on Entra’s old client alone)'),
  memberRemoveStyle: z
    .enum(['filter', 'valueArray'])
    .describe('how a member is removed: filter = members[value eq "…"], valueArray = members with a list of values'),
  membershipRead: z
    .enum(['memberFilter', 'userGroups', 'scan', 'probe'])
    .describe(
      'where the groups of an account are read: memberFilter, userGroups = the groups on the user, scan = every group, probe = one question per group (servers that never show members)',
    ),
  accountFind: z
    .enum(['filter', 'scan'])
    .describe('filter = by externalId, or scan = every user is read (servers that cannot filter by externalId)'),
  paging: z
    .enum(['startIndex', 'cursor', 'single'])
    .describe('startIndex, cursor (RFC 9865), or single = one page only; a full one is then an error, never the end'),
  excludeMembers: z
    .boolean()
    .describe('whether lists of groups ask to leave the members out; false for servers that refuse excludedAttributes'),
  mediaType: z
    .enum(['scim', 'json'])
    .describe('what bodies are sent as: scim = application/scim+json, or json = application/json'),
  pageMax: z.number().int().min(1).max(1000).describe('resources asked for per page; the server’s maximum or less'),
};

const AllQuirks = z.strictObject(quirkFields);
/** The quirks of one system, complete. */
export type ScimQuirks = z.infer<typeof AllQuirks>;

/** Some of them, as a profile or a policy names them. */
export const SomeQuirks = AllQuirks.partial();
export type SomeQuirks = z.infer<typeof SomeQuirks>;

/** RFC 7644 to the letter. */
export const rfcQuirks: ScimQuirks = {
  patchStyle: 'path',
  writeMethod: 'patch',
  booleanStyle: 'boolean',
  memberRemoveStyle: 'filter',
  membershipRead: 'memberFilter',
  accountFind: 'filter',
  paging: 'startIndex',
  excludeMembers: true,
  mediaType: 'scim',
  pageMax: 100,
};

/** The given quirks over the RFC's, later ones first in rank; what is undefined counts as not given. */
export function completeQuirks(...layers: SomeQuirks[]): ScimQuirks {
  const given = layers.map((layer) => Object.entries(layer).filter(([, value]) => value !== undefined));
  return AllQuirks.parse(Object.assign({}, rfcQuirks, ...given.map((entries) => Object.fromEntries(entries))));
}
