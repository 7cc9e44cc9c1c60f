/** Queries of the pages of operators: the routes of the platform key, read with the operator's session. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from './client';

export const outboxQuery = queryOptions({
  queryKey: ['platform-outbox'],
  queryFn: () => answerOf(api.GET('/v1/platform/outbox')),
});
