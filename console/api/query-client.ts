import { QueryCache, QueryClient } from '@tanstack/react-query';
import { asProblem } from './client';

const isWorthRepeating = (error: unknown): boolean => {
  const { status } = asProblem(error);
  return status === 0 || status === 429 || status >= 500;
};

/** What was read stays on the page while it is read again, and when that fails. A session that ended leads to the sign-in. */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError(error, query) {
      if (asProblem(error).status === 401 && query.queryKey[0] !== 'me') void queryClient.invalidateQueries({ queryKey: ['me'] });
    },
  }),
  defaultOptions: {
    queries: { staleTime: 5_000, retry: (failures, error) => failures < 2 && isWorthRepeating(error), refetchOnWindowFocus: true },
    mutations: { retry: false },
  },
});
