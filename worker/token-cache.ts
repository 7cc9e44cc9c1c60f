/** Tokens that a connector's login yielded, kept in this process, one store per integration and set of credentials. */
import type { TokenStore } from '../connectors/connector';

const STORES_MAX = 5_000;

export function createTokenStores(): (
  integrationId: string,
  credentialsUpdatedAt: Date | null,
) => TokenStore {
  const tokens = new Map<string, { value: string; expiresAt: number | null }>();
  return (integrationId, credentialsUpdatedAt) => {
    const key = `${integrationId} ${credentialsUpdatedAt?.getTime() ?? 0}`;
    return {
      get: () => tokens.get(key),
      set: (token) => {
        if (tokens.size >= STORES_MAX) tokens.clear(); // they are only a shortcut: a new login makes a new one
        tokens.set(key, token);
      },
      clear: () => void tokens.delete(key),
    };
  };
}
