/** Queries of the pages of operators: the routes of the platform key, read with the operator's session. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from './client';
import { list } from './queries';

export const outboxQuery = queryOptions({
  queryKey: ['platform-outbox'],
  queryFn: () => answerOf(api.GET('/v1/platform/outbox')),
});
export const tenantsQuery = (q: string | undefined) =>
  list(['platform-tenants', q], (cursor) =>
    answerOf(api.GET('/v1/tenants', { params: { query: { q, limit: '50', cursor } } })),
  );
export const tenantByIdQuery = (id: string) =>
  queryOptions({
    queryKey: ['platform-tenants', 'one', id],
    queryFn: () => answerOf(api.GET('/v1/tenants/{tenant_id}', { params: { path: { tenant_id: id } } })),
  });
export const tenantDeletionQuery = (id: string) =>
  queryOptions({
    queryKey: ['platform-tenants', 'deletion', id],
    queryFn: () =>
      answerOf(api.GET('/v1/tenants/{tenant_id}/deletion', { params: { path: { tenant_id: id } } })),
  });
export const platformAuditLogQuery = list(['platform-audit-log'], (cursor) =>
  answerOf(api.GET('/v1/platform/audit-log', { params: { query: { limit: '50', cursor } } })),
);
