/** The session of an operator who is signed in with the platform key. The browser never keeps the key. */
import { queryOptions } from '@tanstack/react-query';
import { answerOf, consoleApi } from '../api/client';

export const platformSessionQuery = queryOptions({
  queryKey: ['platform-session'],
  queryFn: () => answerOf(consoleApi.GET('/console/v1/platform/session')),
  staleTime: 60_000,
  retry: false,
});

export const signInAsPlatform = (platformKey: string): Promise<unknown> =>
  answerOf(consoleApi.POST('/console/v1/platform/sign-in', { body: { platform_key: platformKey } }));
export const signOutAsPlatform = (): Promise<unknown> =>
  answerOf(consoleApi.POST('/console/v1/platform/sign-out'));
