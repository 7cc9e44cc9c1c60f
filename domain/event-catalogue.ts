/**
 * Every event that receivers can get, as data. The webhook guide and the OpenAPI description are generated
 * from it. Names are permanent. Payloads contain ids, counts and states, never record values (rules.md 37 to
 * 41).
 */
import type { JsonObject } from './json';
import type { JobState, RunKind } from './sync-runs/sync-run';

export const EVENT_TYPES = [
  'SYNC_COMPLETE',
  'FIRST_SYNC_COMPLETE',
  'DATA_NEW',
  'DATA_UPDATE',
  'DATA_DELETE',
  'COMPANY_SYNCHRONIZED',
  'COMPANY_SYNC_FAILED',
  'INTEGRATION_NEEDS_REAUTHORIZATION',
  'INTEGRATION_CONNECTED',
  'RECORD_SYNC_FAILED',
  'ENDPOINT_DISABLED',
  'TEST',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** The type of `data` for each event. Ids as the API shows them, instants in RFC 3339. */
export interface EventData {
  SYNC_COMPLETE: SyncCompleteData;
  FIRST_SYNC_COMPLETE: SyncCompleteData & { totals: { record_type: string; records: number | null }[] };
  DATA_NEW: RecordsData;
  DATA_UPDATE: RecordsData;
  DATA_DELETE: RecordsData;
  COMPANY_SYNCHRONIZED: CompanyData;
  COMPANY_SYNC_FAILED: CompanyData;
  INTEGRATION_NEEDS_REAUTHORIZATION: { integration_id: string };
  INTEGRATION_CONNECTED: { integration_id: string; connect_session_id: string; is_reconnected: boolean };
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

/** At most 100 records. `changed_fields` is present in DATA_UPDATE only. */
interface RecordsData {
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
    /** When it is sent, how often, and when not. Markdown. */
    when: string;
    example: EventData[Type];
  };
};

const INTEGRATION = 'int_01k07nr000e008000000000005';
const RUN = 'run_01k07nr000e008000000000006';
const NIGHTLY_RUN: SyncCompleteData = {
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
const BATCHES = [
  'At most 100 records per event; one page may cause several events.',
  'Not sent until the first full pass of the integration has ended: FIRST_SYNC_COMPLETE has the totals then.',
].join(' ');
/** Joins sentences to a paragraph. */
const paragraph = (...sentences: string[]): string => sentences.join(' ');
const paragraphs = (...texts: string[]): string => texts.join('\n\n');

export const EVENT_CATALOGUE: EventCatalogue = {
  SYNC_COMPLETE: {
    title: 'A scheduled sync run has ended, or takes long',
    when: paragraphs(
      paragraph(
        'Sent when a scheduled run ends: onboarding, hourly or nightly.',
        'Runs that were requested by hand or by a sign-in, and repairs of a difference, send nothing.',
      ),
      paragraph(
        'A run that is not done after 12 hours sends it with `is_sync_finished: false`,',
        'and again every 12 hours.',
        'When it ends, it sends exactly one with `true`.',
      ),
      paragraph(
        '`successful_jobs` and `failed_jobs` count the final states of its jobs,',
        'regardless of the number of attempts.',
        'There is one job per dataset and one for metadata; `datasets` leaves metadata out.',
        'While the run continues, `failed_jobs` counts the jobs whose last attempt failed.',
      ),
      '`is_first_sync` is true until FIRST_SYNC_COMPLETE was sent.',
    ),
    example: NIGHTLY_RUN,
  },
  FIRST_SYNC_COMPLETE: {
    title: 'All data was read for the first time',
    when: paragraph(
      'Sent once per integration, beside the SYNC_COMPLETE of the scheduled run that ends the first full pass.',
      'At least one dataset must have succeeded.',
      '`totals` says how many records of each type Syncline then has; null = not counted.',
    ),
    example: {
      ...NIGHTLY_RUN,
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
    title: 'Records were imported from a third party',
    when: paragraph(
      'Sent for each page of a run that contains new records, whatever started the run.',
      BATCHES,
    ),
    example: { ...CONTACTS_OF_A_RUN, records: [RECORD] },
  },
  DATA_UPDATE: {
    title: 'Records were changed at a third party',
    when: paragraph(
      'Sent for each page of a run that contains changed records.',
      '`changed_fields` has the names of the Syncline fields.',
      "Syncline's own pushes, read again, are not changes.",
      BATCHES,
    ),
    example: { ...CONTACTS_OF_A_RUN, records: [{ ...RECORD, changed_fields: ['email', 'phone'] }] },
  },
  DATA_DELETE: {
    title: 'Records were deleted at a third party',
    when: paragraph(
      'Sent when a full pass has deleted them in Syncline.',
      'Deletions that wait for approval are sent when a person approves them.',
      BATCHES,
    ),
    example: { ...CONTACTS_OF_A_RUN, records: [RECORD] },
  },
  COMPANY_SYNCHRONIZED: {
    title: "All of a new tenant's data was imported",
    when: paragraphs(
      paragraph(
        'Sent once per tenant, when all datasets queued by linking are complete and at least one succeeded.',
        'A dataset that failed or is not supported is complete too; one that is still being retried is not.',
        'An integration that is linked before the event is sent joins the set; later retries send nothing again.',
      ),
      paragraph(
        'Under the deprecated policy `first_dataset` it is sent after the first dataset that succeeded.',
        'A dataset that is not complete yet has the state null.',
      ),
    ),
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
    title: "None of a new tenant's data could be imported",
    when: paragraph(
      'Sent once per tenant, when all datasets queued by linking are complete and none succeeded.',
      'COMPANY_SYNCHRONIZED follows if a later run imports one of them.',
    ),
    example: {
      policy: 'all_datasets',
      integrations: [
        { integration_id: INTEGRATION, datasets: [{ record_type: 'contacts', state: 'failed' }] },
      ],
    },
  },
  INTEGRATION_NEEDS_REAUTHORIZATION: {
    title: 'A third party rejected the credentials',
    when: paragraph(
      'Sent once, when pushes and runs of the integration start to wait for new credentials.',
      'Sent again only if the new credentials are rejected too.',
    ),
    example: { integration_id: INTEGRATION },
  },
  INTEGRATION_CONNECTED: {
    title: 'A person connected an app by a link',
    when: paragraph(
      'Sent once per connect session, when the app has accepted the credentials or the consent.',
      'With `is_reconnected: true` the integration existed before, and what waited for it continues.',
      'Integrations that are linked or re-authorized by a request of yours send nothing.',
    ),
    example: {
      integration_id: INTEGRATION,
      connect_session_id: 'cns_01k07nr000e00800000000000a',
      is_reconnected: false,
    },
  },
  RECORD_SYNC_FAILED: {
    title: 'Pushes of records have failed',
    when: paragraph(
      'Sent when pushes have failed finally: rejected by the third party, or given up after 72 hours.',
      'Pushes that will be retried send nothing. At most 100 records per event.',
      "`GET /v1/pushes/{push_id}` has the third party's message.",
    ),
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
    title: 'A webhook endpoint was disabled',
    when: paragraph(
      'Sent when an endpoint of the tenant answered 410 (`gone`), or only failed for five days (`failing`).',
      'It goes to the other endpoints and to the feed. Disabling an endpoint by hand sends nothing.',
    ),
    example: {
      endpoint_id: 'whe_01k07nr000e008000000000009',
      reason: 'failing',
      failing_since: '2026-11-16T09:30:00.000Z',
    },
  },
  TEST: {
    title: 'A test of an endpoint',
    when: 'Sent on request, to that endpoint only, regardless of its filters.',
    example: { message: 'This is a test: the endpoint can be reached.' },
  },
};

/** The body of a webhook, and an item of the feed. */
type EventEnvelope = {
  id: string;
  type: EventType;
  tenant_id: string;
  /** Grows by one with each event of the tenant; deliveries may arrive out of order. */
  sequence: number;
  /** RFC 3339 */
  timestamp: string;
  data: JsonObject;
};

export const RECORDS_PER_EVENT_MAX = 100;

export function envelope(event: {
  id: string;
  type: EventType;
  tenantId: string;
  sequence: number;
  at: Date;
  data: JsonObject;
}): EventEnvelope {
  const { id, type, tenantId, sequence, at, data } = event;
  return { id, type, tenant_id: tenantId, sequence, timestamp: at.toISOString(), data };
}
