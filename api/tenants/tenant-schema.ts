/** The JSON of a tenant. */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import type { CompanySynchronizedPolicy } from '../../db/tables/tenants';
import type { Tenant } from '../../db/tenants/tenants';
import type { ApiSettings } from '../dependencies';
import { emailAddress, idParam, instant, lineOfText, toInstant, typeId } from '../routing/common-schemas';
import { companySynchronizedPolicy } from './company-synchronized-policy-schema';

const limit = z.int().min(1).max(1_000_000_000).nullable();
const limits = z
  .object({ integrations: limit, records_per_type: limit })
  .meta({ description: 'Limits of this tenant that the operator set; null = those of the installation.' });

export const tenantView = z
  .object({
    id: typeId('ten'),
    name: z.string(),
    time_zone: z.string().meta({ example: 'Europe/Berlin' }),
    contact_email: z
      .string()
      .nullable()
      .meta({ description: 'Receives e-mails about events that need attention, beside the admins.' }),
    company_synchronized_policy: companySynchronizedPolicy,
    company_synchronized_switch_at: instant.meta({
      description: '`first_dataset` is no longer available from this time on.',
    }),
    limits,
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Tenant' });

const settings = {
  name: lineOfText(200),
  time_zone: z.string().max(100).meta({ example: 'Europe/Berlin' }),
  contact_email: emailAddress.nullable(),
};
export const newTenant = z.strictObject({
  name: settings.name,
  time_zone: settings.time_zone.default('UTC'),
  contact_email: settings.contact_email.default(null),
});
/** What the admins of a tenant can change themselves. */
export const ownTenantChange = z.strictObject({
  time_zone: settings.time_zone.optional(),
  contact_email: settings.contact_email.optional(),
  company_synchronized_policy: companySynchronizedPolicy.optional(),
});
export const tenantChange = ownTenantChange.extend({
  name: settings.name.optional(),
  limits: z
    .strictObject({
      integrations: z.int().min(1).max(1_000_000).nullable().optional(),
      records_per_type: limit.optional(),
    })
    .optional(),
});
export const tenantParams = z.strictObject({ tenant_id: idParam('ten', 'tenant_not_found') });

export function toWireTenant(
  { tenantId, name, timeZone, contactEmail, createdAt, updatedAt, ...tenant }: Tenant,
  company_synchronized_policy: CompanySynchronizedPolicy,
  { companySynchronizedSwitchAt }: Pick<ApiSettings, 'companySynchronizedSwitchAt'>,
): z.output<typeof tenantView> {
  return {
    id: toTypeId('ten', tenantId),
    name,
    time_zone: timeZone,
    contact_email: contactEmail,
    company_synchronized_policy,
    company_synchronized_switch_at: toInstant(companySynchronizedSwitchAt),
    limits: { integrations: tenant.integrationsMax, records_per_type: tenant.recordsPerTypeMax },
    created_at: toInstant(createdAt),
    updated_at: toInstant(updatedAt),
  };
}
