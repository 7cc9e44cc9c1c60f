/** The JSON of an integration. Credentials are never shown, only whether they exist and since when. */
import { z } from 'zod';
import type { BackgroundTask } from '../../db/platform/background-tasks';
import type { Integration } from '../../db/integrations/integrations';
import type { RemoteRecordType } from '../../db/integrations/metadata';
import type { OnboardingDataset } from '../../db/sync-runs/onboarding/onboarding-progress';
import { toTypeId } from '../../db/sql/ids';
import type { CompanySynchronizedPolicy } from '../../db/tables/tenants';
import type { DescribedConnector } from './connector-catalogue';
import { recordType, toWireRecordType } from './connector-routes';
import { unverifiedTypes } from '../records/sync-outlook-schema';
import { companySynchronizedPolicy } from '../tenants/company-synchronized-policy-schema';
import {
  idParam,
  instant,
  jsonObject,
  lineOfText,
  orNull,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import { checkProblems } from './check-problems';
import { backgroundTasksView, toWireBackgroundTasks } from './background-task-view';
import { mappingPreview } from './mapping-preview';
import { recordTypeMappings, recordTypeMappingsView } from './mapping-schema';
import { toWireMappings } from './mappings/wire-mappings';
import { onboardingView, toWireOnboarding } from './onboarding-schema';
import {
  definitionUseChange,
  definitionUseView,
  newDefinitionUse,
  toWireUse,
} from '../third-parties/definition-use';
import { toWireTypeSettings, typeSettingsChange, typeSettingsView } from './type-settings-schema';

const GRACE_PERIOD_MS_DEFAULT = 5 * 60_000;
const MAX_WAIT_MS_DEFAULT = 60 * 60_000;
const DAY_MS = 86_400_000;

const integrationState = z.enum(['active', 'paused', 'needs_reauthorization', 'blocked']).meta({
  id: 'IntegrationState',
  description: '`blocked`: the app is down or asked Syncline to wait; see `blocked_reason`.',
});

export const integrationView = z
  .object({
    id: typeId('int'),
    connector: z.string(),
    third_party: orNull(definitionUseView).meta({
      description: 'The definition that the settings follow; null = none.',
    }),
    app: z.string().meta({ description: 'The name of the third-party app, as your users know it.' }),
    account_name: z.string(),
    state: integrationState,
    config: jsonObject,
    record_types: recordTypeMappingsView,
    type_settings: typeSettingsView,
    remote_record_types: z.array(recordType).meta({
      description:
        "The app's record types and fields, as last read; from the configuration if they have " +
        'not been read yet.',
    }),
    mapping_version: z.int(),
    has_credentials: z.boolean(),
    credentials_updated_at: instant.nullable(),
    grace_period_ms: z.int(),
    max_wait_ms: z.int().nullable(),
    initial_push: z.enum(['all', 'none']),
    company_synchronized_policy: companySynchronizedPolicy.meta({
      description:
        "The tenant's policy at the time of linking. A later change of the tenant's policy does " +
        'not affect it.',
    }),
    is_hourly_sync_on: z.boolean(),
    nightly_sync_at: z.string().nullable().meta({
      description: "Local time in the tenant's time zone; null = no nightly sync.",
      example: '02:00',
    }),
    onboarding: onboardingView,
    is_backfilling: z.boolean().meta({
      description: 'Existing records are still being checked, after linking or after a mapping change.',
    }),
    background_tasks: backgroundTasksView,
    paused_at: instant.nullable(),
    needs_reauthorization_at: instant.nullable(),
    blocked_until: instant.nullable(),
    blocked_reason: z.enum(['outage', 'rate_limit']).nullable(),
    blocked_detail: z.string().nullable(),
    outage_since: instant.nullable(),
    last_check: z
      .object({
        at: instant,
        ok: z.boolean(),
        kind: z.string().nullable(),
        message: z.string(),
        problems: checkProblems,
      })
      .nullable()
      .meta({
        description:
          'The result of the last check, on request or before settings were stored. null = the current ' +
          'settings were not checked.',
      }),
    unverified_types: unverifiedTypes,
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Integration' });

/** Settings that may be given at creation and changed later. */
export const integrationSettings = {
  app: lineOfText(100),
  account_name: lineOfText(200),
  config: jsonObject.meta({ description: "Checked against the connector's schema." }),
  grace_period_ms: z
    .int()
    .min(0)
    .max(DAY_MS)
    .meta({
      description:
        'How long to wait after the last change before pushing a record. A new value applies ' +
        'from the next change on.',
      example: GRACE_PERIOD_MS_DEFAULT,
    }),
  max_wait_ms: z
    .int()
    .min(1)
    .max(7 * DAY_MS)
    .nullable()
    .meta({
      description:
        'The longest time between the first unsent change of a record and its push; null = no limit.',
      example: MAX_WAIT_MS_DEFAULT,
    }),
  is_hourly_sync_on: z.boolean().meta({
    description:
      'Reads modified records and metadata every hour. Only for record types that are pulled; on by default.',
    example: true,
  }),
  nightly_sync_at: z
    .string()
    .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a local time as HH:MM, from 00:00 to 23:59')
    .nullable()
    .meta({
      description:
        "Reads everything every night, deletions included, at this local time in the tenant's " +
        'time zone: exactly once per date, also when daylight saving changes. null = no nightly ' +
        'sync. The default is a time from 01:00 to 05:00, another one for each integration.',
      example: '02:00',
    }),
};
const SETTINGS_DEFAULT = { gracePeriodMs: GRACE_PERIOD_MS_DEFAULT, maxWaitMs: MAX_WAIT_MS_DEFAULT };

export const integrationParams = z.strictObject({ integration_id: idParam('int', 'integration_not_found') });

const credentials = jsonObject.meta({
  description: "Checked against the connector's schema, encrypted, and never shown again.",
  writeOnly: true,
});
export const newIntegration = z.strictObject({
  connector: z
    .string()
    .max(63)
    .optional()
    .meta({ example: 'scim', description: 'Together with `config`, unless `third_party` is given.' }),
  third_party: newDefinitionUse.optional().meta({
    description: 'A third-party definition, instead of `connector` and `config`.',
  }),
  app: integrationSettings.app.optional().meta({
    description:
      'The name of the third-party app, as your users know it. By default `app` of the ' +
      'configuration, or the title of the connector.',
  }),
  account_name: integrationSettings.account_name.optional(),
  config: integrationSettings.config.optional(),
  credentials: credentials.optional(),
  record_types: recordTypeMappings
    .optional()
    .meta({ description: 'The default mappings of the definition or the connector unless given.' }),
  type_settings: typeSettingsChange.default({}),
  grace_period_ms: integrationSettings.grace_period_ms.default(SETTINGS_DEFAULT.gracePeriodMs),
  max_wait_ms: integrationSettings.max_wait_ms.default(SETTINGS_DEFAULT.maxWaitMs),
  initial_push: z
    .enum(['all', 'none'])
    .default('all')
    .meta({
      description:
        '`all`: existing records are pushed too, at a lower priority than user edits. `none`: ' +
        'only changes from now on.',
    }),
  is_paused: z.boolean().default(false),
  is_hourly_sync_on: integrationSettings.is_hourly_sync_on.optional(),
  nightly_sync_at: integrationSettings.nightly_sync_at.optional(),
});
export const integrationChange = z.strictObject({
  app: integrationSettings.app.optional(),
  account_name: integrationSettings.account_name.optional(),
  config: integrationSettings.config.optional().meta({
    description:
      'Another scheme, host or port than before needs `credentials` in the same request ' +
      '(`credentials_needed`).',
  }),
  credentials: credentials.optional(),
  third_party: definitionUseChange.optional().meta({
    description:
      'Other parameters, or another way to sign in, of the definition. What the integration has changed ' +
      'itself stays. Not together with `config` or `record_types`.',
  }),
  record_types: recordTypeMappings
    .optional()
    .meta({ description: 'Replaces all mappings of the integration.' }),
  type_settings: typeSettingsChange.optional(),
  grace_period_ms: integrationSettings.grace_period_ms.optional(),
  max_wait_ms: integrationSettings.max_wait_ms.optional(),
  is_hourly_sync_on: integrationSettings.is_hourly_sync_on.optional(),
  nightly_sync_at: integrationSettings.nightly_sync_at.optional(),
});
export const changedIntegrationView = integrationView
  .extend({
    preview: orNull(mappingPreview).meta({ description: 'The result of a dry run; null otherwise.' }),
  })
  .meta({ id: 'ChangedIntegration' });

/** Data from other tables that is shown with an integration. */
export interface RelatedData {
  connector: DescribedConnector | undefined;
  /** As last read from the app; empty = never read. */
  recordTypes: readonly RemoteRecordType[];
  onboarding: readonly OnboardingDataset[];
  backgroundTasks: readonly BackgroundTask[];
}

export function toWireIntegration(
  integration: Integration,
  { connector, recordTypes, onboarding, backgroundTasks }: RelatedData,
): z.output<typeof integrationView> {
  const known = recordTypes.length > 0 ? recordTypes : (connector?.recordTypes(integration.config) ?? []);
  return {
    id: toTypeId('int', integration.integrationId),
    connector: integration.connector,
    third_party: toWireUse(integration),
    app: integration.app,
    account_name: integration.accountName,
    state: stateOf(integration),
    config: integration.config,
    record_types: toWireMappings(integration.recordTypes),
    type_settings: toWireTypeSettings(integration),
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
    background_tasks: toWireBackgroundTasks(backgroundTasks),
    paused_at: toInstantOrNull(integration.pausedAt),
    needs_reauthorization_at: toInstantOrNull(integration.needsReauthorizationAt),
    blocked_until: toInstantOrNull(integration.blockedUntil),
    blocked_reason: integration.blockedReason,
    blocked_detail: integration.blockedDetail,
    outage_since: toInstantOrNull(integration.outageSince),
    last_check: integration.lastCheck && { problems: [], ...integration.lastCheck },
    unverified_types: integration.unverifiedTypes,
    created_at: toInstant(integration.createdAt),
    updated_at: toInstant(integration.updatedAt),
  };
}

/** Integrations linked before the policy existed use `all_datasets`. */
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
