/** Queries of the pages. A key begins with its subject, so an event invalidates the whole subject. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { operations } from './schema';
import { answerOf, api, consoleApi, versionOf } from './client';

type QueryOf<Operation extends keyof operations> = Omit<
  NonNullable<operations[Operation]['parameters']['query']>,
  'cursor' | 'limit'
>;
interface Listed {
  next_cursor: string | null;
}

/** A list that is read page by page. */
export const list = <Page extends Listed>(
  key: readonly unknown[],
  read: (cursor: string | undefined) => Promise<Page>,
) =>
  infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page) => page.next_cursor ?? undefined,
  });
const limit = '50';

export const integrationsQuery = queryOptions({
  queryKey: ['integrations'],
  queryFn: async () =>
    (await answerOf(api.GET('/v1/integrations', { params: { query: { limit: '200' } } }))).data,
});
export const integrationQuery = (id: string) =>
  queryOptions({
    queryKey: ['integrations', id],
    queryFn: () =>
      versionOf(api.GET('/v1/integrations/{integration_id}', { params: { path: { integration_id: id } } })),
  });
export const scheduleQuery = (id: string) =>
  queryOptions({
    queryKey: ['integrations', id, 'schedule'],
    queryFn: () =>
      answerOf(
        api.GET('/v1/integrations/{integration_id}/sync-schedule', {
          params: { path: { integration_id: id } },
        }),
      ),
  });
export const incomingWebhooksQuery = (id: string) =>
  queryOptions({
    queryKey: ['integrations', id, 'incoming-webhooks'],
    queryFn: () =>
      answerOf(
        api.GET('/v1/integrations/{integration_id}/incoming-webhooks', {
          params: { path: { integration_id: id } },
        }),
      ),
    // No event tells of a call.
    refetchInterval: ({ state: { data } }) => data !== undefined && 10_000,
  });
export const onboardingQuery = queryOptions({
  queryKey: ['onboarding'],
  queryFn: async () => (await answerOf(api.GET('/v1/onboarding'))).data,
  // For when the stream is down.
  refetchInterval: (query) => ((query.state.data?.length ?? 0) > 0 ? 5_000 : 60_000),
});

export const recordsQuery = (recordType: string, query: QueryOf<'listRecords'>) =>
  list(['records', recordType, query], (cursor) =>
    answerOf(
      api.GET('/v1/records/{record_type}', {
        params: { path: { record_type: recordType }, query: { ...query, limit: '100', cursor } },
      }),
    ),
  );
export const recordQuery = (recordType: string, externalId: string) =>
  queryOptions({
    queryKey: ['record', recordType, externalId],
    queryFn: () =>
      answerOf(
        api.GET('/v1/records/{record_type}/{external_id}', {
          params: { path: { record_type: recordType, external_id: externalId } },
        }),
      ),
  });
export const pushesQuery = (query: QueryOf<'listPushes'>) =>
  list(['pushes', query], (cursor) =>
    answerOf(api.GET('/v1/pushes', { params: { query: { ...query, limit: '20', cursor } } })),
  );
export const pushQuery = (id: string) =>
  queryOptions({
    queryKey: ['pushes', 'one', id],
    queryFn: () => answerOf(api.GET('/v1/pushes/{push_id}', { params: { path: { push_id: id } } })),
  });

export const syncRunsQuery = (query: QueryOf<'listSyncRuns'>) =>
  list(['sync-runs', query], (cursor) =>
    answerOf(api.GET('/v1/sync-runs', { params: { query: { ...query, limit, cursor } } })),
  );
/** The newest few, for the home page. */
export const recentSyncRunsQuery = queryOptions({
  queryKey: ['sync-runs', 'recent'],
  queryFn: async () => (await answerOf(api.GET('/v1/sync-runs', { params: { query: { limit: '5' } } }))).data,
});
export const syncSummaryQuery = queryOptions({
  queryKey: ['sync-summary'],
  queryFn: () => answerOf(api.GET('/v1/sync-summary')),
  // Webhook endpoints and the times of next runs change without an event in the stream.
  refetchInterval: 60_000,
});
const ofRun = (id: string) => ({ sync_run_id: id });
export const syncRunQuery = (id: string) =>
  queryOptions({
    queryKey: ['sync-runs', 'one', id],
    queryFn: () => answerOf(api.GET('/v1/sync-runs/{sync_run_id}', { params: { path: ofRun(id) } })),
  });
