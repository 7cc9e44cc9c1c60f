/** The tokens that a connector sends: of a login, and of an account that a person has connected. */
/**
 * A cache for the token of a login, per integration and worker process. Cleared when the credentials change.
 */
export interface TokenStore {
  get(): { value: string; expiresAt: number | null } | undefined;
  set(token: { value: string; expiresAt: number | null }): void;
  clear(): void;
}

export interface AccessToken {
  value: string;
  /** One more with each pair of tokens. */
  generation: number;
}

/** Access tokens of an account that a person has connected by consent, over all workers. */
export interface AccessTokens {
  /**
   * A token that has not expired. @throws Unauthorized if a person has to connect the account again,
   * Unavailable or RateLimited if the provider gives no token now
   */
  current(): Promise<AccessToken>;
  /** Another token than the one that the third party has refused; undefined: a new one would not help. */
  renew(refused: AccessToken): Promise<AccessToken | undefined>;
  /** Tokens that this process has used lately, to remove them from texts. */
  known(): string[];
}
