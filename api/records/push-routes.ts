/** The push log: every push with its reason, its changes and its result. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { findPush, listPushes, type LoggedPush } from '../../db/push/push-log';
import { findRecord } from '../../db/records/records';
import { HttpError } from '../http/http-error';
import { defineRoute, type Route } from '../routing/define-route';
import {
  orNull,
  externalId,
  idParam,
  instant,
  jsonObject,
  recordTypeName,
  startedBecause,
  syncError,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import { historyOf, keptSince, withOldestKept } from '../routing/kept-history';
import { listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { requireIntegration } from '../integrations/integration-views';

const result = z
  .enum(['succeeded', 'failed', 'superseded', 'no_net_change', 'discarded', 'left', 'closed'])
  .meta({
    id: 'PushResult',
    description:
      '`no_net_change`: the change was undone before it was pushed. `left`: `on_delete` is ' +
      '`leave`. `closed`: there was nothing to undo in the app. `superseded`: a newer push ' +
      'replaced it.',
  });
const push = z
  .object({
    id: typeId('psh'),
    integration_id: typeId('int'),
    record_id: typeId('rec'),
    record_type: z.string(),
    external_id: z.string(),
    record_version: z.int(),
    mapping_version: z.int(),
    operation: z.enum(['upsert', 'deactivate', 'delete', 'leave']),
    started_because: startedBecause,
    changed_fields: z.array(z.string()),
    changed_by: z.array(z.string()),
    result: orNull(result).meta({ description: 'null = in progress, or waiting for a retry.' }),
    effect: z.enum(['created', 'updated', 'deactivated', 'deleted', 'none']).nullable(),
    remote_id: z.string().nullable(),
    errors: z.array(syncError),
    attempts: z.int(),
    started_at: instant,
    last_attempt_at: instant.nullable(),
    finished_at: instant.nullable(),
    duration_ms: z
      .int()
      .nullable()
      .meta({ description: 'From start to end, including waits between attempts.' }),
  })
  .meta({ id: 'Push' });
const pushWithPayload = push
  .extend({
    payload: orNull(jsonObject).meta({ description: 'The data that was sent; null if nothing was sent.' }),
  })
  .meta({ id: 'PushWithPayload' });

const query = z
  .strictObject({
    ...listParams,
    integration_id: idParam('int', 'integration_not_found').optional(),
    record_type: recordTypeName.optional(),
    external_id: externalId.optional(),
    result: result.optional(),
  })
  .refine((given) => (given.record_type === undefined) === (given.external_id === undefined), {
    message: 'Give record_type and external_id together, or neither.',
    path: ['external_id'],
  });

export const pushRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/pushes',
    operationId: 'listPushes',
    tag: 'Push log',
    summary: 'List pushes, newest first',
    query,
    responses: { 200: { description: 'Pushes, without the data that was sent.', schema: historyOf(push) } },
    problems: ['invalid_cursor', 'integration_not_found', 'record_not_found'],
    async run(work, input, { services }) {
      const filter = input.query;
      if (filter.integration_id !== undefined) await requireIntegration(work, filter.integration_id);
      const recordId = await recordIdOf(work, filter);
      const scope = ['pushes', work.tenantId, filter.integration_id, recordId, filter.result];
      const { limit, after } = readPage(filter, scope, uuidPosition);
      const rows = await listPushes(work, {
        integrationId: filter.integration_id,
        recordId,
        result: filter.result,
        limit: limit + 1,
        before: after,
      });
      const page = toPage(rows, limit, scope, ({ pushId }) => pushId, toWire);
      return { status: 200, body: withOldestKept(page, keptSince(work, services, 'pushes')) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/pushes/{push_id}',
    operationId: 'showPush',
    tag: 'Push log',
    summary: 'Show a push with the data that was sent',
    params: z.strictObject({ push_id: idParam('psh', 'push_not_found') }),
    responses: { 200: { description: 'The push.', schema: pushWithPayload } },
    problems: ['push_not_found'],
    async run(work, { params }) {
      const found = await findPush(work, { pushId: params.push_id });
      if (found === undefined) throw new HttpError('push_not_found');
      return { status: 200, body: { ...toWire(found), payload: found.payload } };
    },
  }),
];

async function recordIdOf(
  work: TenantWork,
  { record_type, external_id }: z.output<typeof query>,
): Promise<string | undefined> {
  if (record_type === undefined || external_id === undefined) return undefined;
  const record = await findRecord(work, { recordType: record_type, externalId: external_id });
  if (record === undefined) throw new HttpError('record_not_found');
  return record.recordId;
}

function toWire(logged: LoggedPush): z.output<typeof push> {
  return {
    id: toTypeId('psh', logged.pushId),
    integration_id: toTypeId('int', logged.integrationId),
    record_id: toTypeId('rec', logged.recordId),
    record_type: logged.recordType,
    external_id: logged.externalId,
    record_version: logged.recordVersion,
    mapping_version: logged.mappingVersion,
    operation: logged.operation,
    started_because: logged.startedBecause,
    changed_fields: logged.changedFields,
    changed_by: logged.changedBy,
    result: logged.result,
    effect: logged.effect,
    remote_id: logged.remoteId,
    errors: logged.errors ?? [],
    attempts: logged.attempts,
    started_at: toInstant(logged.startedAt),
    last_attempt_at: toInstantOrNull(logged.lastAttemptAt),
    finished_at: toInstantOrNull(logged.finishedAt),
    duration_ms:
      logged.finishedAt === null
        ? null
        : Math.max(0, logged.finishedAt.getTime() - logged.startedAt.getTime()),
  };
}
