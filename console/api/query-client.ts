import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { asProblem } from './client';

const isTransient = (error: unknown): boolean => {
  const { status } = asProblem(error);
  return status === 0 || status === 429 || status >= 500;
};

/** Of people and of operators of the platform. */
const SESSIONS: readonly unknown[] = ['me', 'platform-session'];

/** Reads the session again. The shell leads to the sign-in if it has ended. */
const checkSession = (error: unknown): void => {
  if (asProblem(error).status !== 401) return;
  for (const session of SESSIONS) void queryClient.invalidateQueries({ queryKey: [session] });
};

/**
 * Data stays on the page while it is read again, also if that fails. An ended session leads to the sign-in.
 * The browser's online state is ignored: Syncline may run in the same network.
 */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError(error, query) {
      if (!SESSIONS.includes(query.queryKey[0])) checkSession(error);
    },
  }),
  mutationCache: new MutationCache({ onError: checkSession }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => failures < 2 && isTransient(error),
      refetchOnWindowFocus: true,
      refetchOnReconnect: true,
      networkMode: 'always',
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});
