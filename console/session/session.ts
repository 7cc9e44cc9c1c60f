/** The signed-in person, and what their role allows. */
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import { answerOf, consoleApi, type Schemas } from '../api/client';

export type Role = Schemas['PersonRole'];

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => answerOf(consoleApi.GET('/console/v1/me')),
  staleTime: 60_000,
  // An open page notices by this that its session has ended.
  refetchInterval: 60_000,
  retry: false,
});
export const waysToSignInQuery = queryOptions({
  queryKey: ['ways-to-sign-in'],
  queryFn: () => answerOf(consoleApi.GET('/console/v1/sign-in')),
});

/** The session. Only for pages in the shell, which need a sign-in. */
export const useSession = (): Schemas['Me'] => useSuspenseQuery(meQuery).data;

const RANK: Record<Role, number> = { viewer: 1, operator: 2, admin: 3 };

/** Why this person may not act, or undefined if they may. The API enforces it; this shows it beforehand. */
export function useRefusal(needed: Role): string | undefined {
  const { role } = useSession();
  return RANK[role] >= RANK[needed]
    ? undefined
    : `This requires the role ${needed}. Your role is ${role}. An admin can change it.`;
}

export const signIn = (credentials: { email: string; password: string }): Promise<unknown> =>
  answerOf(consoleApi.POST('/console/v1/sign-in', { body: credentials }));
export const signOut = (): Promise<unknown> => answerOf(consoleApi.POST('/console/v1/sign-out'));
export const setPassword = (choice: { token: string; password: string }): Promise<unknown> =>
  answerOf(consoleApi.POST('/console/v1/passwords', { body: choice }));
