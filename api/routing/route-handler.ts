/**
 * Executes a route: parses and checks the request, opens one transaction, writes the audit entry and the
 * idempotent response in it, and responds. Nothing is sent before the commit.
 */
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import { findTenant } from '../../db/tenants/tenants';
import type { RouteServices } from '../dependencies';
import { answerWithin } from '../http/deadline';
import { HttpError, type ProblemDetail } from '../http/http-error';
import { type JsonBody, readJsonBody } from '../http/json-body';
import { parseWith, readIfMatch } from '../http/parse';
import { readQuery } from '../http/url-guard';
import { auditRequest } from './audit';
import type { Caller } from './caller';
import type { RequestContext, TenantContext } from './context';
import {
  BODY_BYTES_MAX,
  type Route,
  type RouteInput,
  type RouteOf,
  type RouteResponse,
} from './define-route';
import {
  createWithDerivedTenantId,
  findEarlierResponse,
  type Idempotency,
  readIdempotency,
  storeResponse,
} from './idempotency';
import { isList } from './list-slots';
import { followOperation } from './long-running';

const NO_FIELDS = z.strictObject({});

/** One request to one route. */
interface RouteCall<R extends Route = Route> {
  route: R;
  input: RouteInput;
  requestContext: RequestContext;
  idempotency: Idempotency | undefined;
  services: RouteServices;
}

export function serveRoute(
  route: Route,
  services: RouteServices,
  contextOf: (request: Request) => RequestContext,
): RequestHandler {
  return async (request, response) => {
    const requestContext = contextOf(request);
    if (route.scope === 'stream') return openStream(route, services, requestContext, request, response);
    const body = await readJsonBody(request, route.bodyBytesMax ?? BODY_BYTES_MAX);
    const input = readInput(route, request, body);
    const isIdempotent = route.method === 'post' && route.scope !== 'console';
    const idempotency = isIdempotent ? readIdempotency(route, request, body) : undefined;
    const call = { route, input, requestContext, idempotency, services };
    sendResponse(response, await respondInTime(call, request, response));
  };
}

/** Routes that wait for something other than the database have a time limit of their own. */
async function respondInTime(call: RouteCall, request: Request, response: Response): Promise<RouteResponse> {
  const { route, services, requestContext } = call;
  if (route.scope === 'tenant_after_commit' || isAfterTrial(route)) return execute(call);
  const responding = answerWithin(
    services.config.answerWithinMs - requestContext.authenticationMs,
    execute(call),
  );
  return route.scope === 'operation'
    ? waitForOperation({ ...call, route }, await responding, request, response)
    : responding;
}

function sendResponse(response: Response, { status, headers, body }: RouteResponse): void {
  response.status(status);
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  if (body === undefined) response.end();
  else if (typeof body === 'string') response.send(body);
  else response.json(body);
}

async function openStream(
  route: RouteOf<'stream'>,
  services: RouteServices,
  { requestId, ip, caller, isStillAllowed }: RequestContext,
  request: Request,
  response: Response,
): Promise<void> {
  const query = parseWith(route.query ?? NO_FIELDS, readQuery(request.url), 'invalid_query');
  const params = parseWith(route.params ?? NO_FIELDS, request.params, 'invalid_path');
  const context = { requestId, ip, caller: caller as Caller, services, isStillAllowed, request, response };
  return route.open({ params, query }, context);
}

function readInput(route: Route, request: Request, body: JsonBody | undefined): RouteInput {
  const params = parseWith(route.params ?? NO_FIELDS, request.params, 'invalid_path');
  const query = parseWith(route.query ?? NO_FIELDS, readQuery(request.url), 'invalid_query');
  const isInItem = ({ pointer }: ProblemDetail) =>
    route.itemsAt !== undefined && pointer.startsWith(`${route.itemsAt}/`);
  const issues = body?.issues ?? [];
  const bodyIssues = issues.filter((issue) => !isInItem(issue));
  if (bodyIssues.length > 0) throw new HttpError('unacceptable_json', { errors: bodyIssues });
  const parsedBody = parseWith(route.body ?? NO_FIELDS, body?.value ?? {}, 'invalid_body');
  const ifMatch = readIfMatch(request.headers['if-match']);
  if (route.needsIfMatch === true && ifMatch === undefined) throw new HttpError('precondition_required');
  return { params, query, body: parsedBody, ifMatch, itemIssues: issues.filter(isInItem) };
}

