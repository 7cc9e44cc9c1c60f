/**
 * Every event that receivers may be told of, as data: docs/webhooks.md and the OpenAPI description are made from it. Names are
 * permanent. Payloads are thin: ids, counts and states, never a record's values (rules.md 37 to 41).
 */
import type { JsonObject } from '../json';
import type { JobState, RunKind } from '../sync-runs/sync-run';

export const EVENT_TYPES = [
  'SYNC_COMPLETE',
  'FIRST_SYNC_COMPLETE',
  'DATA_NEW',
  'DATA_UPDATE',
  'DATA_DELETE',
  'COMPANY_SYNCHRONIZED',
  'COMPANY_SYNC_FAILED',
  'INTEGRATION_NEEDS_REAUTHORIZATION',
  'RECORD_SYNC_FAILED',
  'ENDPOINT_DISABLED',
  'TEST',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** What `data` holds, by type. Ids as the API shows them, instants RFC 3339. */
export interface EventData {
  SYNC_COMPLETE: SyncCompleteData;
  FIRST_SYNC_COMPLETE: SyncCompleteData & { totals: { record_type: string; records: number | null }[] };
  DATA_NEW: RecordsData;
  DATA_UPDATE: RecordsData;
  DATA_DELETE: RecordsData;
  COMPANY_SYNCHRONIZED: CompanyData;
  COMPANY_SYNC_FAILED: CompanyData;
  INTEGRATION_NEEDS_REAUTHORIZATION: { integration_id: string };
  /** At most 100 records. */
  RECORD_SYNC_FAILED: {
    integration_id: string;
    records: { record_type: string; external_id: string; push_id: string; error_codes: string[] }[];
  };
  ENDPOINT_DISABLED: { endpoint_id: string; reason: 'gone' | 'failing'; failing_since: string | null };
  TEST: { message: string };
}

export interface SyncCompleteData {
  integration_id: string;
  sync_run_id: string;
  kind: RunKind;
  successful_jobs: number;
  failed_jobs: number;
  is_sync_finished: boolean;
  is_first_sync: boolean;
  datasets: { record_type: string; state: JobState }[];
}

/** At most 100 records. `changed_fields`: of DATA_UPDATE. */
export interface RecordsData {
  integration_id: string;
  sync_run_id: string;
  record_type: string;
  records: { id: string; external_id: string; changed_fields?: string[] | undefined }[];
}

export interface CompanyData {
  policy: 'all_datasets' | 'first_dataset';
  integrations: {
    integration_id: string;
    datasets: { record_type: string; state: 'succeeded' | 'failed' | 'not_supported' | null }[];
  }[];
}

export type EventCatalogue = {
  readonly [Type in EventType]: {
    /** A few words. */
    title: string;
    /** When it is told, how often, and when not. Markdown. */
    when: string;
    example: EventData[Type];
  };
};

const INTEGRATION = 'int_01k07nr000e008000000000005';
const RUN = 'run_01k07nr000e008000000000006';
const ONE_RUN_PER_SCHEDULE_DATE: SyncCompleteData = {
  integration_id: INTEGRATION,
  sync_run_id: RUN,
  kind: 'nightly',
  successful_jobs: 3,
  failed_jobs: 1,
  is_sync_finished: true,
  is_first_sync: false,
  datasets: [
    { record_type: 'companies', state: 'failed' },
    { record_type: 'contacts', state: 'succeeded' },
    { record_type: 'employees', state: 'succeeded' },
  ],
};
const RECORD = { id: 'rec_01k07nr000e008000000000007', external_id: 'c-1001' };
const CONTACTS_OF_A_RUN = { integration_id: INTEGRATION, sync_run_id: RUN, record_type: 'contacts' };
const BATCHES =
  'At most 100 records an event; one page may come to several events. Not told until the first full pass of the integration has ended: FIRST_SYNC_COMPLETE says how many records there are then.';

export const EVENT_CATALOGUE: EventCatalogue = {
  SYNC_COMPLETE: {
    title: 'A scheduled sync run has ended, or goes on for long',
    when: [
      'When a run that was not asked for by hand ends: onboarding, hourly, nightly. Runs asked for by hand, by a sign-in or to repair a difference tell nothing.',
      'A run that is not done after 12 hours says so with `is_sync_finished: false`, again every 12 hours, and goes on; then exactly one with `true` ends it.',
      '`successful_jobs` and `failed_jobs` count the final states of its jobs, one for each dataset and one for metadata, however many attempts they took; while it goes on, `failed_jobs` counts those whose last attempt failed. `datasets` leaves metadata out.',
      '`is_first_sync` stays true until FIRST_SYNC_COMPLETE was told.',
    ].join('\n\n'),
    example: ONE_RUN_PER_SCHEDULE_DATE,
  },
  FIRST_SYNC_COMPLETE: {
    title: 'Everything was read for the first time',
    when: 'Once for ever per integration, beside the SYNC_COMPLETE of the scheduled run with which the first full pass ended, if one dataset at least succeeded. `totals`: how many records of each type Syncline holds then; null = not counted.',
    example: {
      ...ONE_RUN_PER_SCHEDULE_DATE,
      kind: 'onboarding',
      is_first_sync: true,
      totals: [
        { record_type: 'companies', records: 0 },
        { record_type: 'contacts', records: 1_204 },
        { record_type: 'employees', records: 87 },
      ],
    },
  },
  DATA_NEW: {
    title: 'Records came from a third party',
    when: `With each page of a run that holds records unknown until then, whatever the run was started by. ${BATCHES}`,
    example: { ...CONTACTS_OF_A_RUN, records: [RECORD] },
  },
  DATA_UPDATE: {
    title: 'Records were changed at a third party',
    when: `With each page of a run that holds changed records; \`changed_fields\` names the fields, by their names here. Our own pushes, read again, are no change. ${BATCHES}`,
    example: { ...CONTACTS_OF_A_RUN, records: [{ ...RECORD, changed_fields: ['email', 'phone'] }] },
  },
  DATA_DELETE: {
    title: 'Records are gone at a third party',
    when: `When a full pass has deleted them here. Deletions that were parked for review are told when somebody approves them. ${BATCHES}`,
    example: { ...CONTACTS_OF_A_RUN, records: [RECORD] },
  },
  COMPANY_SYNCHRONIZED: {
    title: "All of a new tenant's data is here",
    when: [
      'Once for ever per tenant: when all datasets that linking queued are complete and at least one succeeded. A dataset that failed or is not supported is complete too; one that is still tried again is not. An integration that is linked before it is told joins in; later retries tell nothing again.',
      'Under the deprecated policy `first_dataset` it is told after the first dataset that succeeded; a dataset that is not complete yet has the state null.',
    ].join('\n\n'),
    example: {
      policy: 'all_datasets',
      integrations: [
        {
          integration_id: INTEGRATION,
          datasets: [
            { record_type: 'companies', state: 'failed' },
            { record_type: 'contacts', state: 'succeeded' },
          ],
        },
      ],
    },
  },
  COMPANY_SYNC_FAILED: {
    title: "None of a new tenant's data could be read",
    when: 'Once for ever per tenant, when all datasets that linking queued are complete and none succeeded. COMPANY_SYNCHRONIZED follows if a later run reads one of them.',
    example: {
      policy: 'all_datasets',
      integrations: [
        { integration_id: INTEGRATION, datasets: [{ record_type: 'contacts', state: 'failed' }] },
      ],
    },
  },
  INTEGRATION_NEEDS_REAUTHORIZATION: {
    title: 'A third party refused the credentials',
    when: 'Once, when pushes and runs of the integration begin to wait for new credentials; again only if those are refused too.',
    example: { integration_id: INTEGRATION },
  },
  RECORD_SYNC_FAILED: {
    title: 'Pushes of records have failed',
    when: 'When pushes ended failed: refused by the third party, or given up after 72 hours. Pushes that are tried again by themselves are not told. At most 100 records an event. What the third party said is in `GET /v1/pushes/{push_id}`.',
    example: {
      integration_id: INTEGRATION,
      records: [
        {
          record_type: 'contacts',
          external_id: 'c-1001',
          push_id: 'psh_01k07nr000e008000000000008',
          error_codes: ['invalid_value'],
        },
      ],
    },
  },
  ENDPOINT_DISABLED: {
    title: 'A webhook endpoint was switched off',
    when: 'When an endpoint of the tenant answered 410 (`gone`), or nothing but failures for five days (`failing`). It goes to the other endpoints; the feed has it too. Switching one off by hand tells nothing.',
    example: {
      endpoint_id: 'whe_01k07nr000e008000000000009',
      reason: 'failing',
      failing_since: '2026-11-16T09:30:00.000Z',
    },
  },
  TEST: {
    title: 'Somebody tests an endpoint',
    when: 'When somebody asks for it, to that endpoint alone, whatever its filters.',
    example: { message: 'This is a test: the endpoint can be reached.' },
  },
};

/** The body of a webhook, and an item of the feed. */
export interface EventEnvelope<Type extends EventType = EventType> {
  id: string;
  type: Type;
  tenant_id: string;
  /** Grows by one with each event of the tenant; deliveries may come out of order. */
  sequence: number;
  /** RFC 3339 */
  timestamp: string;
  data: EventData[Type];
}

export const RECORDS_PER_EVENT_MAX = 100;

export function envelope(event: {
  id: string;
  type: EventType;
  tenantId: string;
  sequence: number;
  at: Date;
  data: JsonObject;
}): JsonObject {
  const { id, type, tenantId, sequence, at, data } = event;
  return { id, type, tenant_id: tenantId, sequence, timestamp: at.toISOString(), data };
}
