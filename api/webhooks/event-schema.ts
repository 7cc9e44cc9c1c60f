/**
 * The JSON of events, in webhook deliveries and in the event feed. The event catalogue says when each is
 * sent.
 */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import {
  EVENT_CATALOGUE,
  EVENT_TYPES,
  type EventData,
  type EventType,
  RECORDS_PER_EVENT_MAX,
} from '../../domain/event-catalogue';
import { JOB_STATES, SCHEDULED_KINDS } from '../../domain/sync-runs/sync-run';
import { instant, recordTypeName, typeId } from '../routing/common-schemas';

const count = z.int().min(0);
const recordId = z.string().meta({ example: 'c-1001', description: "The record's external id." });

const syncComplete = z.object({
  integration_id: typeId('int'),
  sync_run_id: typeId('run').meta({ description: 'Details: GET /v1/sync-runs/{sync_run_id}.' }),
  kind: z.enum(SCHEDULED_KINDS),
  successful_jobs: count,
  failed_jobs: count,
  is_sync_finished: z.boolean(),
  is_first_sync: z.boolean(),
  datasets: z.array(z.object({ record_type: recordTypeName, state: z.enum(JOB_STATES) })),
});
const records = (record: z.ZodType<EventData['DATA_NEW']['records'][number]>) =>
  z.object({
    integration_id: typeId('int'),
    sync_run_id: typeId('run'),
    record_type: recordTypeName,
    records: z.array(record).min(1).max(RECORDS_PER_EVENT_MAX),
  });
const record = z.object({ id: typeId('rec'), external_id: recordId });
const company = z.object({
  policy: z.enum(['all_datasets', 'first_dataset']),
  integrations: z.array(
    z.object({
      integration_id: typeId('int'),
      datasets: z.array(
        z.object({
          record_type: recordTypeName,
          state: z.enum(['succeeded', 'failed', 'not_supported']).nullable(),
        }),
      ),
    }),
  ),
});

/** The schema of `data`, by event type. */
const DATA: { readonly [Type in EventType]: z.ZodType<EventData[Type]> } = {
  SYNC_COMPLETE: syncComplete,
  FIRST_SYNC_COMPLETE: syncComplete.extend({
    totals: z.array(z.object({ record_type: recordTypeName, records: count.nullable() })),
  }),
  DATA_NEW: records(record),
  DATA_UPDATE: records(record.extend({ changed_fields: z.array(z.string()).min(1) })),
  DATA_DELETE: records(record),
  COMPANY_SYNCHRONIZED: company,
  COMPANY_SYNC_FAILED: company,
  INTEGRATION_NEEDS_REAUTHORIZATION: z.object({ integration_id: typeId('int') }),
  INTEGRATION_CONNECTED: z.object({
    integration_id: typeId('int'),
    connect_session_id: typeId('cns'),
    is_reconnected: z.boolean(),
  }),
  RECORD_SYNC_FAILED: z.object({
    integration_id: typeId('int'),
    records: z
      .array(
        z.object({
          record_type: recordTypeName,
          external_id: recordId,
          push_id: typeId('psh'),
          error_codes: z.array(z.string()),
        }),
      )
      .min(1)
      .max(RECORDS_PER_EVENT_MAX),
  }),
  ENDPOINT_DISABLED: z.object({
    endpoint_id: typeId('whe'),
    reason: z.enum(['gone', 'failing']),
    failing_since: instant.nullable(),
  }),
  TEST: z.object({ message: z.string() }),
};

const schemaName = (type: EventType): string =>
  `${type.toLowerCase().replaceAll(/(?:^|_)(\w)/g, (_all, letter: string) => letter.toUpperCase())}Event`;

function schemaOf<Type extends EventType>(type: Type) {
  return z
    .object({
      id: typeId('evt').meta({
        description: 'The same in all deliveries of the event, which carry it as `webhook-id`.',
      }),
      type: z.literal(type),
      tenant_id: typeId('ten'),
      sequence: z.int().min(1).meta({
        description: 'Increases by one with each event of the tenant. Deliveries can arrive out of order.',
      }),
      timestamp: instant,
      data: DATA[type],
    })
    .meta({ id: schemaName(type), description: EVENT_CATALOGUE[type].title });
}

/** The body of each event, by type. */
export const EVENT_SCHEMAS = Object.fromEntries(EVENT_TYPES.map((type) => [type, schemaOf(type)])) as {
  [Type in EventType]: ReturnType<typeof schemaOf<Type>>;
};

export const eventView = z.union(Object.values(EVENT_SCHEMAS)).meta({ id: 'Event' });

/** An example event of a type. */
export function exampleOf<Type extends EventType>(type: Type) {
  return {
    id: toTypeId('evt', '01980f5c-0000-7000-8000-000000000003'),
    type,
    tenant_id: toTypeId('ten', '01980f5c-0000-7000-8000-000000000004'),
    sequence: 4_711,
    timestamp: '2026-11-21T09:30:00.000Z',
    data: EVENT_CATALOGUE[type].example,
  };
}
