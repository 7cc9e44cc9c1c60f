/** What the sample app uses of oidc-provider, which has no types of its own. */
declare module 'oidc-provider' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

  interface Token {
    jti: string;
    accountId: string;
    scopes: Set<string>;
  }
  interface Context {
    oidc: {
      params: Record<string, string | undefined>;
      entities: { AccessToken?: Token };
    };
  }
  export default class Provider {
    constructor(issuer: string, configuration: object);
    Grant: new (of: { accountId: string; clientId: string }) => {
      addOIDCScope(scopes: string): void;
      save(): Promise<string>;
    };
    /** Undefined for a token that has expired, was revoked or never existed. */
    AccessToken: { find(token: string): Promise<Token | undefined> };
    callback(): RequestListener;
    interactionDetails(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{ params: Record<string, string> }>;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
    on(event: 'grant.success', listener: (context: Context) => void): void;
    on(event: 'server_error', listener: (context: Context, error: Error) => void): void;
  }
}
