/** The stream of a tenant's changes as Server-Sent Events, for pages that are open. */
import { createSession } from 'better-sse';
import { z } from 'zod';
import { isStreamPosition, type StreamEvent } from '../../db/platform/change-feed';
import { toTypeId } from '../../db/sql/ids';
import type { JsonObject, JsonValue } from '../../domain/json';
import { HttpError } from '../http/http-error';
import { defineRoute, type Route, type StreamContext } from '../routing/define-route';

const STREAMS_PER_TENANT_MAX = 200;
const KEEP_ALIVE_MS = 15_000;
const RETRY_MS = 2_000;
/** A client that reads more slowly than this is disconnected; it reconnects and continues at its position. */
const UNSENT_BYTES_MAX = 1_024 * 1_024;
const TOPICS = ['record_syncs', 'integrations', 'sync_runs', 'overviews', 'notifications'] as const;

const topics = z
  .string()
  .max(200)
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(TOPICS)))
  .optional()
  .meta({
    type: 'string',
    description: `Send only these topics, separated by commas: ${TOPICS.join(', ')}. All topics by default.`,
    example: 'record_syncs',
  });

const DESCRIPTION = [
  'Events are small: they name what has changed, so that you can read it again. `event` is ' +
    'the topic, `data` is JSON, and `id` is a position.',
  'Send the last `id` as `Last-Event-ID` to get the events since then. Events are kept for ' +
    'an hour; after a longer break, reload what you show.',
  '',
  '`data` by topic:',
  '- `record_syncs`: record syncs have changed. `{"integration_ids": ["int_…"], "records": ' +
    '[{"record_type": "employees", "external_id": "e-1001"}], "count": 1}`. `records` lists ' +
    'up to 20 of the `count` records; it is absent if only the integrations are known.',
  '- `integrations`: an integration was linked, changed, paused, resumed, blocked, ' +
    'unblocked or disconnected, or its onboarding or metadata changed. `{"integration_id": ' +
    '"int_…"}`.',
  '- `sync_runs`: a sync run was requested, or the run or one of its jobs changed its ' +
    'state. `{"integration_id": "int_…", "sync_run_id": "run_…", "state": "running"}`. ' +
    '`state` is absent for a mere request.',
  '- `overviews`: a Sync Overview was requested, made progress, is ready, has ended, or is ' +
    'no longer valid. `{"integration_id": "int_…", "overview_id": "ovw_…"}`.',
  '- `notifications`: the signed-in person has a new notification, or viewed one, perhaps ' +
    'in another window. `{"notification_id": "ntf_…"}`. Other people\'s notifications are ' +
    'not sent; a key that acts for no person gets none.',
].join('\n');

export const streamRoutes: readonly Route[] = [
  defineRoute({
    scope: 'stream',
    method: 'get',
    path: '/v1/stream',
    operationId: 'openStream',
    tag: 'Stream',
    summary: 'Follow changes as Server-Sent Events',
    description: DESCRIPTION,
    query: z.strictObject({ topics }),
    responses: {
      200: {
        description: 'Events until the connection ends.',
        schema: z.string(),
        mediaType: 'text/event-stream',
      },
    },
    problems: ['invalid_header', 'too_many_streams'],
    open: openStream,
  }),
];

async function openStream(
  { query }: { query: { topics?: readonly string[] | undefined } },
  { caller, isStillAllowed, services: { stream }, request, response }: StreamContext,
): Promise<void> {
  if (caller.kind !== 'tenant') throw new HttpError('tenant_key_required');
  const { tenantId, personId } = caller;
  const position = readLastEventId(request.get('last-event-id')) ?? (await stream.positionNow(tenantId));
  // Counted after the last await, so that simultaneous requests cannot all pass the same count.
  if (stream.openStreams(tenantId) >= STREAMS_PER_TENANT_MAX)
    throw new HttpError('too_many_streams', { headers: { 'Retry-After': '30' } });
  const wanted = query.topics === undefined ? undefined : new Set<string>(query.topics);

  const session = await createSession(request, response, {
    keepAlive: KEEP_ALIVE_MS,
    retry: RETRY_MS,
    headers: { 'X-Accel-Buffering': 'no', 'Cache-Control': 'no-store' },
  });
  const unsubscribe = stream.subscribe({
    tenantId,
    position,
    isStillAllowed,
    end: () => {
      response.end();
    },
    send(events) {
      if (response.writableLength > UNSENT_BYTES_MAX) return void response.destroy();
      for (const event of events) {
        if (session.isConnected && wanted?.has(event.topic) !== false && isVisibleTo(personId, event))
          session.push(toWire(event), event.topic, event.position);
      }
    },
  });
  session.once('disconnected', unsubscribe);
  if (!session.isConnected) unsubscribe();
}

function readLastEventId(header: string | undefined): string | undefined {
  if (header === undefined || header === '' || isStreamPosition(header))
    return header === '' ? undefined : header;
  throw new HttpError('invalid_header', {
    errors: [
      {
        pointer: 'Last-Event-ID',
        code: 'invalid_format',
        message: 'Send the id of an event of this stream.',
      },
    ],
  });
}

/** An event that names a person is sent to that person only. */
function isVisibleTo(personId: string | null, { body }: StreamEvent): boolean {
  return !('person_id' in body) || body.person_id === personId;
}

/** Converts the uuids inside an event to public ids. */
function toWire({ body: { person_id: _personId, ...body } }: StreamEvent): JsonObject {
  const toId = (value: JsonValue | undefined): JsonValue =>
    typeof value === 'string' ? toTypeId('int', value) : (value ?? null);
  return {
    ...body,
    ...(typeof body.notification_id === 'string'
      ? { notification_id: toTypeId('ntf', body.notification_id) }
      : {}),
    ...(typeof body.overview_id === 'string' ? { overview_id: toTypeId('ovw', body.overview_id) } : {}),
    ...(typeof body.sync_run_id === 'string' ? { sync_run_id: toTypeId('run', body.sync_run_id) } : {}),
    ...('integration_id' in body ? { integration_id: toId(body.integration_id) } : {}),
    ...(Array.isArray(body.integration_ids) ? { integration_ids: body.integration_ids.map(toId) } : {}),
  };
}
