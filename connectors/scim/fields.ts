/**
 * The standard attributes of User, its enterprise extension and Group (RFC 7643 4.1 to 4.3), in the format of
 * a mapping's `to`, and the default mapping of employees.
 */
import type { RecordTypeMapping } from '../../domain/records/mapping';
import type { RecordTypeField } from '../../domain/records/record-type';

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE_SCHEMA = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';

type Type = RecordTypeField['type'];

const field = (name: string, label: string, type: Type = 'string', isRequired = false): RecordTypeField => ({
  name,
  label,
  type,
  isRequired,
});
type Labels = Record<string, string>;

/** The kinds of members (RFC 7643 4.1.2), and the label of each sub-attribute. */
const EMAILS = { kinds: ['work', 'home', 'other'], labels: { value: 'E-mail' } };
const PHONES = { kinds: ['work', 'home', 'mobile', 'fax', 'pager', 'other'], labels: { value: 'Phone' } };
const ADDRESSES = {
  kinds: ['work', 'home', 'other'],
  labels: {
    streetAddress: 'Street',
    locality: 'City',
    region: 'Region',
    postalCode: 'Postal code',
    country: 'Country (ISO 3166-1)',
  },
};

/** A field per kind and sub-attribute: `emails[type eq "work"].value` is "E-mail (work)". */
function selected(list: string, { kinds, labels }: { kinds: string[]; labels: Labels }): RecordTypeField[] {
  return kinds.flatMap((kind) =>
    Object.entries(labels).map(([name, label]) => field(memberPlace(list, kind, name), `${label} (${kind})`)),
  );
}

/** The place of a sub-attribute of the member of this type. */
export function memberPlace(list: string, type: string, name: string): string {
  return `${list}[type eq ${JSON.stringify(type)}].${name}`;
}

export function primaryPlace(list: string): string {
  return `${list}[primary eq true].value`;
}

const USER_FIELDS: RecordTypeField[] = [
  field('/userName', 'User name', 'string', true),
  field('/name/givenName', 'Given name'),
  field('/name/familyName', 'Family name'),
  field('/name/middleName', 'Middle name'),
  field('/name/honorificPrefix', 'Honorific prefix'),
  field('/name/honorificSuffix', 'Honorific suffix'),
  field('/name/formatted', 'Full name'),
  field('/displayName', 'Display name'),
  field('/nickName', 'Nickname'),
  field('/profileUrl', 'Profile URL'),
  field('/title', 'Job title'),
  field('/userType', 'User type'),
  field('/preferredLanguage', 'Preferred language'),
  field('/locale', 'Locale'),
  field('/timezone', 'Time zone'),
  field('/active', 'Active', 'boolean'),
  ...selected('emails', EMAILS),
  ...selected('phoneNumbers', PHONES),
  ...selected('addresses', ADDRESSES),
  field(primaryPlace('emails'), 'E-mail (primary)'),
  field(primaryPlace('phoneNumbers'), 'Phone (primary)'),
  field('/roles', 'Roles', 'array'),
  field('/entitlements', 'Entitlements', 'array'),
];

const ENTERPRISE_FIELDS: RecordTypeField[] = [
  field(`/${ENTERPRISE_SCHEMA}/employeeNumber`, 'Employee number'),
  field(`/${ENTERPRISE_SCHEMA}/department`, 'Department'),
  field(`/${ENTERPRISE_SCHEMA}/division`, 'Division'),
  field(`/${ENTERPRISE_SCHEMA}/organization`, 'Organization'),
  field(`/${ENTERPRISE_SCHEMA}/costCenter`, 'Cost center'),
  field(`/${ENTERPRISE_SCHEMA}/manager/value`, 'Manager (their id)'),
];

/** The standard attributes per schema. Mappings name the attributes of other schemas directly. */
export const FIELDS_BY_SCHEMA: Record<string, RecordTypeField[]> = {
  [USER_SCHEMA]: USER_FIELDS,
  [ENTERPRISE_SCHEMA]: ENTERPRISE_FIELDS,
  [GROUP_SCHEMA]: [
    field('/displayName', 'Display name', 'string', true),
    field('/members', 'Members', 'array'),
  ],
};

/** Names of schemas are case-insensitive (RFC 7643 2.1). */
export function isSameSchema(a: unknown, b: string): boolean {
  return typeof a === 'string' && a.toLowerCase() === b.toLowerCase();
}

export function isUserType({ schemas }: { schemas: readonly string[] }): boolean {
  return schemas.some((schema) => isSameSchema(schema, USER_SCHEMA));
}

/** Employees as Users. `externalId` is always the Syncline id and needs no mapping. */
export const EMPLOYEES_MAPPING: RecordTypeMapping = {
  direction: 'push',
  onDelete: 'deactivate',
  fields: [
    { name: 'user_name', to: '/userName', type: 'string' },
    { name: 'first_name', to: '/name/givenName', type: 'string' },
    { name: 'last_name', to: '/name/familyName', type: 'string' },
    { name: 'display_name', to: '/displayName', type: 'string' },
    { name: 'email', to: 'emails[type eq "work"].value', type: 'string' },
    { to: 'emails[type eq "work"].primary', constant: true },
    { name: 'phone', to: 'phoneNumbers[type eq "work"].value', type: 'string' },
    { name: 'title', to: '/title', type: 'string' },
    { name: 'active', to: '/active', type: 'boolean' },
    { name: 'employee_number', to: `/${ENTERPRISE_SCHEMA}/employeeNumber`, type: 'string' },
    { name: 'department', to: `/${ENTERPRISE_SCHEMA}/department`, type: 'string' },
    { name: 'division', to: `/${ENTERPRISE_SCHEMA}/division`, type: 'string' },
    { name: 'cost_center', to: `/${ENTERPRISE_SCHEMA}/costCenter`, type: 'string' },
  ],
};
