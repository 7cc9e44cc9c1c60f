/**
 * A route is data: schemas, responses and one function. The same declaration registers the Express route, the
 * OpenAPI operation and the audit entry. `route-permissions.ts` says who may call it.
 */
import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { TenantWork, Work } from '../../db/database';
import type { Operation } from '../../db/notifications/operations';
import type { JsonObject } from '../../domain/json';
import type { ErrorCode } from '../errors/error-codes';
import type { ProblemDetail } from '../http/http-error';
import type { Caller } from './caller';
import type { ConsoleContext, RouteContext, TenantContext } from './context';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export const BODY_BYTES_MAX = 256 * 1_024;

/** Thrown by the route that creates tenants when a tenant with the derived id exists already. */
export class TenantIdTaken extends Error {}

/** One possible response of a route. `schema: null` means an empty body. */
interface ResponseDeclaration {
  description: string;
  schema: z.ZodType | null;
  /** `application/json` by default. */
  mediaType?: string;
  /** Headers beside the common ones: name and description. */
  headers?: Readonly<Record<string, string>>;
  /** Headers that are only sometimes present. */
  optionalHeaders?: Readonly<Record<string, string>>;
}
type Responses = Readonly<Record<number, ResponseDeclaration>>;

/** What the audit log records. Null where nothing changed, such as a preview. */
export interface AuditDetails {
  target: string | null;
  detail: JsonObject;
}

type BodyOf<Schema extends z.ZodType | null> = [Schema] extends [null]
  ? { body?: undefined }
  : [Schema] extends [z.ZodType]
    ? { body: z.output<Schema> }
    : { body?: unknown };
type ResponseOf<R extends Responses> = {
  [Status in keyof R & number]: {
    status: Status;
    headers?: Record<string, string>;
    audit?: AuditDetails | null;
  } & BodyOf<R[Status]['schema']>;
}[keyof R & number];

/** The response of any route. */
export type RouteResponse = ResponseOf<Responses>;

/** The parsed request. */
export interface RouteInput<Params = unknown, Query = unknown, Body = unknown> {
  params: Params;
  query: Query;
  body: Body;
  /** The version in If-Match; undefined when the header is absent. */
  ifMatch: number | undefined;
  /** Problems inside single items of a batch (routes with `itemsAt` only). */
  itemIssues: readonly ProblemDetail[];
}
type InputOf<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> = RouteInput<
  z.output<P>,
  z.output<Q>,
  z.output<B>
>;

interface Declaration<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends Responses> {
  method: Method;
  /** As OpenAPI writes it: `/v1/integrations/{integration_id}`. */
  path: string;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  params?: P;
  query?: Q;
  body?: B;
  /** The body in the OpenAPI document, where `body` leaves the items to be checked one by one. */
  bodyForDocument?: z.ZodType;
  bodyBytesMax?: number;
  /**
   * JSON Pointer to a list in the body whose items are checked one by one; an invalid item does not fail the
   * request.
   */
  itemsAt?: string;
  /** True if the request must carry If-Match. */
  needsIfMatch?: boolean;
  responses: R;
  /** Error codes beyond those that every route can return. */
  problems?: readonly ErrorCode[];
  /** The name of this action in the audit log; required on every route that changes something. */
  action?: string;
  /** True if the response holds a secret: a copy stored for an Idempotency-Key is then encrypted. */
  isResponseSecret?: boolean;
}

/** Runs in one transaction. If `run` throws, the transaction is rolled back. */
interface TransactionRoute<
  Scope extends string,
  W,
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends Declaration<P, Q, B, R> {
  scope: Scope;
  run(work: W, input: InputOf<P, Q, B>, context: TenantContext): Promise<ResponseOf<NoInfer<R>>>;
}

/**
 * Runs in the tenant that `tenantOf` names; answers 404 if that tenant does not exist. For the platform key.
 */
interface NamedTenantRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends TransactionRoute<'named_tenant', TenantWork, P, Q, B, R> {
  tenantOf(input: { params: z.output<P> }): string;
}

/** Needs no transaction, or opens its own. */
interface PlainRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends Declaration<P, Q, B, R> {
  scope: 'plain';
  run(input: InputOf<P, Q, B>, context: RouteContext): Promise<ResponseOf<NoInfer<R>>>;
}

