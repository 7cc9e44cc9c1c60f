/** The audit log: every change, with who made it. */
import { z } from 'zod';
import { type AuditRow, listAuditEntries } from '../../db/platform/audit-log';
import { toTypeId } from '../../db/sql/ids';
import { defineRoute, type Route } from '../routing/define-route';
import { historyOf, keptSince, withOldestKept } from '../routing/kept-history';
import { instant, jsonObject, toInstant, typeId } from '../routing/common-schemas';
import { listParams, readPage, toPage, uuidPosition } from '../routing/pagination';

const entry = z
  .object({
    id: typeId('aud'),
    actor: z.string().meta({ example: 'key:payroll' }),
    action: z.string().meta({ example: 'integration.paused' }),
    target: z.string().nullable(),
    detail: jsonObject,
    ip: z.string().nullable(),
    request_id: z.string(),
    at: instant,
  })
  .meta({ id: 'AuditEntry' });

export const auditLogRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/audit-log',
    operationId: 'listAuditLog',
    tag: 'Audit log',
    summary: 'List audit log entries, newest first',
    query: z.strictObject({ ...listParams, action: z.string().max(100).optional() }),
    responses: {
      200: { description: 'One entry for each request that changed something.', schema: historyOf(entry) },
    },
    problems: ['invalid_cursor'],
    async run(work, { query }, { services }) {
      const scope = ['audit-log', work.tenantId, query.action];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listAuditEntries(work, { limit: limit + 1, before: after, action: query.action });
      const page = toPage(rows, limit, scope, ({ auditId }) => auditId, toWire);
      return { status: 200, body: withOldestKept(page, keptSince(work, services, 'auditLog')) };
    },
  }),
];

function toWire({
  auditId,
  actor,
  action,
  target,
  detail,
  ip,
  requestId,
  at,
}: AuditRow): z.output<typeof entry> {
  return {
    id: toTypeId('aud', auditId),
    actor,
    action,
    target,
    detail,
    ip,
    request_id: requestId,
    at: toInstant(at),
  };
}