async function execute(call: RouteCall): Promise<RouteResponse> {
  const { route, input, services, idempotency } = call;
  const context = tenantContextOf(call);
  switch (route.scope) {
    case 'plain':
      return route.run(input, context);
    case 'all_tenants':
      return services.database.withPlatform((work) => route.run(work, input, context));
    case 'tenant': {
      const tenantId = tenantIdOf(context);
      const read = () => inTransaction(call, tenantId, (work) => route.run(work, input, context));
      return isList(route) ? services.listSlots.run(tenantId, read) : read();
    }
    case 'platform':
      return inTransaction(call, PLATFORM_TENANT_ID, (work) => route.run(work, input, context));
    case 'named_tenant':
      return inTransaction(call, route.tenantOf({ params: input.params }), async (work) => {
        if ((await findTenant(work)) === undefined) throw new HttpError('tenant_not_found');
        return route.run(work, input, context);
      });
    case 'new_tenant': {
      const create = (tenantId: string) =>
        inTransaction(call, tenantId, (work) => route.run(work, input, context));
      return idempotency === undefined ? create(newUuid()) : createWithDerivedTenantId(idempotency, create);
    }
    case 'tenant_after_commit':
      return executeThenCallService({ ...call, route });
    case 'tenant_after_trial':
      return executeAfterTrial({ ...call, route }, tenantIdOf(context));
    case 'platform_after_trial':
      return executeAfterTrial({ ...call, route }, PLATFORM_TENANT_ID);
    case 'named_tenant_after_trial':
      return executeAfterTrial({ ...call, route }, route.tenantOf({ params: input.params }));
    case 'console':
      return executeWithSession({ ...call, route });
    case 'operation':
      return inTransaction(call, tenantIdOf(context), async (work) => {
        const { operationId, audit } = await route.start(work, input, context);
        return { status: 202, body: { operation_id: operationId }, audit };
      });
    case 'stream':
      throw new Error('A stream route writes its own response.');
  }
}

/** One transaction for the effect, its audit entry, and the response kept for a repeated request. */
async function inTransaction(
  call: RouteCall,
  tenantId: string,
  run: (work: TenantWork) => Promise<RouteResponse>,
): Promise<RouteResponse> {
  const { idempotency, services } = call;
  return services.database.withTenant(tenantId, async (work) => {
    const earlier =
      idempotency === undefined
        ? undefined
        : await findEarlierResponse(work, idempotency, services.encryption);
    if (earlier !== undefined) return earlier;
    const response = await run(work);
    if (response.audit !== undefined && response.audit !== null)
      await auditRequest(work, call.route, tenantContextOf(call), response.audit);
    if (idempotency !== undefined) await storeResponse(work, idempotency, response, services.encryption);
    return response;
  });
}

async function executeThenCallService(
  call: RouteCall<RouteOf<'tenant_after_commit'>>,
): Promise<RouteResponse> {
  const { route, input, services } = call;
  const context = tenantContextOf(call);
  const { afterCommit } = await services.database.withTenant(tenantIdOf(context), async (work) => {
    const prepared = await route.run(work, input, context);
    await auditRequest(work, route, context, prepared.audit);
    return prepared;
  });
  return afterCommit();
}

type TriedRoute = RouteOf<'tenant_after_trial' | 'platform_after_trial' | 'named_tenant_after_trial'>;

const isAfterTrial = ({ scope }: Route): boolean => scope.endsWith('_after_trial');

/** A repeated request gets the stored response and is not tried again. */
async function executeAfterTrial(call: RouteCall<TriedRoute>, tenantId: string): Promise<RouteResponse> {
  const { route, input, services, idempotency } = call;
  const context = tenantContextOf(call);
  const within = <T>(work: Promise<T>) => answerWithin(services.config.answerWithinMs, work);
  const prepared = await within(
    services.database.withTenant(tenantId, async (work) => {
      const earlier = idempotency && (await findEarlierResponse(work, idempotency, services.encryption));
      return earlier ?? route.prepare(work, input, context);
    }),
  );
  if (typeof prepared !== 'function') return prepared;
  const effect = await prepared();
  return within(inTransaction(call, tenantId, effect));
}

async function executeWithSession(call: RouteCall<RouteOf<'console'>>): Promise<RouteResponse> {
  const { route, input, services, requestContext } = call;
  const { session, requestId, ip, caller } = requestContext;
  if (session === undefined) throw new Error('A console route was served without a session.');
  return route.run(input, { session, requestId, ip, caller: caller ?? null, services });
}

/**
 * The operation was accepted; a repeated request with the same Idempotency-Key follows the same operation.
 */
async function waitForOperation(
  call: RouteCall<RouteOf<'operation'>>,
  accepted: RouteResponse,
  request: Request,
  response: Response,
): Promise<RouteResponse> {
  const { route, services, requestContext } = call;
  const { operation_id: operationId } = accepted.body as { operation_id: string };
  const prefix = requestContext.session === undefined ? '' : '/console';
  return followOperation({
    database: services.database,
    waitMaxMs: services.config.operationWaitMs,
    isDraining: () => services.readiness.isDraining(),
    tenantId: tenantIdOf(tenantContextOf(call)),
    operationId,
    readOutcome: (work, operation) => route.readOutcome(work, operation),
    request,
    response,
    location: `${prefix}/v1/operations/${toTypeId('opr', operationId)}`,
  });
}

/** On public routes the caller is undefined; their functions do not use it. */
function tenantContextOf({ requestContext, services }: RouteCall): TenantContext {
  const { requestId, ip, caller } = requestContext;
  return { requestId, ip, services, caller: caller as Caller };
}

function tenantIdOf({ caller }: TenantContext): string {
  if (caller.kind !== 'tenant') throw new HttpError('tenant_key_required');
  return caller.tenantId;
}
