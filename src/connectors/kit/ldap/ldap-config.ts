/** The fields that every directory asks for, so that the connectors word and refuse them alike. */
import { z } from 'zod';

const dn = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]*\s*=.+/s, 'expected a distinguished name such as OU=People,DC=corp,DC=example');
const attributeName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'expected the name of an attribute');

/** Spread into the strict object of a connector. */
export const ldapFields = {
  url: z
    .url({ protocol: /^ldaps$/ })
    .refine((text) => {
      const url = URL.parse(text);
      return url !== null && url.username === '' && url.search === '' && ['', '/'].includes(url.pathname);
    }, 'expected ldaps://host or ldaps://host:port and nothing else')
    .describe(
      'Address of one server, ldaps://host:636. Plain ldap:// is refused: it would show passwords on the wire.',
    ),
  ca: z
    .string()
    .regex(/-----BEGIN CERTIFICATE-----/, 'expected a certificate in PEM form')
    .optional()
    .describe(
      'Certificate of the authority that signed the server certificate, as PEM. Leave out where it is a public one.',
    ),
  bindDn: z.string().min(1).describe('Login of the account that Usher uses, as distinguished name.'),
  password: z.string().min(1).describe('Its password.'),
  baseDn: dn.describe(
    'Where accounts are looked for, with everything below, so that one that was moved is still found.',
  ),
  accountBaseDn: dn.describe('Where Usher puts the accounts that it makes.'),
  groupBaseDn: dn.optional().describe('Where groups are looked for. Default: where accounts are looked for.'),
  keyAttribute: attributeName
    .default('employeeNumber')
    .describe(
      'Attribute that holds the person’s key; Usher writes its own key (36 characters) into accounts that it makes.',
    ),
  pageMax: z.number().int().min(1).max(1000).default(500).describe('Entries that are read at a time.'),
};

/** For connectors that match existing accounts by further attributes. */
export const ldapAttributeName = attributeName;
export const ldapDn = dn;
