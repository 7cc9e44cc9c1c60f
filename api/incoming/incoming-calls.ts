/**
 * Where third parties send their webhooks: below /v1/incoming, without a key. The address is a secret, and
 * each call has to prove where it comes from. A call is only noted; a workflow reads the records later.
 */
import { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import type { IncomingOutcome } from '../../connectors/incoming';
import { unlessDeleted } from '../../db/database';
import { type AddressPlace, findAddress, locateAddress } from '../../db/integrations/incoming/addresses';
import { findAppWithSecret, openAppWebhookSecret } from '../../db/integrations/oauth/app-webhook-secrets';
import { findIntegration } from '../../db/integrations/integrations';
import { hashOfToken } from '../auth/person-tokens';
import type { ApiDependencies } from '../dependencies';
import { answerWithin } from '../http/deadline';
import { HttpError } from '../http/http-error';
import { readBytes } from '../http/json-body';
import { limitFailedAuthentications, limitRequestsPerKey } from '../http/rate-limits';
import { AppCalls } from './app-calls';
import { webhooksIn } from './described-webhooks';
import { type Call, noteRecords, REFUSED, verifyCall } from './verified-call';

/** Third parties join up to some hundred events in a call. */
const BODY_BYTES_MAX = 1_024 * 1_024;
const CALLS_PER_SECOND = 50;
/** An app calls for all its accounts; app-calls.ts bounds each tenant of them. */
const CALLS_OF_AN_APP_PER_SECOND = 1_000;

export function createIncomingCalls(dependencies: ApiDependencies): Router {
  const { answerWithinMs } = dependencies.config;
  const router = Router({ caseSensitive: true, strict: true });
  const limitFailures = limitFailedAuthentications();
  const limitOfOne = limitRequestsPerKey(CALLS_PER_SECOND, tokenOf);
  const limitOfApp = limitRequestsPerKey(CALLS_OF_AN_APP_PER_SECOND, tokenOf);
  const apps = new AppCalls(dependencies);
  const run = async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    await withinLimit(limitOfApp, request, response);
    const place = await answerWithin(answerWithinMs, locate(request, dependencies));
    const isOfApp = place !== undefined && 'oauthAppId' in place;
    if (!isOfApp) await withinLimit(limitOfOne, request, response);
    const body = await readBytes(request, BODY_BYTES_MAX);
    const call = callOf(request, body, dependencies);
    const received = isOfApp ? apps.receive(place, call) : place && receive(place, call, dependencies);
    const outcome = received === undefined ? REFUSED : await answerWithin(answerWithinMs, received);
    if (outcome.kind !== 'refused') return answer(response, outcome);
    await withinLimit(limitFailures, request, response);
    // Xero does not accept an answer with a body.
    if (isOfApp) response.status(401).end();
    else next(new HttpError('incoming_call_refused'));
  };
  router.all('/:token', (request, response, next) => void run(request, response, next).catch(next));
  return router;
}

const hashIn = (request: Request): Buffer => hashOfToken(String(request.params['token']));
const tokenOf = (request: Request): string => hashIn(request).toString('base64');

/** Throws what the limit passes on. */
const withinLimit = (limit: RequestHandler, request: Request, response: Response): Promise<void> =>
  new Promise((resolve, reject) => {
    void limit(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });

function answer(response: Response, outcome: Exclude<IncomingOutcome, { kind: 'refused' }>): void {
  if (outcome.kind === 'records') response.status(200).end();
  else response.status(200).type(outcome.mediaType).send(outcome.text);
}

/** Whose address it is. */
const locate = (request: Request, { database }: ApiDependencies): Promise<AddressPlace | undefined> =>
  database.withPlatform((work) => locateAddress(work, { tokenHash: hashIn(request) }));

const callOf = (
  { method, originalUrl, headersDistinct }: Request,
  body: Buffer,
  { config }: ApiDependencies,
): Call => ({
  method,
  url: config.publicUrl + originalUrl,
  headers: Object.fromEntries(Object.entries(headersDistinct).map(([name, values]) => [name, values ?? []])),
  body,
});

async function receive(
  { tenantId, integrationId }: Extract<AddressPlace, { integrationId: string }>,
  call: Call,
  dependencies: ApiDependencies,
): Promise<IncomingOutcome> {
  const { database, connectors, encryption } = dependencies;
  /** @returns `app` if the call must be checked with the secret of this OAuth app: call again with it */
  const attempt = (appSecret?: string | null) =>
    database.withTenant(tenantId, async (work) => {
      const owner = { integrationId };
      const integration = await findIntegration(work, owner);
      if (integration === undefined) return { outcome: REFUSED };
      const webhooks = webhooksIn(connectors[integration.connector], integration.config);
      const address = await findAddress(work, owner);
      if (appSecret === undefined && address?.secret === null && webhooks?.isSecretGiven === true) {
        const app = await findAppWithSecret(work, owner);
        if (app !== undefined) return { app };
      }
      const receiver = { owner, address, webhooks, appSecret: appSecret ?? null };
      const outcome = await verifyCall(work, receiver, call, dependencies);
      if (outcome.kind === 'records') await noteRecords(work, integration, outcome.records);
      return { outcome };
    });
  const attempted = (async () => {
    const { app, outcome } = await attempt();
    if (app === undefined) return outcome;
    const secret = await database.withTenant(app.tenantId, (work) =>
      openAppWebhookSecret(work, encryption, app),
    );
    return (await attempt(secret)).outcome;
  })();
  return (await unlessDeleted(attempted)) ?? REFUSED;
}
