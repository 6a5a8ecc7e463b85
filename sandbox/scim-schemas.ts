/**
 * The schemas that the sandbox's SCIM servers publish: of RFC 7643, sections 4.1 to 4.3, the attributes that provisioning
 * uses. The servers store others too, as most do.
 */
import { enterpriseSchema, groupSchema, userSchema } from './scim-state.ts';

interface Attribute {
  name: string;
  type: 'string' | 'boolean' | 'reference' | 'complex';
  multiValued: boolean;
  description: string;
  required: boolean;
  caseExact: boolean;
  mutability: 'readWrite' | 'readOnly' | 'immutable';
  returned: 'default' | 'always';
  uniqueness: 'none' | 'server';
  canonicalValues?: string[];
  referenceTypes?: string[];
  subAttributes?: Attribute[];
}

const text = (name: string, description: string, more: Partial<Attribute> = {}): Attribute => ({
  name,
  type: 'string',
  multiValued: false,
  description,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...more,
});

const complex = (
  name: string,
  description: string,
  subAttributes: Attribute[],
  more: Partial<Attribute> = {},
): Attribute => text(name, description, { type: 'complex', subAttributes, ...more });

const reference = (name: string, description: string, referenceTypes: string[], more: Partial<Attribute> = {}) =>
  text(name, description, { type: 'reference', referenceTypes, caseExact: true, ...more });

const readOnly = { mutability: 'readOnly' } as const;

const userAttributes: Attribute[] = [
  text('userName', 'The name that the user logs in with', { required: true, uniqueness: 'server' }),
  complex('name', 'The parts of the name', [
    text('formatted', 'The whole name'),
    text('familyName', 'The family name'),
    text('givenName', 'The given name'),
  ]),
  text('displayName', 'The name that is shown'),
  text('title', 'The title at work'),
  text('active', 'Whether the user may log in', { type: 'boolean' }),
  complex(
    'emails',
    'Addresses',
    [
      text('value', 'The address'),
      text('type', 'What it is for', { canonicalValues: ['work', 'home', 'other'] }),
      text('primary', 'Whether it is the first choice', { type: 'boolean' }),
    ],
    { multiValued: true },
  ),
  complex(
    'groups',
    'The groups that the user is in',
    [
      text('value', 'The group’s id', readOnly),
      reference('$ref', 'The group', ['Group'], readOnly),
      text('display', 'The group’s name', readOnly),
    ],
    { multiValued: true, ...readOnly },
  ),
];

const groupAttributes: Attribute[] = [
  text('displayName', 'The name that is shown', { required: true }),
  complex(
    'members',
    'Who is in the group',
    [
      text('value', 'The member’s id', { mutability: 'immutable' }),
      reference('$ref', 'The member', ['User'], { mutability: 'immutable' }),
      text('type', 'What the member is', { canonicalValues: ['User'], mutability: 'immutable' }),
    ],
    { multiValued: true },
  ),
];

const enterpriseAttributes: Attribute[] = [
  text('employeeNumber', 'The number of the employee'),
  text('department', 'The department'),
  complex('manager', 'The manager', [
    text('value', 'The manager’s id'),
    reference('$ref', 'The manager', ['User']),
    text('displayName', 'The manager’s name', readOnly),
  ]),
];

export const scimSchemas = [
  { id: userSchema, name: 'User', description: 'User account', attributes: userAttributes },
  { id: groupSchema, name: 'Group', description: 'Group', attributes: groupAttributes },
  { id: enterpriseSchema, name: 'EnterpriseUser', description: 'Enterprise user', attributes: enterpriseAttributes },
];
