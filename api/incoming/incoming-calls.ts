/**
 * Where third parties send their webhooks: below /v1/incoming, without a key. The address is a secret, and
 * each call has to prove where it comes from. A call is only noted; a workflow reads the records later.
 */
import { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import type { IncomingCall, IncomingOutcome } from '../../connectors/incoming';
import { type TenantWork, unlessDeleted } from '../../db/database';
import { type AppPlace, locateAppAddress } from '../../db/integrations/incoming/app-addresses';
import {
  findIncomingAddress,
  incomingSecretLocation,
  locateIncomingAddress,
  noteIncomingCall,
} from '../../db/integrations/incoming/incoming-addresses';
import { addIncomingChanges } from '../../db/integrations/incoming/incoming-changes';
import { findIntegration } from '../../db/integrations/integrations';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { hashOfToken } from '../auth/person-tokens';
import type { ApiDependencies } from '../dependencies';
import { answerWithin } from '../http/deadline';
import { HttpError } from '../http/http-error';
import { readBytes } from '../http/json-body';
import { limitFailedAuthentications, limitRequestsPerKey } from '../http/rate-limits';
import { AppCalls } from './app-calls';

/** Third parties join up to some hundred events in a call. */
const BODY_BYTES_MAX = 1_024 * 1_024;
const CALLS_PER_SECOND = 50;
/** An app calls for all its accounts; app-calls.ts bounds each tenant of them. */
const CALLS_OF_AN_APP_PER_SECOND = 1_000;

const REFUSED: IncomingOutcome = { kind: 'refused' };

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
    const received = isOfApp
      ? apps.receive(place, callOf(request, body, dependencies))
      : receive(place, callOf(request, body, dependencies), dependencies);
    const outcome = await answerWithin(answerWithinMs, received);
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

type Place = Awaited<ReturnType<typeof locateIncomingAddress>> | AppPlace;

/** Whose address it is. */
const locate = (request: Request, { database }: ApiDependencies): Promise<Place> =>
  database.withPlatform(async (work) => {
    const tokenHash = hashIn(request);
    return (await locateIncomingAddress(work, { tokenHash })) ?? locateAppAddress(work, { tokenHash });
  });

type Call = Omit<IncomingCall, 'now'>;

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
  place: Exclude<Place, AppPlace>,
  call: Call,
  dependencies: ApiDependencies,
): Promise<IncomingOutcome> {
  if (place === undefined) return REFUSED;
  const { tenantId, integrationId } = place;
  const noted = dependencies.database.withTenant(tenantId, async (work) => {
    const outcome = await outcomeOf(work, integrationId, call, dependencies);
    // A question whether the address is ours need not prove anything, so it counts as neither.
    if (outcome.kind !== 'answer')
      await noteIncomingCall(work, { integrationId, isRefused: outcome.kind === 'refused' });
    return outcome;
  });
  return (await unlessDeleted(noted)) ?? REFUSED;
}

async function outcomeOf(
  work: TenantWork,
  integrationId: string,
  call: Call,
  { connectors, encryption }: ApiDependencies,
): Promise<IncomingOutcome> {
  const address = await findIncomingAddress(work, { integrationId });
  const integration = await findIntegration(work, { integrationId });
  if (address === undefined || integration === undefined) return REFUSED;
  const connector = connectors[integration.connector];
  const config = connector?.configSchema.safeParse(integration.config);
  const incoming = config?.success ? connector?.incoming?.(config.data) : undefined;
  if (incoming === undefined) return REFUSED;
  const secret =
    address.secret === null
      ? null
      : await encryption.open(work, incomingSecretLocation(integrationId), address.secret);
  const outcome = incoming.receive({ ...call, now: work.now }, secret);
  if (outcome.kind !== 'records') return outcome;
  const pulled = pulledRecordTypes(integration);
  const changes = outcome.records.filter(({ recordType }) => pulled.includes(recordType));
  await addIncomingChanges(work, { integrationId, changes });
  return outcome;
}
