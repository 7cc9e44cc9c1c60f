/** The settings of the SCIM connector, in the form in which the API accepts and stores them. */
import { z } from 'zod';
import { PageMib } from '../page-size';
import { ENTERPRISE_SCHEMA, USER_SCHEMA } from './fields';

const resourceTypeSchema = z.strictObject({
  resource_type: z.string().min(1).max(100).describe('The name of the resource type, as in ResourceTypes.'),
  endpoint: z
    .string()
    .regex(/^\/[A-Za-z0-9._~/-]*[A-Za-z0-9]$/)
    .refine((endpoint) => !endpoint.includes('..') && !endpoint.includes('//'))
    .describe('The path of its resources below the base URL: `/Users`.'),
  schemas: z
    .array(z.string().startsWith('urn:').max(300))
    .min(1)
    .max(10)
    .describe('The schemas of its resources: the core schema first, then extensions.'),
  active_attribute: z
    .string()
    .regex(/^[A-Za-z][\w-]*$/)
    .nullable()
    .default('active')
    .describe('The boolean attribute that deactivates a resource; null where there is none.'),
});

export type ResourceTypeConfig = z.output<typeof resourceTypeSchema>;

const EMPLOYEES: ResourceTypeConfig = {
  resource_type: 'User',
  endpoint: '/Users',
  schemas: [USER_SCHEMA, ENTERPRISE_SCHEMA],
  active_attribute: 'active',
};

export const scimConfigSchema = z.strictObject({
  base_url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .refine(isPlainUrl, 'Enter the address without user name, query and fragment.')
    .describe('The address of the SCIM service without `/Users`: `https://hr.example.com/scim/v2`.'),
  record_types: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,62}$/), resourceTypeSchema)
    .refine((types) => Object.keys(types).length > 0, 'Enter at least one record type.')
    .default({ employees: EMPLOYEES })
    .describe('The resource type of each record type. Employees are Users by default.'),
  update_with: z
    .enum(['auto', 'patch', 'put'])
    .default('auto')
    .describe('How existing resources are changed. `auto` follows the ServiceProviderConfig of the service.'),
  content_type: z
    .enum(['application/scim+json', 'application/json'])
    .default('application/scim+json')
    .describe('The content type of requests. Some services only accept `application/json`.'),
  page_size: z
    .int()
    .min(1)
    .max(1000)
    .default(200)
    .describe('The number of resources to request per page. A service may return fewer.'),
  concurrency: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('How many calls are made at the same time for pushes, over all workers; 8 by default.'),
  page_mib: PageMib.optional(),
  filter_modified: z
    .boolean()
    .default(true)
    .describe(
      'Whether incremental runs filter by meta.lastModified. ' +
        'Set false for services that do not support it: then every run reads everything.',
    ),
  bulk: z
    .boolean()
    .default(true)
    .describe(
      'Whether the writes of several records share a request (`/Bulk`) if the service supports it. ' +
        'Set false for services whose bulk requests do not work.',
    ),
});

export type ScimConfig = z.output<typeof scimConfigSchema>;

/** Printable ASCII; other characters are not allowed in a header. */
const headerText = z
  .string()
  .min(1)
  .max(8192)
  .regex(/^[\x21-\x7e]+$/, 'Use printable ASCII characters without spaces.');

export const scimCredentialsSchema = z.union([
  z.strictObject({ token: headerText.describe('A bearer token.') }),
  z.strictObject({
    username: z
      .string()
      .min(1)
      .max(500)
      .regex(/^[^:\p{Cc}]+$/u),
    password: z
      .string()
      .min(1)
      .max(500)
      .regex(/^\P{Cc}+$/u),
  }),
]);

export type ScimCredentials = z.output<typeof scimCredentialsSchema>;

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.username === '' && url.password === '' && !text.includes('?') && !text.includes('#');
}
