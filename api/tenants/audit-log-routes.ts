/** The audit log: every change, with who made it. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { type AuditRow, listAuditEntries } from '../../db/platform/audit-log';
import { toTypeId } from '../../db/sql/ids';
import type { TenantContext } from '../routing/context';
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

const query = z.strictObject({ ...listParams, action: z.string().max(100).optional() });
const common = {
  method: 'get',
  tag: 'Audit log',
  query,
  responses: {
    200: { description: 'One entry for each request that changed something.', schema: historyOf(entry) },
  },
  problems: ['invalid_cursor'],
} as const;

export const auditLogRoutes: readonly Route[] = [
  defineRoute({
    ...common,
    scope: 'tenant',
    path: '/v1/audit-log',
    operationId: 'listAuditLog',
    summary: 'List audit log entries, newest first',
    run: list,
  }),

  defineRoute({
    ...common,
    scope: 'platform',
    path: '/v1/platform/audit-log',
    operationId: 'listPlatformAuditLog',
    summary: 'List audit log entries of the platform, newest first',
    description:
      'Sign-ins of operators, and changes of what belongs to the whole installation. Changes of a tenant by ' +
      'an operator are in the audit log of the tenant.',
    run: list,
  }),
];

async function list(
  work: TenantWork,
  { query: asked }: { query: z.output<typeof query> },
  { services }: TenantContext,
) {
  const scope = ['audit-log', work.tenantId, asked.action];
  const { limit, after } = readPage(asked, scope, uuidPosition);
  const options = { limit: limit + 1, before: after, action: asked.action };
  const { entries, examinedTo } = await listAuditEntries(work, options);
  const page = toPage(entries, limit, scope, ({ auditId }) => auditId, toWire, examinedTo);
  return { status: 200 as const, body: withOldestKept(page, keptSince(work, services, 'auditLog')) };
}

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
