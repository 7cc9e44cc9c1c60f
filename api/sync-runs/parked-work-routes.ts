/** Work that took its worker down repeatedly waits until an admin retries it (rules.md 60). */
import { z } from 'zod';
import { listParkedWork, retryParkedWork, type RunningWork } from '../../db/platform/running-work';
import { type IdPrefix, toTypeId } from '../../db/sql/ids';
import { WORK_KINDS, type WorkKind } from '../../domain/running-work';
import { HttpError } from '../http/http-error';
import { idParam, instant, toInstantOrNull, typeId } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';

const parkedWork = z
  .object({
    id: typeId('wrk'),
    kind: z.enum(WORK_KINDS).meta({ id: 'ParkedWorkKind' }),
    subject_id: z.string().meta({
      description:
        'The sync run of a `pull`, the overview, the webhook endpoint of a `webhook_delivery`, or the ' +
        'integration of a `push` and a `check`.',
      example: 'run_01hb4s6y0kfqkv8x2m1n3p5r7t',
    }),
    job: z.string().nullable().meta({
      description: 'The job of the sync run: a record type, for example.',
      example: 'contacts',
    }),
    integration_id: typeId('int').nullable(),
    deaths: z.int().meta({ description: 'How many workers ended during the work.' }),
    parked_at: instant.nullable().meta({ description: 'null = the work is being retried.' }),
  })
  .meta({ id: 'ParkedWork' });

const base = '/v1/parked-work';

export const parkedWorkRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'listParkedWork',
    tag: 'Parked work',
    summary: 'List work that is parked, newest first',
    description:
      'Workers ended repeatedly during this work, so it waits until an admin retries it. A parked `push` ' +
      'or `webhook_delivery` stops the whole queue of its integration or endpoint.',
    query: z.strictObject(listParams),
    responses: { 200: { description: 'Parked work.', schema: listOf(parkedWork) } },
    problems: ['invalid_cursor'],
    async run(work, { query }) {
      const scope = ['parked-work', work.tenantId];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listParkedWork(work, { limit: limit + 1, before: after });
      return { status: 200, body: toPage(rows, limit, scope, ({ workId }) => workId, toWire) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{work_id}/retry`,
    operationId: 'retryParkedWork',
    tag: 'Parked work',
    summary: 'Retry parked work',
    description:
      'The work runs once more within half a minute, without other suspect work in that worker. If the ' +
      'worker ends again, the work is parked again.',
    params: z.strictObject({ work_id: idParam('wrk', 'parked_work_not_found') }),
    responses: { 200: { description: 'The work.', schema: parkedWork } },
    problems: ['parked_work_not_found'],
    action: 'parked_work.retried',
    async run(work, { params: { work_id: workId } }) {
      const retried = await retryParkedWork(work, workId);
      if (retried === undefined) throw new HttpError('parked_work_not_found');
      const body = toWire(retried);
      const { kind, subject_id, job } = body;
      return { status: 200, body, audit: { target: body.id, detail: { kind, subject_id, job } } };
    },
  }),
];

const PREFIXES: Readonly<Record<WorkKind, IdPrefix>> = {
  pull: 'run',
  push: 'int',
  check: 'int',
  overview: 'ovw',
  webhook_delivery: 'whe',
};

function toWire(found: RunningWork): z.output<typeof parkedWork> {
  return {
    id: toTypeId('wrk', found.workId),
    kind: found.kind,
    subject_id: toTypeId(PREFIXES[found.kind], found.subjectId),
    job: found.job === '' ? null : found.job,
    integration_id: found.integrationId === null ? null : toTypeId('int', found.integrationId),
    deaths: found.deaths,
    parked_at: toInstantOrNull(found.parkedAt),
  };
}
