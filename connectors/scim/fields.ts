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
const picklist = (name: string, label: string, values: string[]): RecordTypeField => ({
  name,
  label,
  type: 'picklist',
  isRequired: false,
  values,
});

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
  field('/emails/0/value', 'E-mail'),
  picklist('/emails/0/type', 'E-mail type', ['work', 'home', 'other']),
  field('/emails/0/primary', 'E-mail is primary', 'boolean'),
  field('/phoneNumbers/0/value', 'Phone'),
  picklist('/phoneNumbers/0/type', 'Phone type', ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
  field('/phoneNumbers/0/primary', 'Phone is primary', 'boolean'),
  field('/addresses/0/streetAddress', 'Street'),
  field('/addresses/0/locality', 'City'),
  field('/addresses/0/region', 'Region'),
  field('/addresses/0/postalCode', 'Postal code'),
  field('/addresses/0/country', 'Country (ISO 3166-1)'),
  picklist('/addresses/0/type', 'Address type', ['work', 'home', 'other']),
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
    { name: 'email', to: '/emails/0/value', type: 'string' },
    { to: '/emails/0/type', constant: 'work' },
    { to: '/emails/0/primary', constant: true },
    { name: 'phone', to: '/phoneNumbers/0/value', type: 'string' },
    { to: '/phoneNumbers/0/type', constant: 'work' },
    { name: 'title', to: '/title', type: 'string' },
    { name: 'active', to: '/active', type: 'boolean' },
    { name: 'employee_number', to: `/${ENTERPRISE_SCHEMA}/employeeNumber`, type: 'string' },
    { name: 'department', to: `/${ENTERPRISE_SCHEMA}/department`, type: 'string' },
    { name: 'division', to: `/${ENTERPRISE_SCHEMA}/division`, type: 'string' },
    { name: 'cost_center', to: `/${ENTERPRISE_SCHEMA}/costCenter`, type: 'string' },
  ],
};
