/** Erasing records of people everywhere: preview, confirmation, receipt (rules.md 62). */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import {
  confirmErasure,
  type Erasure,
  findErasure,
  liftErasure,
  listErasures,
  requestErasure,
} from '../../db/erasures/erasures';
import { toTypeId } from '../../db/sql/ids';
import type { JsonObject } from '../../domain/json';
import { HttpError } from '../http/http-error';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { erasureConfirmation, erasureParams, erasureView, newErasure, toWireErasure } from './erasure-schema';

const base = '/v1/erasures';
const tag = 'Erasures';
const response = { description: 'The erasure.', schema: erasureView };

export const erasureRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: base,
    operationId: 'previewErasure',
    tag,
    summary: 'Preview an erasure of records',
    description:
      'Nothing is erased before the preview is confirmed. The preview counts in the background: GET it ' +
      'until its state is `ready`.',
    body: newErasure,
    responses: { 202: { ...response, description: 'The preview is being made.' } },
    problems: ['record_not_found'],
    action: 'erasure.previewed',
    async run(work, { body }, { caller }) {
      const { record_ids: recordIds, records, email } = body;
      const erasure = await requestErasure(work, {
        search: {
          ...(recordIds && { recordIds }),
          ...(records && {
            records: records.map((one) => ({ recordType: one.record_type, externalId: one.external_id })),
          }),
          ...(email !== undefined && { email }),
        },
        requestedBy: idOf(caller),
      });
      const named = (recordIds?.length ?? 0) + (records?.length ?? 0);
      return respond(202, erasure, { records: named, has_email: email !== undefined });
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'listErasures',
    tag,
    summary: 'List erasures, newest first',
    query: z.strictObject(listParams),
    responses: { 200: { description: 'Erasures.', schema: listOf(erasureView) } },
    problems: ['invalid_cursor'],
    async run(work, { query }) {
      const scope = ['erasures', work.tenantId];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listErasures(work, { limit: limit + 1, before: after });
      return { status: 200, body: toPage(rows, limit, scope, ({ erasureId }) => erasureId, toWireErasure) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${base}/{erasure_id}`,
    operationId: 'showErasure',
    tag,
    summary: 'Show an erasure: its preview, its progress, its receipt',
    description: 'The receipt has counts and ids, and no personal data.',
    params: erasureParams,
    responses: { 200: response },
    problems: ['erasure_not_found'],
    async run(work, { params }) {
      return { status: 200, body: toWireErasure(await lockErasure(work, params.erasure_id, false)) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{erasure_id}/confirm`,
    operationId: 'confirmErasure',
    tag,
    summary: 'Erase the records of a preview',
    description:
      'This cannot be undone. Values are erased within a minute, other rows that name the records in the ' +
      'background. A pull, a late push or a late change does not bring the records back. `deactivate` and ' +
      '`delete` are pushed to the app, whatever the mapping says.',
    params: erasureParams,
    body: erasureConfirmation,
    responses: { 202: response },
    problems: ['erasure_not_found', 'erasure_not_ready', 'erasure_differs', 'integration_not_found'],
    action: 'erasure.confirmed',
    run: confirm,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{erasure_id}/lift`,
    operationId: 'liftErasure',
    tag,
    summary: 'Let erased records come back',
    description:
      'The next full import may bring them back, and they can be created again, unless another erasure ' +
      'that is not lifted names them. The receipt stays.',
    params: erasureParams,
    responses: { 200: response },
    problems: ['erasure_not_found', 'erasure_not_done'],
    action: 'erasure.lifted',
    async run(work, { params }) {
      const erasure = await lockErasure(work, params.erasure_id);
      if (erasure.state !== 'done') throw new HttpError('erasure_not_done');
      if (erasure.liftedAt === null) await liftErasure(work, erasure);
      return respond(200, await lockErasure(work, params.erasure_id), {});
    },
  }),
];

async function confirm(
  work: TenantWork,
  { params, body }: { params: z.output<typeof erasureParams>; body: z.output<typeof erasureConfirmation> },
  { caller }: TenantContext,
) {
  const erasure = await lockErasure(work, params.erasure_id);
  if (erasure.state !== 'ready') throw new HttpError('erasure_not_ready');
  if (erasure.records !== body.records) throw new HttpError('erasure_differs');
  const known = new Set(erasure.thirdParties.map(({ integrationId }) => integrationId));
  const actions = new Map((body.integrations ?? []).map(({ integration_id: id, action }) => [id, action]));
  if ([...actions.keys()].some((id) => !known.has(id))) throw new HttpError('integration_not_found');
  await confirmErasure(work, erasure, { actions, confirmedBy: idOf(caller) });
  const confirmed = await lockErasure(work, params.erasure_id);
  return respond(202, confirmed, {
    records: confirmed.records,
    integrations: toWireErasure(confirmed).integrations,
  });
}

async function lockErasure(work: TenantWork, erasureId: string, forUpdate = true): Promise<Erasure> {
  const found = await findErasure(work, { erasureId }, { forUpdate });
  if (found === undefined) throw new HttpError('erasure_not_found');
  return found;
}

function respond<Status extends number>(status: Status, erasure: Erasure, detail: JsonObject) {
  const body = toWireErasure(erasure);
  return { status, body, audit: { target: body.id, detail } };
}

/** Receipts name people and keys by their ids. */
function idOf(caller: TenantContext['caller']): string {
  if (caller.kind === 'platform') return 'platform';
  const { personId, apiKeyId } = caller;
  if (apiKeyId !== null) return toTypeId('key', apiKeyId);
  return personId === null ? 'unknown' : toTypeId('psn', personId);
}
