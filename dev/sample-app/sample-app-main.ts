/**
 * The app that `npm start` offers to connect: an address book behind OAuth 2, with a page on which its only
 * user agrees. Arguments: its port, and a folder in which `client.json` names who may ask for consent. Prints
 * each token that it hands out or is called with, by a few letters of its hash.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import type Provider from 'oidc-provider';
import { contactsOf } from './contacts';
import { type GrantStore, openGrantStore } from './grant-store';

const [port, folder] = process.argv.slice(2) as [string, string];
const url = `http://127.0.0.1:${port}`;
const PERSON = { id: 'ada', name: 'Ada Sample' };
const READ = 'contacts.read';
/** Short, so that one can watch tokens being replaced. */
const TOKEN_SECONDS = 60;
const DAY_SECONDS = 86_400;

const print = (text: string): void => console.log(`${new Date().toISOString()} ${text}`);
const nameOf = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 8);

/** The file is written when the address of Syncline is known. */
function findClient(id: string): Record<string, unknown> | undefined {
  const file = path.join(folder, 'client.json');
  if (!fs.existsSync(file)) return undefined;
  const client = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>;
  return client.client_id === id ? client : undefined;
}

const failureOf = (error: string): string =>
  `This request for consent does not work (${error}). Go back, and start again.`;

/** Every refresh token works once; one that comes again ends the whole grant. */
const configurationOf = ({ adapter, cookieKey, signingKey }: GrantStore): object => ({
  adapter,
  cookies: { keys: [cookieKey] },
  jwks: { keys: [signingKey] },
  scopes: ['openid', 'offline_access', READ],
  pkce: { required: () => true },
  issueRefreshToken: () => true,
  expiresWithSession: () => false,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: TOKEN_SECONDS,
    AuthorizationCode: 60,
    Grant: 365 * DAY_SECONDS,
    IdToken: TOKEN_SECONDS,
    Interaction: 600,
    RefreshToken: 365 * DAY_SECONDS,
    Session: DAY_SECONDS,
  },
  features: { devInteractions: { enabled: false } },
  findAccount: () => ({ accountId: PERSON.id, claims: () => ({ sub: PERSON.id, name: PERSON.name }) }),
  renderError: (context: { type: string; body: string }, { error }: { error: string }) => {
    context.type = 'text';
    context.body = failureOf(error);
  },
  interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/consent/${uid}` },
});

const CONSENT_PAGE =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
  '<title>Sample address book</title></head><body style="max-width:480px;margin:64px auto;padding:0 16px;' +
  'font:16px/1.5 system-ui,sans-serif"><main><h1>Sample address book</h1>' +
  `<p>You are signed in as ${PERSON.name}. Syncline asks to read your contacts.</p>` +
  '<form method="post"><button name="answer" value="allow">Allow</button> ' +
  '<button name="answer" value="deny">Deny</button></form></main></body></html>';

/** The page on which the person agrees. It asks for no password, because the app serves this machine only. */
function consentOf(
  provider: Provider,
): Record<'ask' | 'take', (request: Request, response: Response) => Promise<void>> {
  return {
    async ask(request, response) {
      await provider.interactionDetails(request, response);
      response.setHeader(
        'Content-Security-Policy',
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      );
      response.type('html').send(CONSENT_PAGE);
    },
    async take(request, response) {
      const { params } = await provider.interactionDetails(request, response);
      if ((request.body as { answer?: string }).answer !== 'allow')
        return provider.interactionFinished(request, response, { error: 'access_denied' });
      const grant = new provider.Grant({ accountId: PERSON.id, clientId: params.client_id as string });
      grant.addOIDCScope(params.scope as string);
      return provider.interactionFinished(request, response, {
        login: { accountId: PERSON.id },
        consent: { grantId: await grant.save() },
      });
    },
  };
}

function requireToken(provider: Provider): RequestHandler {
  return async (request, response, next) => {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const known = await provider.AccessToken.find(token);
    if (known?.scopes.has(READ) === true) {
      print(`${request.path} was read with the access token ${nameOf(token)}`);
      return next();
    }
    response.status(401).json({ message: 'The access token is not valid, or not any more.' });
  };
}

/** For example, the person was away for too long. */
const answerFailure: ErrorRequestHandler = (error: Error, _request, response, _next) => {
  print(error.message);
  response.status(400).type('text').send(failureOf(error.message));
};

async function main(): Promise<void> {
  const { default: OidcProvider } = await import('oidc-provider');
  const provider = new OidcProvider(
    url,
    configurationOf(openGrantStore(path.join(folder, 'state.json'), findClient)),
  );
  provider.on('grant.success', ({ oidc: { params, entities } }) => {
    const how =
      params.grant_type === 'refresh_token' ? 'for a refresh token, which is replaced' : 'for a consent';
    print(`the access token ${nameOf(entities.AccessToken?.jti ?? '')} was handed out ${how}`);
  });
  provider.on('server_error', (_context, error) => print(error.stack ?? error.message));
  const consent = consentOf(provider);
  const app = express().disable('x-powered-by');
  app.get('/', (_request, response) => void response.type('text').send('The address book runs.'));
  app.get('/consent/:uid', consent.ask);
  app.post('/consent/:uid', express.urlencoded(), consent.take);
  app.use('/api', requireToken(provider));
  app.get('/api/me', (_request, response) => void response.json(PERSON));
  app.get('/api/contacts', (request, response) => void response.json(contactsOf(request.query)));
  app.use(provider.callback());
  app.use(answerFailure);
  app.listen(Number(port), '127.0.0.1', () => print(`listening on ${url}`));
}

process.on('SIGTERM', () => process.exit(0));
void main();
