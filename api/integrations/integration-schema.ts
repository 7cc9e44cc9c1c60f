/** An integration on the wire. Its credentials never appear: only that there are some, and since when. */
import { z } from 'zod';
import type { Integration } from '../../db/integrations/integrations';
import type { RemoteRecordType } from '../../db/integrations/metadata';
import type { OnboardingDataset } from '../../db/sync-runs/onboarding-progress';
import { toTypeId } from '../../db/sql/ids';
import type { CompanySynchronizedPolicy } from '../../db/tables/tenants';
import type { DescribedConnector } from './connector-catalogue';
import { recordType, toWireRecordType } from './connector-routes';
import { companySynchronizedPolicy } from '../tenants/company-synchronized-policy-schema';
import {
  instant,
  jsonObject,
  lineOfText,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import { recordTypeMappingsView, toWireMappings } from './mapping-schema';
import { onboardingView, toWireOnboarding } from './onboarding-schema';

const GRACE_PERIOD_MS_DEFAULT = 5 * 60_000;
const MAX_WAIT_MS_DEFAULT = 60 * 60_000;
const DAY_MS = 86_400_000;

export const integrationState = z.enum(['active', 'paused', 'needs_reauthorization', 'blocked']).meta({
  id: 'IntegrationState',
  description: 'blocked: the third party is down or asks us to wait; see blocked_reason.',
});

export const integrationView = z
  .object({
    id: typeId('int'),
    connector: z.string(),
    app: z.string().meta({ description: 'The product on the other side, as people know it.' }),
    account_name: z.string(),
    state: integrationState,
    config: jsonObject,
    record_types: recordTypeMappingsView,
    remote_record_types: z.array(recordType).meta({
      description:
        "The third party's record types and fields: as it was last seen to have them, or as the configuration has them while it was not asked.",
    }),
    mapping_version: z.int(),
    has_credentials: z.boolean(),
    credentials_updated_at: instant.nullable(),
    grace_period_ms: z.int(),
    max_wait_ms: z.int().nullable(),
    initial_push: z.enum(['all', 'none']),
    company_synchronized_policy: companySynchronizedPolicy.meta({
      description:
        "The tenant's when this was linked. It counts for this link whatever the tenant chooses later.",
    }),
    is_hourly_sync_on: z.boolean(),
    nightly_sync_at: z
      .string()
      .nullable()
      .meta({ description: "Local time in the tenant's time zone; null = never.", example: '02:00' }),
    onboarding: onboardingView,
    is_backfilling: z.boolean().meta({
      description: 'Existing records are still being looked through, after linking or a new mapping.',
    }),
    paused_at: instant.nullable(),
    needs_reauthorization_at: instant.nullable(),
    blocked_until: instant.nullable(),
    blocked_reason: z.enum(['outage', 'rate_limit']).nullable(),
    blocked_detail: z.string().nullable(),
    outage_since: instant.nullable(),
    last_check: z
      .object({ at: instant, ok: z.boolean(), kind: z.string().nullable(), message: z.string() })
      .nullable()
      .meta({ description: 'What the last check that somebody asked for came to.' }),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Integration' });

/** Settings that may be given at creation and changed later. */
export const integrationSettings = {
  app: lineOfText(100),
  account_name: lineOfText(200),
  config: jsonObject.meta({ description: "Checked by the connector's own schema." }),
  grace_period_ms: z.int().min(0).max(DAY_MS).meta({
    description: 'How long after the last change a record is pushed. Counts from the next change on.',
    example: GRACE_PERIOD_MS_DEFAULT,
  }),
  max_wait_ms: z
    .int()
    .min(1)
    .max(7 * DAY_MS)
    .nullable()
    .meta({
      description:
        'A record is pushed this long after its first unsent change at the latest; null = whenever it becomes quiet.',
      example: MAX_WAIT_MS_DEFAULT,
    }),
  is_hourly_sync_on: z.boolean().meta({
    description:
      'Every hour what was modified is read, and the metadata. Only for what is pulled; on unless said otherwise.',
    example: true,
  }),
  nightly_sync_at: z
    .string()
    .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a local time as HH:MM, from 00:00 to 23:59')
    .nullable()
    .meta({
      description:
        "Every night everything is read, deletions included: once per date of the tenant's time zone at this local time, daylight-saving changes included. null = never. 02:00 unless given.",
      example: '02:00',
    }),
};
export const SETTINGS_DEFAULT = { gracePeriodMs: GRACE_PERIOD_MS_DEFAULT, maxWaitMs: MAX_WAIT_MS_DEFAULT };

/** What an integration is shown with besides its own row. */
export interface IntegrationSurroundings {
  connector: DescribedConnector | undefined;
  /** As they were last seen; none = never asked. */
  recordTypes: readonly RemoteRecordType[];
  onboarding: readonly OnboardingDataset[];
}

export function toWireIntegration(
  integration: Integration,
  { connector, recordTypes, onboarding }: IntegrationSurroundings,
): z.output<typeof integrationView> {
  const known = recordTypes.length > 0 ? recordTypes : (connector?.recordTypes(integration.config) ?? []);
  return {
    id: toTypeId('int', integration.integrationId),
    connector: integration.connector,
    app: integration.app,
    account_name: integration.accountName,
    state: stateOf(integration),
    config: integration.config,
    record_types: toWireMappings(integration.recordTypes),
    remote_record_types: known.map(toWireRecordType),
    mapping_version: integration.mappingVersion,
    has_credentials: integration.credentialsUpdatedAt !== null,
    credentials_updated_at: toInstantOrNull(integration.credentialsUpdatedAt),
    grace_period_ms: integration.gracePeriodMs,
    max_wait_ms: integration.maxWaitMs,
    initial_push: integration.initialPush,
    company_synchronized_policy: pinnedPolicy(integration),
    is_hourly_sync_on: integration.isHourlySyncOn,
    nightly_sync_at: integration.nightlySyncAt,
    onboarding: toWireOnboarding(integration, onboarding),
    is_backfilling: integration.backfillReason !== null,
    paused_at: toInstantOrNull(integration.pausedAt),
    needs_reauthorization_at: toInstantOrNull(integration.needsReauthorizationAt),
    blocked_until: toInstantOrNull(integration.blockedUntil),
    blocked_reason: integration.blockedReason,
    blocked_detail: integration.blockedDetail,
    outage_since: toInstantOrNull(integration.outageSince),
    last_check: integration.lastCheck,
    created_at: toInstant(integration.createdAt),
    updated_at: toInstant(integration.updatedAt),
  };
}

/** Links from before there was a choice wait for all. */
export function pinnedPolicy({
  companySynchronizedPolicy: pinned,
}: Pick<Integration, 'companySynchronizedPolicy'>): CompanySynchronizedPolicy {
  return pinned ?? 'all_datasets';
}

function stateOf({
  pausedAt,
  needsReauthorizationAt,
  blockedReason,
}: Integration): z.output<typeof integrationState> {
  if (pausedAt !== null) return 'paused';
  if (needsReauthorizationAt !== null) return 'needs_reauthorization';
  return blockedReason === null ? 'active' : 'blocked';
}