/** Checks and audits in a transaction, then calls an external service after the commit. */
interface AfterCommitRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends Declaration<P, Q, B, R> {
  scope: 'tenant_after_commit';
  run(
    work: TenantWork,
    input: InputOf<P, Q, B>,
    context: TenantContext,
  ): Promise<{ audit: AuditDetails; afterCommit: () => Promise<ResponseOf<NoInfer<R>>> }>;
}

/**
 * Prepares the request in one transaction, waits for an external service outside of any transaction, and
 * applies the effect in a second one. In the caller's own tenant, in that of the platform, or in the one that
 * `tenantOf` names.
 */
interface TriedRoute<
  Scope extends string,
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends Declaration<P, Q, B, R> {
  scope: Scope;
  prepare(
    work: TenantWork,
    input: InputOf<P, Q, B>,
    context: TenantContext,
  ): Promise<() => Promise<(work: TenantWork) => Promise<ResponseOf<NoInfer<R>>>>>;
}

interface NamedTriedRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends TriedRoute<'named_tenant_after_trial', P, Q, B, R> {
  tenantOf(input: { params: z.output<P> }): string;
}

type OutcomeOf<R extends Responses> = R extends { 200: { schema: infer Schema extends z.ZodType } }
  ? z.output<Schema>
  : object;

/**
 * Accepts long-running work in a transaction, then waits for its end for up to a minute (`long-running.ts`).
 */
interface OperationRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends Declaration<P, Q, B, R> {
  scope: 'operation';
  start(work: TenantWork, input: InputOf<P, Q, B>, context: TenantContext): Promise<StartedOperation>;
  /** The body of both the 200 and the 202 response. */
  readOutcome(work: TenantWork, operation: Operation): Promise<OutcomeOf<NoInfer<R>>>;
}

/**
 * Signs users in and out with the browser's session; served under /console/v1 only. Opens its own
 * transactions, because hashing a password takes longer than a transaction should stay open.
 */
interface ConsoleRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends Declaration<P, Q, B, R> {
  scope: 'console';
  run(input: InputOf<P, Q, B>, context: ConsoleContext): Promise<ResponseOf<NoInfer<R>>>;
}

/** Writes to the response itself, for as long as the client stays connected. */
interface StreamRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends Responses,
> extends Declaration<P, Q, B, R> {
  scope: 'stream';
  open(input: { params: z.output<P>; query: z.output<Q> }, context: StreamContext): Promise<void>;
}

interface StartedOperation {
  operationId: string;
  audit: AuditDetails;
}

export interface StreamContext extends RouteContext {
  caller: Caller;
  /** False once the caller's key or session is no longer valid. */
  isStillAllowed: () => Promise<boolean>;
  request: Request;
  response: Response;
}

/**
 * `tenant`: the caller's own tenant. `named_tenant`, `new_tenant`: a tenant that the platform key names or
 * creates. `platform`: data that belongs to the platform itself. `all_tenants`: reads across tenants.
 */
type RouteDefinition<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends Responses> =
  | TransactionRoute<'tenant', TenantWork, P, Q, B, R>
  | TransactionRoute<'new_tenant', TenantWork, P, Q, B, R>
  | TransactionRoute<'platform', TenantWork, P, Q, B, R>
  | TransactionRoute<'all_tenants', Work, P, Q, B, R>
  | NamedTenantRoute<P, Q, B, R>
  | PlainRoute<P, Q, B, R>
  | AfterCommitRoute<P, Q, B, R>
  | TriedRoute<'tenant_after_trial' | 'platform_after_trial', P, Q, B, R>
  | NamedTriedRoute<P, Q, B, R>
  | OperationRoute<P, Q, B, R>
  | ConsoleRoute<P, Q, B, R>
  | StreamRoute<P, Q, B, R>;

export type Route = RouteDefinition<z.ZodType, z.ZodType, z.ZodType, Responses>;
export type RouteOf<Scope extends Route['scope']> = Extract<Route, { scope: Scope }>;

/** Checks at compile time that the function of a route fits its schemas and responses. */
export function defineRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  const R extends Responses,
>(route: RouteDefinition<P, Q, B, R>): Route {
  return route;
}
