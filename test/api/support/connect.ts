/** A person who opens the link of a connect session in a browser. */
import supertest from 'supertest';
import type { Express } from 'express';
import type { GivenTenant, Method } from './service';

export const NEW_INTEGRATION = {
  connector: 'scim',
  app: 'Example HR',
  account_name: 'Ada & Sons, production',
  config: { base_url: 'https://hr.example.com/scim/v2' },
};

export interface GivenLink {
  id: string;
  secret: string;
  link: string;
}

export async function givenLink(tenant: GivenTenant, body: object = {}): Promise<GivenLink> {
  const target = 'integration_id' in body ? {} : { integration: NEW_INTEGRATION };
  const { body: made } = await tenant.admin.post('/v1/connect-sessions', { ...target, ...body }).expect(201);
  return { id: made.id, link: made.link, secret: (made.link as string).split('/').at(-1) as string };
}

/** Keeps its cookies, and sends what a browser sends from the page. */
export class ConnectBrowser {
  readonly cookies = new Map<string, string>();
  constructor(
    readonly app: Express,
    readonly headers: Record<string, string> = { 'Sec-Fetch-Site': 'same-origin' },
  ) {}

  async send(method: Method, path: string, body?: object): Promise<supertest.Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const test = supertest(this.app)[method](path).redirects(0).set(this.headers);
    if (cookie !== '') test.set('Cookie', cookie);
    const response = await (body === undefined ? test : test.send(body));
    for (const line of (response.headers['set-cookie'] as unknown as string[] | undefined) ?? []) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return response;
  }

  open = ({ secret }: { secret: string }, isEmbedded = false) =>
    this.send('post', '/connect/v1/open', { secret, is_embedded: isEmbedded });
  show = ({ id }: { id: string }) => this.send('get', `/connect/v1/sessions/${id}`);
  give = ({ id }: { id: string }, credentials: object = { token: 'canary-token-0815' }) =>
    this.send('post', `/connect/v1/sessions/${id}/credentials`, { credentials });
}
