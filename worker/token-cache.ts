/**
 * Access tokens from connectors' logins, cached in this process per integration and version of its
 * credentials.
 */
import type { TokenStore } from '../connectors/connector';

const TOKENS_MAX = 5_000;

export function createTokenCache(): (integrationId: string, credentialsUpdatedAt: Date | null) => TokenStore {
  const tokens = new Map<string, { value: string; expiresAt: number | null }>();
  return (integrationId, credentialsUpdatedAt) => {
    const key = `${integrationId} ${credentialsUpdatedAt?.getTime() ?? 0}`;
    return {
      get: () => tokens.get(key),
      set: (token) => {
        // A cleared token only costs another login.
        if (tokens.size >= TOKENS_MAX) tokens.clear();
        tokens.set(key, token);
      },
      clear: () => void tokens.delete(key),
    };
  };
}
