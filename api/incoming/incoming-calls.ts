/**
 * Where third parties send their webhooks: below /v1/incoming, without a key. The address is a secret, and
 * each call has to prove where it comes from. A call is only noted; a workflow reads the records later.
 */
import { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import type { IncomingOutcome } from '../../connectors/incoming';
import { type TenantWork, unlessDeleted } from '../../db/database';
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

/** Third parties join up to some hundred events in a call. */
const BODY_BYTES_MAX = 1_024 * 1_024;
const CALLS_PER_SECOND = 50;

const REFUSED: IncomingOutcome = { kind: 'refused' };

export function createIncomingCalls(dependencies: ApiDependencies): Router {
  const { answerWithinMs } = dependencies.config;
  const router = Router({ caseSensitive: true, strict: true });
  const limitFailures = limitFailedAuthentications();
  const run = async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const body = await readBytes(request, BODY_BYTES_MAX);
    const outcome = await answerWithin(answerWithinMs, receive(request, body, dependencies));
    if (outcome.kind !== 'refused') return answer(response, outcome);
    await limitFailures(request, response, (error?: unknown) =>
      next(error ?? new HttpError('incoming_call_refused')),
    );
  };
  const handle: RequestHandler = (request, response, next) => void run(request, response, next).catch(next);
  const tokenOf = (request: Request) => hashOfToken(String(request.params['token'])).toString('base64');
  router.all('/:token', limitRequestsPerKey(CALLS_PER_SECOND, tokenOf), handle);
  return router;
}

function answer(response: Response, outcome: Exclude<IncomingOutcome, { kind: 'refused' }>): void {
  if (outcome.kind === 'records') response.status(200).end();
  else response.status(200).type(outcome.mediaType).send(outcome.text);
}

async function receive(
  request: Request,
  body: Buffer,
  dependencies: ApiDependencies,
): Promise<IncomingOutcome> {
  const { database } = dependencies;
  const tokenHash = hashOfToken(String(request.params['token']));
  const place = await database.withPlatform((work) => locateIncomingAddress(work, { tokenHash }));
  if (place === undefined) return REFUSED;
  const { tenantId, integrationId } = place;
  const noted = database.withTenant(tenantId, async (work) => {
    const outcome = await outcomeOf(work, integrationId, { request, body }, dependencies);
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
  { request, body }: { request: Request; body: Buffer },
  { connectors, encryption, config: { publicUrl } }: ApiDependencies,
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
  const { method, originalUrl } = request;
  const call = { method, url: publicUrl + originalUrl, headers: headersOf(request), body, now: work.now };
  const outcome = incoming.receive(call, secret);
  if (outcome.kind !== 'records') return outcome;
  const pulled = pulledRecordTypes(integration);
  const changes = outcome.records.filter(({ recordType }) => pulled.includes(recordType));
  await addIncomingChanges(work, { integrationId, changes });
  return outcome;
}

const headersOf = ({ headersDistinct }: Request): Record<string, readonly string[]> =>
  Object.fromEntries(Object.entries(headersDistinct).map(([name, values]) => [name, values ?? []]));
