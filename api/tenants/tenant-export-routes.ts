/** Exporting everything that a tenant has, as JSON lines (rules.md 62). */
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { exportTenant } from '../../db/erasures/export-tenant';
import { toTypeId } from '../../db/sql/ids';
import { findTenant } from '../../db/tenants/tenants';
import { HttpError } from '../http/http-error';
import { auditRequest } from '../routing/audit';
import { defineRoute, type Route, type StreamContext } from '../routing/define-route';
import { ExportPlaces } from './export-places';
import { tenantParams } from './tenant-schema';

/** A client that takes nothing for so long is disconnected. */
const STALLED_MS = 60_000;
const places = new ExportPlaces();

const DESCRIPTION =
  'One JSON object per line: `{"kind":"export","version":1,…}` first, `{"kind":"<table>","row":{…}}` for ' +
  'each row of each table, and `{"kind":"end","rows":…,"tables":{…}}` with the counts last. An answer ' +
  'without the last line was cut off. Secrets are left out. Rows that change during the export appear as ' +
  'they were before or after the change.';

const common = {
  scope: 'stream',
  method: 'get',
  tag: 'Tenants',
  description: DESCRIPTION,
  responses: {
    200: { description: 'Lines.', schema: z.string(), mediaType: 'application/x-ndjson' },
  },
  action: 'tenant.exported',
} as const;

const named: Route = defineRoute({
  ...common,
  path: '/v1/tenants/{tenant_id}/export',
  operationId: 'exportTenant',
  summary: 'Export a tenant',
  params: tenantParams,
  problems: ['tenant_not_found', 'tenant_deleted', 'too_many_exports'],
  open: ({ params }, context) => sendExport(named, params.tenant_id, context),
});

const own: Route = defineRoute({
  ...common,
  path: '/v1/tenant/export',
  operationId: 'exportOwnTenant',
  summary: 'Export your tenant',
  problems: ['too_many_exports'],
  open(_input, context) {
    if (context.caller.kind !== 'tenant') throw new HttpError('tenant_key_required');
    return sendExport(own, context.caller.tenantId, context);
  },
});

export const tenantExportRoutes: readonly Route[] = [named, own];

async function sendExport(route: Route, tenantId: string, context: StreamContext): Promise<void> {
  const { database } = context.services;
  const freePlace = places.take(context.caller.kind === 'tenant' ? tenantId : null);
  if (freePlace === undefined) throw new HttpError('too_many_exports', { headers: { 'Retry-After': '60' } });
  try {
    await database.withTenant(tenantId, async (work) => {
      if ((await findTenant(work)) === undefined) throw new HttpError('tenant_not_found');
      await auditRequest(work, route, context, { target: toTypeId('ten', tenantId), detail: {} });
    });
    const { response } = context;
    response.setHeader('Content-Type', 'application/x-ndjson; charset=utf-8');
    response.setHeader('X-Accel-Buffering', 'no');
    response.setTimeout(STALLED_MS, () => response.destroy());
    await pipeline(whileAllowed(exportTenant(database, tenantId), context), response);
  } catch (error) {
    // The client has gone, or was too slow.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  } finally {
    freePlace();
  }
}

/** Ends without the last line when the caller's key is no longer valid. */
async function* whileAllowed(
  chunks: AsyncIterable<string>,
  { isStillAllowed }: Pick<StreamContext, 'isStillAllowed'>,
): AsyncGenerator<string> {
  for await (const chunk of chunks) {
    if (!(await isStillAllowed())) return;
    yield chunk;
  }
}
