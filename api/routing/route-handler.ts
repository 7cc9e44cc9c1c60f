/**
 * Works a route off: reads and checks the request, opens the one transaction, keeps idempotency and the audit log in it, and answers.
 * Nothing is answered before the commit.
 */
import { createHash } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Database, TenantWork } from '../../db/database';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { claimIdempotencyKey, storeIdempotentAnswer } from '../../db/platform/idempotency';
import type { Encryption } from '../../db/platform/encryption';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import { findTenant } from '../../db/tenants/tenants';
import type { JsonObject } from '../../domain/json';
import type { BrowserSession } from '../auth/console-sessions';
import type { Caller, TenantCaller } from './context';
import { answerWithin } from '../http/deadline';
import { HttpError, type ProblemDetail } from '../http/http-error';
import { type JsonBody, readJsonBody } from '../http/json-body';
import { followOperation } from './long-running';
import { parseWith, readIdempotencyKey, readIfMatch } from '../http/parse';
import {
  type Answer,
  type Audited,
  BODY_BYTES_MAX,
  type Input,
  type Route,
  type TenantContext,
  TenantIdTaken,
} from './define-route';
import { readQuery } from '../http/url-guard';

export interface ServeDependencies {
  database: Database;
  encryption: Encryption;
  /** The process is about to stop: who waits is told to come back. */
  isDraining: () => boolean;
  /** A caller is answered 503 after this time, whatever hangs behind (rules.md R6). */
  answerWithinMs: number;
}

/** What an authenticated request carries on its way through express. */
export interface Exchange {
  requestId: string;
  ip: string | null;
  caller: Caller | undefined;
  /** The browser's, on the console's routes. */
  session: BrowserSession | undefined;
  isStillAllowed: () => Promise<boolean>;
  /** What finding the caller took: it counts against the time within which there is an answer. */
  admittedAfterMs: number;
}

type AnyInput = Input<never, never, never>;
const NO_FIELDS = z.strictObject({});

export function serveRoute(
  route: Route,
  dependencies: ServeDependencies,
  exchangeOf: (request: Request) => Exchange,
): RequestHandler {
  return async (request, response) => {
    const exchange = exchangeOf(request);
    const { performance } = route;
    if (performance.kind === 'streaming') {
      const query = parseWith(route.query ?? NO_FIELDS, readQuery(request.url), 'invalid_query') as never;
      return performance.open({
        caller: exchange.caller as Caller,
        isStillAllowed: exchange.isStillAllowed,
        query,
        request,
        response,
      });
    }
    const body = await readJsonBody(request, route.bodyBytesMax ?? BODY_BYTES_MAX);
    const input = readInput(route, request, body);
    const idempotency =
      route.method === 'post' && performance.kind !== 'console'
        ? toIdempotency(route, request, body)
        : undefined;
    const performing =
      performance.kind === 'operation'
        ? performOperation({
            route,
            performance,
            input,
            exchange,
            idempotency,
            dependencies,
            request,
            response,
          })
        : perform(route, input, exchange, idempotency, dependencies);
    // Whoever waits for more than the database has a limit of its own.
    const answer = await (performance.kind === 'tenant_then' || performance.kind === 'operation'
      ? performing
      : answerWithin(dependencies.answerWithinMs - exchange.admittedAfterMs, performing));

    response.status(answer.status);
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
    if (answer.body === undefined) response.end();
    else if (typeof answer.body === 'string') response.send(answer.body);
    else response.json(answer.body);
  };
}

function readInput(route: Route, request: Request, body: JsonBody | undefined): AnyInput {
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
  return {
    params,
    query,
    body: parsedBody,
    ifMatch,
    itemIssues: issues.filter(isInItem),
  } as unknown as AnyInput;
}

interface Idempotency {
  key: string;
  fingerprint: Buffer;
  isAnswerSecret: boolean;
}

function toIdempotency(route: Route, request: Request, body: JsonBody | undefined): Idempotency | undefined {
  const key = readIdempotencyKey(request.get('idempotency-key'));
  if (key === undefined) return undefined;
  const fingerprint = createHash('sha256')
    .update(`${request.method}\n${request.originalUrl}\n${body?.text ?? ''}`)
    .digest();
  return { key, fingerprint, isAnswerSecret: route.isAnswerSecret === true };
}

