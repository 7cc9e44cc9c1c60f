import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { asProblem } from './client';

const isWorthRepeating = (error: unknown): boolean => {
  const { status } = asProblem(error);
  return status === 0 || status === 429 || status >= 500;
};

/** Who is signed in is asked again, which leads to the sign-in where nobody is any more. */
const askWhoThisIs = (error: unknown): void => {
  if (asProblem(error).status === 401) void queryClient.invalidateQueries({ queryKey: ['me'] });
};

/**
 * What was read stays on the page while it is read again, and when that fails. A session that ended leads to the sign-in. Whether the browser
 * believes that it is online counts for nothing: Syncline may run in the same house, and what cannot be done is said rather than done later.
 */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError(error, query) {
      if (query.queryKey[0] !== 'me') askWhoThisIs(error);
    },
  }),
  mutationCache: new MutationCache({ onError: askWhoThisIs }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => failures < 2 && isWorthRepeating(error),
      refetchOnWindowFocus: true,
      refetchOnReconnect: true,
      networkMode: 'always',
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});