export const syncJobsQuery = (id: string) =>
  queryOptions({
    queryKey: ['sync-runs', 'one', id, 'jobs'],
    queryFn: async () =>
      (await answerOf(api.GET('/v1/sync-runs/{sync_run_id}/jobs', { params: { path: ofRun(id) } }))).data,
  });
export const syncRunChangesQuery = (id: string, query: QueryOf<'listSyncRunChanges'>) =>
  list(['sync-runs', 'one', id, 'changes', query], (cursor) =>
    answerOf(
      api.GET('/v1/sync-runs/{sync_run_id}/changes', {
        params: { path: ofRun(id), query: { ...query, limit, cursor } },
      }),
    ),
  );
export const syncRunErrorsQuery = (id: string) =>
  list(['sync-runs', 'one', id, 'errors'], (cursor) =>
    answerOf(
      api.GET('/v1/sync-runs/{sync_run_id}/errors', {
        params: { path: ofRun(id), query: { limit, cursor } },
      }),
    ),
  );
export const syncStatusQuery = (query: QueryOf<'listSyncStatus'>) =>
  list(['sync-status', query], (cursor) =>
    answerOf(api.GET('/v1/sync-status', { params: { query: { ...query, limit, cursor } } })),
  );
export const conflictsQuery = (query: QueryOf<'listSyncConflicts'>) =>
  list(['conflicts', query], (cursor) =>
    answerOf(api.GET('/v1/sync-conflicts', { params: { query: { ...query, limit, cursor } } })),
  );
export const driftsQuery = (query: QueryOf<'listDrifts'>) =>
  list(['drifts', query], (cursor) =>
    answerOf(api.GET('/v1/drifts', { params: { query: { ...query, limit, cursor } } })),
  );
export const parkedWorkQuery = list(['parked-work'], (cursor) =>
  answerOf(api.GET('/v1/parked-work', { params: { query: { limit, cursor } } })),
);
export const pushReviewsQuery = (query: QueryOf<'listPushReviews'>) =>
  list(['push-reviews', query], (cursor) =>
    answerOf(api.GET('/v1/push-reviews', { params: { query: { ...query, limit, cursor } } })),
  );
export const pushReviewQuery = (id: string) =>
  queryOptions({
    queryKey: ['push-reviews', 'one', id],
    queryFn: () =>
      answerOf(api.GET('/v1/push-reviews/{push_review_id}', { params: { path: { push_review_id: id } } })),
  });
export const waitingRecordsQuery = (id: string) =>
  list(['push-reviews', 'one', id, 'records'], (cursor) =>
    answerOf(
      api.GET('/v1/push-reviews/{push_review_id}/records', {
        params: { path: { push_review_id: id }, query: { limit, cursor } },
      }),
    ),
  );
export const deletionReviewsQuery = (query: QueryOf<'listDeletionReviews'>) =>
  list(['deletion-reviews', query], (cursor) =>
    answerOf(api.GET('/v1/deletion-reviews', { params: { query: { ...query, limit, cursor } } })),
  );
export const deletionReviewQuery = (id: string) =>
  queryOptions({
    queryKey: ['deletion-reviews', 'one', id],
    queryFn: () =>
      answerOf(
        api.GET('/v1/deletion-reviews/{deletion_review_id}', {
          params: { path: { deletion_review_id: id } },
        }),
      ),
  });
export const reviewedRecordsQuery = (id: string) =>
  list(['deletion-reviews', 'one', id, 'records'], (cursor) =>
    answerOf(
      api.GET('/v1/deletion-reviews/{deletion_review_id}/records', {
        params: { path: { deletion_review_id: id }, query: { limit, cursor } },
      }),
    ),
  );

export const notificationsQuery = (query: QueryOf<'listNotifications'>) =>
  list(['notifications', query], (cursor) =>
    answerOf(api.GET('/v1/notifications', { params: { query: { ...query, limit, cursor } } })),
  );