async function perform(
  route: Route,
  input: AnyInput,
  exchange: Exchange,
  idempotency: Idempotency | undefined,
  dependencies: ServeDependencies,
): Promise<Answer> {
  const { performance } = route;
  const { database } = dependencies;
  const context = { ...exchange, caller: exchange.caller } as TenantContext;
  switch (performance.kind) {
    case 'plain':
      return performance.run(input, context);
    case 'platform':
      return database.withPlatform((work) => performance.run(work, input, context));
    case 'tenant':
      return once(tenantIdOf(context), (work) => performance.run(work, input, context));
    case 'platform_own':
      return once(PLATFORM_TENANT_ID, (work) => performance.run(work, input, context));
    case 'tenant_by_platform':
      return once(performance.tenantOf(input), async (work) => {
        if ((await findTenant(work)) === undefined) throw new HttpError('tenant_not_found');
        return performance.run(work, input, context);
      });
    case 'new_tenant':
      return idempotency === undefined
        ? once(newUuid(), (work) => performance.run(work, input, context))
        : onceForNewTenant(idempotency, (tenantId) =>
            once(tenantId, (work) => performance.run(work, input, context)),
          );
    case 'tenant_then': {
      const tenantId = tenantIdOf(context);
      const { afterCommit } = await database.withTenant(tenantId, async (work) => {
        const prepared = await performance.run(work, input, context);
        await audit(work, prepared.audit);
        return prepared;
      });
      return afterCommit();
    }
    case 'console': {
      const { session, requestId, ip } = exchange;
      if (session === undefined) throw new Error('The route is served without a session.');
      return performance.run(input, {
        session,
        requestId,
        ip,
        caller: (exchange.caller as TenantCaller | undefined) ?? null,
      });
    }
    case 'operation':
      return once(tenantIdOf(context), async (work) => {
        const { operationId, audit: audited } = await performance.begin(work, input, context);
        return { status: 202, body: { operation_id: operationId }, audit: audited };
      });
    case 'streaming':
      throw new Error('A streaming route answers by itself.');
  }

  /** One transaction: the effect, its audit row, and the answer kept for a repetition. */
  async function once(tenantId: string, run: (work: TenantWork) => Promise<Answer>): Promise<Answer> {
    return database.withTenant(tenantId, async (work) => {
      const earlier =
        idempotency === undefined
          ? undefined
          : await findEarlierAnswer(work, idempotency, dependencies.encryption);
      if (earlier !== undefined) return earlier;
      const answer = await run(work);
      if (answer.audit !== undefined && answer.audit !== null) await audit(work, answer.audit);
      if (idempotency !== undefined) await keepAnswer(work, idempotency, answer, dependencies.encryption);
      return answer;
    });
  }

  async function audit(work: TenantWork, { target, detail }: Audited): Promise<void> {
    if (route.action === undefined)
      throw new Error(`${route.method} ${route.path} changes something and has no action for the audit log.`);
    await appendAuditEntry(work, {
      actor: context.caller.actor,
      action: route.action,
      target,
      detail: { ...detail, ...behind(context.caller) },
      ip: context.ip,
      requestId: context.requestId,
    });
  }
}

interface OperationRequest {
  route: Route;
  performance: Extract<Route['performance'], { kind: 'operation' }>;
  input: AnyInput;
  exchange: Exchange;
  idempotency: Idempotency | undefined;
  dependencies: ServeDependencies;
  request: Request;
  response: Response;
}

/** Accepted within the usual time, then followed; the same Idempotency-Key follows the same operation. */
async function performOperation({
  route,
  performance,
  input,
  exchange,
  idempotency,
  dependencies,
  request,
  response,
}: OperationRequest): Promise<Answer> {
  const { database, isDraining, answerWithinMs } = dependencies;
  const accepted = await answerWithin(
    answerWithinMs - exchange.admittedAfterMs,
    perform(route, input, exchange, idempotency, dependencies),
  );
  const { operation_id: operationId } = accepted.body as { operation_id: string };
  const tenantId = tenantIdOf({ ...exchange, caller: exchange.caller } as TenantContext);
  const door = exchange.session === undefined ? '' : '/console';
  const location = `${door}/v1/operations/${toTypeId('opr', operationId)}`;
  return followOperation({
    database,
    isDraining,
    tenantId,
    operationId,
    show: performance.show,
    request,
    response,
    location,
  });
}

/** Names are no proof of who it was: ids are. */
export function behind(caller: Caller): JsonObject {
  if (caller.kind === 'platform') return {};
  return {
    ...(caller.personId === null ? {} : { person: toTypeId('psn', caller.personId) }),
    ...(caller.apiKeyId === null ? { session: caller.publicId } : { api_key: caller.publicId }),
  };
}

function tenantIdOf({ caller }: TenantContext): string {
  if (caller.kind !== 'tenant') throw new HttpError('tenant_key_required');
  return caller.tenantId;
}

async function findEarlierAnswer(
  work: TenantWork,
  { key, fingerprint, isAnswerSecret }: Idempotency,
  encryption: Encryption,
): Promise<Answer | undefined> {
  const claim = await claimIdempotencyKey(work, { key, fingerprint });
  switch (claim.kind) {
    case 'first':
      return undefined;
    case 'in_flight':
      throw new HttpError('idempotency_key_in_use', { headers: { 'Retry-After': '1' } });
    case 'other_request':
      throw new HttpError('idempotency_key_reused');
    case 'answered': {
      const { body, headers } = (
        isAnswerSecret
          ? JSON.parse(await encryption.open(work, answerPlace(key), claim.response as string))
          : claim.response
      ) as Pick<Answer, 'body' | 'headers'>;
      return { status: claim.status, body, headers: { ...headers, 'Idempotent-Replayed': 'true' } };
    }
  }
}

async function keepAnswer(
  work: TenantWork,
  { key, fingerprint, isAnswerSecret }: Idempotency,
  { status, body, headers }: Answer,
  encryption: Encryption,
): Promise<void> {
  const kept = { body, headers: headers ?? {} };
  const response = isAnswerSecret
    ? await encryption.encrypt(work, answerPlace(key), JSON.stringify(kept))
    : kept;
  await storeIdempotentAnswer(work, { key, fingerprint, status, response });
}

function answerPlace(key: string) {
  return { table: 'idempotency_keys', rowId: key, column: 'response' };
}

/**
 * Idempotency keys belong to a tenant, and this request makes one: so the tenant's id follows from the key. Where a tenant
 * came from the same key more than 24 hours ago, the next id is tried.
 */
async function onceForNewTenant(
  { key }: Idempotency,
  create: (tenantId: string) => Promise<Answer>,
): Promise<Answer> {
  for (let round = 0; ; round += 1) {
    try {
      return await create(tenantIdFrom(key, round));
    } catch (error) {
      if (!(error instanceof TenantIdTaken)) throw error;
    }
  }
}

function tenantIdFrom(key: string, round: number): string {
  const hex = createHash('sha256').update(`tenant ${round} ${key}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
