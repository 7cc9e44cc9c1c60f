/** A stream of what happens in a tenant, as Server-Sent Events, for pages that are open. */
import { createSession } from 'better-sse';
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import { isStreamPosition, type StreamEvent } from '../../db/platform/change-feed';
import type { JsonObject, JsonValue } from '../../domain/json';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { type Route, streamingRoute } from '../routing/define-route';

const STREAMS_PER_TENANT_MAX = 200;
const KEEP_ALIVE_MS = 15_000;
const RETRY_MS = 2_000;
/** Whoever reads so slowly is cut off; it comes back and goes on where it was. */
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
    description: `Only these, separated by commas: ${TOPICS.join(', ')}. All unless given.`,
    example: 'record_syncs',
  });

export function streamRoutes({ stream }: Pick<ApiDependencies, 'stream'>): readonly Route[] {
  return [
    streamingRoute({
      method: 'get',
      path: '/v1/stream',
      operationId: 'openStream',
      tag: 'Stream',
      summary: 'Follow what happens, as Server-Sent Events',
      description: [
        'Events are small and say what to look at again: `event` is the topic, `data` is JSON that names what changed, `id` is a position. Send the last `id` as `Last-Event-ID` to get what was missed; events are kept for an hour, so fetch anew what is shown after a longer break.',
        '',
        '`data` by topic:',
        '- `record_syncs`: pairs changed. `{"integration_ids": ["int_…"], "records": [{"record_type": "employees", "external_id": "e-1001"}], "count": 1}`. `records` names up to 20 of the `count` records, and is absent where only the integrations are known.',
        '- `integrations`: an integration was linked, changed, paused, blocked or unlinked, or works again, or its onboarding or its metadata changed. `{"integration_id": "int_…"}`.',
        '- `sync_runs`: a sync run was asked for, or it or one of its jobs began, waits, goes on or ended. `{"integration_id": "int_…", "sync_run_id": "run_…", "state": "running"}`. `state` is absent where only the request is news.',
        '- `overviews`: a Sync Overview was asked for, shows more, is ready, ended, or is no longer valid. `{"integration_id": "int_…", "overview_id": "ovw_…"}`.',
        '- `notifications`: the person who listens was told something, or viewed it, perhaps elsewhere. `{"notification_id": "ntf_…"}`. Nobody hears of what concerns another person, and a key on its own behalf of nothing.',
      ].join('\n'),
      query: z.strictObject({ topics }),
      answers: {
        200: {
          description: 'Events until the connection ends.',
          schema: z.string(),
          mediaType: 'text/event-stream',
        },
      },
      problems: ['invalid_header', 'too_many_streams'],
      async open({ caller, isStillAllowed, query, request, response }) {
        if (caller.kind !== 'tenant') throw new HttpError('tenant_key_required');
        const { tenantId, personId } = caller;
        const position =
          readLastEventId(request.get('last-event-id')) ?? (await stream.positionNow(tenantId));
        // Counted only now, so that many that come at once do not all pass by the same count.
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
              if (session.isConnected && wanted?.has(event.topic) !== false && isFor(event, personId))
                session.push(toWire(event), event.topic, event.position);
            }
          },
        });
        session.once('disconnected', unsubscribe);
        if (!session.isConnected) unsubscribe();
      },
    }),
  ];
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

/** What names a person is for that one alone. */
function isFor({ body }: StreamEvent, personId: string | null): boolean {
  return !('person_id' in body) || body.person_id === personId;
}

/** Ids inside an event are uuids in the database. */
function toWire({ body: { person_id: _toWhom, ...body } }: StreamEvent): JsonObject {
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