export const unreadQuery = queryOptions({
  queryKey: ['notifications', 'unread'],
  queryFn: async () => (await answerOf(api.GET('/v1/notifications/unread'))).unread,
  refetchInterval: 60_000,
});
export const notificationSettingsQuery = queryOptions({
  queryKey: ['notification-settings'],
  queryFn: () => versionOf(api.GET('/v1/notification-settings')),
});
export const peopleQuery = list(['people'], (cursor) =>
  answerOf(api.GET('/v1/people', { params: { query: { limit, cursor } } })),
);

export const overviewsQuery = (query: QueryOf<'listOverviews'>) =>
  list(['overviews', query], (cursor) =>
    answerOf(api.GET('/v1/overviews', { params: { query: { ...query, limit, cursor } } })),
  );
export const overviewQuery = (id: string) =>
  queryOptions({
    queryKey: ['overviews', 'one', id],
    queryFn: () =>
      answerOf(api.GET('/v1/overviews/{overview_id}', { params: { path: { overview_id: id } } })),
    // The stream has an event for the end, but not for the counts until then.
    refetchInterval: ({ state }) =>
      state.data?.state === 'queued' || state.data?.state === 'running' ? 1_000 : false,
  });
export const overviewItemsQuery = (id: string, query: QueryOf<'listOverviewItems'>) =>
  list(['overviews', 'one', id, 'items', query], (cursor) =>
    answerOf(
      api.GET('/v1/overviews/{overview_id}/items', {
        params: { path: { overview_id: id }, query: { ...query, limit, cursor } },
      }),
    ),
  );
export const webhookEndpointsQuery = list(['webhooks', 'endpoints'], (cursor) =>
  answerOf(api.GET('/v1/webhook-endpoints', { params: { query: { limit, cursor } } })),
);
export const webhookEndpointQuery = (id: string) =>
  queryOptions({
    queryKey: ['webhooks', 'endpoints', id],
    queryFn: () =>
      versionOf(api.GET('/v1/webhook-endpoints/{endpoint_id}', { params: { path: { endpoint_id: id } } })),
  });
export const webhookDeliveriesQuery = (query: QueryOf<'listWebhookDeliveries'>) => ({
  ...list(['webhooks', 'deliveries', query], (cursor) =>
    answerOf(api.GET('/v1/webhook-deliveries', { params: { query: { ...query, limit, cursor } } })),
  ),
  refetchInterval: 5_000, // the stream has no events for deliveries
});
export const webhookDeliveryQuery = (id: string) =>
  queryOptions({
    queryKey: ['webhooks', 'delivery', id],
    queryFn: () =>
      answerOf(api.GET('/v1/webhook-deliveries/{delivery_id}', { params: { path: { delivery_id: id } } })),
    refetchInterval: ({ state }) =>
      state.data?.state === 'pending' || state.data?.state === 'retrying' ? 2_000 : false,
  });
export const apiKeysQuery = list(['api-keys'], (cursor) =>
  answerOf(api.GET('/v1/api-keys', { params: { query: { limit, cursor } } })),
);
export const erasuresQuery = list(['erasures'], (cursor) =>
  answerOf(api.GET('/v1/erasures', { params: { query: { limit, cursor } } })),
);
export const erasureQuery = (id: string) =>
  queryOptions({
    queryKey: ['erasures', 'one', id],
    queryFn: () => answerOf(api.GET('/v1/erasures/{erasure_id}', { params: { path: { erasure_id: id } } })),
    // The stream has no events for erasures.
    refetchInterval: ({ state: { data } }) =>
      data?.state === 'previewing' || data?.state === 'erasing'
        ? 1_000
        : data?.state === 'waiting_for_apps' && 10_000,
  });
export const auditLogQuery = (query: QueryOf<'listAuditLog'>) =>
  list(['audit-log', query], (cursor) =>
    answerOf(api.GET('/v1/audit-log', { params: { query: { ...query, limit, cursor } } })),
  );
export const tenantQuery = queryOptions({
  queryKey: ['tenant'],
  queryFn: () => versionOf(api.GET('/v1/tenant')),
});
export const timeZonesQuery = queryOptions({
  queryKey: ['time-zones'],
  queryFn: async () => (await answerOf(api.GET('/v1/time-zones'))).data,
  staleTime: Infinity,
});
export const ownSessionsQuery = queryOptions({
  queryKey: ['own-sessions'],
  queryFn: async () => (await answerOf(consoleApi.GET('/console/v1/me/sessions'))).data,
});
