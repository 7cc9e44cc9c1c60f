/**
 * Every event that receivers may be told of, as data: docs/webhooks.md and the OpenAPI description are made from it. Names are
 * permanent. Payloads are thin: ids, counts and states, never a record's values (rules.md 37 to 41).
 */
import type { JsonObject } from './json';

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

export type DatasetState = 'succeeded' | 'failed' | 'canceled' | 'not_supported' | 'running' | 'waiting' | 'queued';

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
  RECORD_SYNC_FAILED: { integration_id: string; records: { record_type: string; external_id: string; push_id: string; error_codes: string[] }[] };
  ENDPOINT_DISABLED: { endpoint_id: string; because: 'gone' | 'failing'; failing_since: string | null };
  TEST: { message: string };
}

export interface SyncCompleteData {
  integration_id: string;
  sync_run_id: string;
  kind: string;
  successful_jobs: number;
  failed_jobs: number;
  is_sync_finished: boolean;
  is_first_sync: boolean;
  datasets: { record_type: string; state: DatasetState }[];
}

/** At most 100 records. */
export interface RecordsData {
  integration_id: string;
  sync_run_id: string;
  record_type: string;
  records: { id: string; external_id: string; changed_fields?: string[] }[];
}

export interface CompanyData {
  policy: 'all_datasets' | 'first_dataset';
  integrations: { integration_id: string; datasets: { record_type: string; state: 'succeeded' | 'failed' | 'not_supported' | null }[] }[];
}

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

export function envelope(event: { id: string; type: EventType; tenantId: string; sequence: number; at: Date; data: JsonObject }): JsonObject {
  const { id, type, tenantId, sequence, at, data } = event;
  return { id, type, tenant_id: tenantId, sequence, timestamp: at.toISOString(), data };
}
