/** Queries of the pages of operators: the routes of the platform key, read with the operator's session. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api, type Schemas } from './client';
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
export const definitionHeadsQuery = list(['platform-definitions'], (cursor) =>
  answerOf(api.GET('/v1/platform/third-party-definitions', { params: { query: { limit: '50', cursor } } })),
);
/** Each decision about a rollout reads them again. */
export const stoppedRolloutsQuery = queryOptions({
  queryKey: ['platform-definitions', 'stopped'],
  queryFn: async () =>
    (await answerOf(api.GET('/v1/platform/stopped-rollouts', { params: { query: { limit: '200' } } }))).data,
});
export const definitionVersionsQuery = (key: string) =>
  list(['platform-definitions', key, 'versions'], (cursor) =>
    answerOf(
      api.GET('/v1/platform/third-party-definitions/{definition_key}/versions', {
        params: { path: { definition_key: key }, query: { limit: '50', cursor } },
      }),
    ),
  );
export const definitionVersionQuery = (key: string, version: string) =>
  queryOptions({
    queryKey: ['platform-definitions', key, 'versions', version],
    queryFn: () =>
      answerOf(
        api.GET('/v1/platform/third-party-definitions/{definition_key}/versions/{version}', {
          params: { path: { definition_key: key, version } },
        }),
      ),
  });
export const rolloutsQuery = (key: string) =>
  list(['platform-definitions', key, 'rollouts'], (cursor) =>
    answerOf(
      api.GET('/v1/platform/third-party-definitions/{definition_key}/rollouts', {
        params: { path: { definition_key: key }, query: { limit: '20', cursor } },
      }),
    ),
  );
export const rolloutQuery = (key: string, rolloutId: string) =>
  queryOptions({
    queryKey: ['platform-definitions', key, 'rollouts', rolloutId],
    queryFn: () =>
      answerOf(
        api.GET('/v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}', {
          params: { path: { definition_key: key, rollout_id: rolloutId } },
        }),
      ),
  });
type MoveState = Schemas['DefinitionRolloutIntegration']['state'];
export const rolloutIntegrationsQuery = (key: string, rolloutId: string, state: MoveState | undefined) =>
  list(['platform-definitions', key, 'rollouts', rolloutId, 'integrations', state], (cursor) =>
    answerOf(
      api.GET('/v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}/integrations', {
        params: {
          path: { definition_key: key, rollout_id: rolloutId },
          query: { state, limit: '50', cursor },
        },
      }),
    ),
  );
