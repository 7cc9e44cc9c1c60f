/** OAuth apps: of the tenant, or of the platform on the pages of operators. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api, versionOf } from './client';
import { list } from './queries';

export type AppOwner = 'tenant' | 'platform';

/** The routes of the platform are those of tenants below `/v1/platform`, with the same bodies. */
export const routeOf = <Path extends `/v1/oauth-apps${string}`>(owner: AppOwner, path: Path): Path =>
  (owner === 'platform' ? path.replace('/v1/', '/v1/platform/') : path) as Path;

export const ofApp = (id: string) => ({ path: { oauth_app_id: id } });

export const oauthAppListQuery = (owner: AppOwner) =>
  list(['oauth-apps', owner, 'list'], (cursor) =>
    answerOf(api.GET(routeOf(owner, '/v1/oauth-apps'), { params: { query: { limit: '50', cursor } } })),
  );
/** Those that a product can be linked with. */
export const oauthAppsQuery = queryOptions({
  queryKey: ['oauth-apps', 'usable'],
  queryFn: async () =>
    (await answerOf(api.GET('/v1/oauth-apps', { params: { query: { limit: '200' } } }))).data,
});
/** Where every provider sends the browser back to. */
export const redirectUriQuery = (owner: AppOwner) =>
  queryOptions({
    queryKey: ['redirect-uri', owner],
    queryFn: async () =>
      (await answerOf(api.GET(routeOf(owner, '/v1/oauth-apps'), { params: { query: { limit: '1' } } })))
        .redirect_uri,
    staleTime: Infinity,
  });
export const oauthAppQuery = (owner: AppOwner, id: string) =>
  queryOptions({
    queryKey: ['oauth-apps', owner, id],
    queryFn: () => versionOf(api.GET(routeOf(owner, '/v1/oauth-apps/{oauth_app_id}'), { params: ofApp(id) })),
  });
export const appWebhooksQuery = (owner: AppOwner, id: string) =>
  queryOptions({
    queryKey: ['oauth-apps', owner, id, 'webhooks'],
    queryFn: () =>
      answerOf(
        api.GET(routeOf(owner, '/v1/oauth-apps/{oauth_app_id}/incoming-webhooks'), { params: ofApp(id) }),
      ),
    // No event tells of a call.
    refetchInterval: ({ state: { data } }) => data !== undefined && 10_000,
  });
/** Which definitions can describe the webhooks of an app. */
export const webhookDefinitionsQuery = (owner: AppOwner, id: string) =>
  queryOptions({
    queryKey: ['oauth-app-webhook-definitions', owner, id],
    queryFn: async () =>
      (
        await answerOf(
          api.GET(routeOf(owner, '/v1/oauth-apps/{oauth_app_id}/incoming-webhooks/definitions'), {
            params: ofApp(id),
          }),
        )
      ).data,
  });
