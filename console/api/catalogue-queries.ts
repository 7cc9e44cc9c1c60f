/** What can be linked. It does not change while a page is open. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from './client';

export const connectorsQuery = queryOptions({
  queryKey: ['connectors'],
  queryFn: async () => (await answerOf(api.GET('/v1/connectors'))).data,
  staleTime: Infinity,
});
export const connectorQuery = (kind: string) =>
  queryOptions({
    queryKey: ['connectors', kind],
    queryFn: () => answerOf(api.GET('/v1/connectors/{kind}', { params: { path: { kind } } })),
    staleTime: Infinity,
  });
export const definitionsQuery = queryOptions({
  queryKey: ['definitions'],
  queryFn: async () =>
    (await answerOf(api.GET('/v1/third-party-definitions', { params: { query: { limit: '200' } } }))).data,
  staleTime: Infinity,
});
export const definitionQuery = (key: string) =>
  queryOptions({
    queryKey: ['definitions', key],
    queryFn: () =>
      answerOf(
        api.GET('/v1/third-party-definitions/{definition_key}', {
          params: { path: { definition_key: key } },
        }),
      ),
    staleTime: Infinity,
  });
