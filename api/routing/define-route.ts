/**
 * A route is data: schemas in, one call, shapes out. The same declaration registers the express route, the OpenAPI operation and the
 * audit row. Who may call it stands in `access.ts`.
 */
import type { z } from 'zod';
import type { TenantWork, Work } from '../../db/database';
import type { Operation } from '../../db/notifications/operations';
import type { JsonObject } from '../../domain/json';
import type { Caller, ConsoleContext, PlatformCaller, RequestContext, TenantCaller } from './context';
import type { ErrorCode } from '../http/error-codes';
import type { ProblemDetail } from '../http/http-error';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export const BODY_BYTES_MAX = 256 * 1_024;

/** Thrown by the route that makes tenants when the id it was given exists already. */
export class TenantIdTaken extends Error {}

/** What a route answers with, by status. `null`: no body. */
export interface AnswerDeclaration {
  description: string;
  schema: z.ZodType | null;
  /** `application/json` unless given. */
  mediaType?: string;
  /** Names of headers beside the common ones, with their meaning. */
  headers?: Readonly<Record<string, string>>;
  /** Those that are not always there. */
  optionalHeaders?: Readonly<Record<string, string>>;
}
type Answers = Readonly<Record<number, AnswerDeclaration>>;

/** What was done, for the audit log: null when nothing was (a preview, a replay). */
export interface Audited {
  target: string | null;
  detail: JsonObject;
}

type BodyOf<Declared extends AnswerDeclaration> = Declared['schema'] extends z.ZodType
  ? { body: z.output<Declared['schema']> }
  : { body?: undefined };
export type AnswerOf<A extends Answers> = {
  [Status in keyof A & number]: {
    status: Status;
    headers?: Record<string, string>;
    audit?: Audited | null;
  } & BodyOf<A[Status]>;
}[keyof A & number];

/** An answer after the types are forgotten. */
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  audit?: Audited | null;
}

/** The parsed request. */
export interface Input<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  /** `ETag`s of If-Match, as versions; undefined when the header is absent. */
  ifMatch: number | undefined;
  /** What the guard found inside the items of a batch (routes with `itemsAt` only). */
  itemIssues: readonly ProblemDetail[];
}

interface Declaration<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends Answers> {
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
  /** Shown in the API description where `body` leaves the items to be judged one by one. */
  bodyForDocument?: z.ZodType;
  bodyBytesMax?: number;
  /** A pointer to the list in the body whose items are judged one by one: what is wrong inside an item does not refuse the request. */
  itemsAt?: string;
  /** The route compares versions: it needs If-Match. */
  needsIfMatch?: boolean;
  answers: A;
  /** Beyond those that every route can answer. */
  problems?: readonly ErrorCode[];
  /** The audit log's name for what this route does; every route that changes something has one. */
  action?: string;
  /** The stored answer of an idempotent request holds a secret: it is kept sealed. */
  isAnswerSecret?: boolean;
}

export interface TenantContext extends RequestContext {
  caller: TenantCaller | PlatformCaller;
}

/** How a route is worked off: in the tenant's own transaction, in a tenant's that the platform names, in the platform's own, or across tenants. */
export type Performance =
  | {
      kind: 'tenant';
      run: (work: TenantWork, input: Input<never, never, never>, context: TenantContext) => Promise<Answer>;
    }
  | {
      kind: 'tenant_by_platform';
      tenantOf: (input: Input<never, never, never>) => string;
      run: (work: TenantWork, input: Input<never, never, never>, context: TenantContext) => Promise<Answer>;
    }
  | {
      kind: 'new_tenant';
      run: (work: TenantWork, input: Input<never, never, never>, context: TenantContext) => Promise<Answer>;
    }
  /** The platform's own, kept under its id, which is no tenant's. */
  | {
      kind: 'platform_own';
      run: (work: TenantWork, input: Input<never, never, never>, context: TenantContext) => Promise<Answer>;
    }
  | {
      kind: 'platform';
      run: (work: Work, input: Input<never, never, never>, context: TenantContext) => Promise<Answer>;
    }
  /** Needs no transaction. */
  | { kind: 'plain'; run: (input: Input<never, never, never>, context: RequestContext) => Promise<Answer> }
  /** Needs a transaction first and something slower, outside the database, after its commit. */
  | {
      kind: 'tenant_then';
      run: (
        work: TenantWork,
        input: Input<never, never, never>,
        context: TenantContext,
      ) => Promise<{ audit: Audited; afterCommit: () => Promise<Answer> }>;
    }
  /** Begins what somebody waits for up to a minute (`operation.ts`). */
  | {
      kind: 'operation';
      begin: (
        work: TenantWork,
        input: Input<never, never, never>,
        context: TenantContext,
      ) => Promise<BegunOperation>;
      show: (work: TenantWork, operation: Operation) => Promise<object>;
    }
  /** Opens, reads or ends the browser's session, and opens its own transactions: passwords take longer than one should stay open. */
  | { kind: 'console'; run: (input: Input<never, never, never>, context: ConsoleContext) => Promise<Answer> }
  /** Answers by itself, piece by piece. */
  | { kind: 'streaming'; open: (exchange: StreamingExchange) => Promise<void> };

export interface BegunOperation {
  operationId: string;
  audit: Audited;
}

export interface StreamingExchange {
  caller: Caller;
  /** False once the key or the session that was admitted is no longer good. */
  isStillAllowed: () => Promise<boolean>;
  query: never;
  request: import('express').Request;
  response: import('express').Response;
}

export type Route = Omit<Declaration<z.ZodType, z.ZodType, z.ZodType, Answers>, never> & {
  performance: Performance;
};

type Run<W, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends Answers> = (
  work: W,
  input: Input<z.output<P>, z.output<Q>, z.output<B>>,
  context: TenantContext,
) => Promise<AnswerOf<NoInfer<A>>>;

// The types of a declaration hold between its schemas and its `run`; registered, a route is only data.
const erase = (declaration: object, performance: object): Route => ({ ...declaration, performance }) as Route;

/** Works in the caller's tenant, in one transaction: what `run` throws leaves no trace. */
export function tenantRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  const A extends Answers,
>({ run, ...declaration }: Declaration<P, Q, B, A> & { run: Run<TenantWork, P, Q, B, A> }): Route {
  return erase(declaration, { kind: 'tenant', run });
}

/** The platform key works in the tenant that `tenantOf` names; one that does not exist is answered 404. */
export function tenantRouteForPlatform<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  const A extends Answers,
>({
  run,
  tenantOf,
  ...declaration
}: Declaration<P, Q, B, A> & {
  tenantOf: (input: { params: z.output<P> }) => string;
  run: Run<TenantWork, P, Q, B, A>;
}): Route {
  return erase(declaration, { kind: 'tenant_by_platform', tenantOf, run });
}

/** The platform key makes a tenant: `work` is already that of the new one. */
export function newTenantRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  const A extends Answers,
>({ run, ...declaration }: Declaration<P, Q, B, A> & { run: Run<TenantWork, P, Q, B, A> }): Route {
  return erase(declaration, { kind: 'new_tenant', run });
}

/** The platform key works on what the platform has of its own, such as endpoints that are told of all tenants. */
export function platformOwnRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  const A extends Answers,
>({ run, ...declaration }: Declaration<P, Q, B, A> & { run: Run<TenantWork, P, Q, B, A> }): Route {
  return erase(declaration, { kind: 'platform_own', run });
}

/** Reads across tenants what finds a tenant. */
export function platformRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  const A extends Answers,
>({ run, ...declaration }: Declaration<P, Q, B, A> & { run: Run<Work, P, Q, B, A> }): Route {
  return erase(declaration, { kind: 'platform', run });
}

/** Answers from memory. */
export function plainRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  const A extends Answers,
>({
  run,
  ...declaration
}: Declaration<P, Q, B, A> & {
  run: (
    input: Input<z.output<P>, z.output<Q>, z.output<B>>,
    context: RequestContext,
  ) => Promise<AnswerOf<NoInfer<A>>>;
}): Route {
  return erase(declaration, { kind: 'plain', run });
}

/** Checks and notes in a transaction, then does what must not keep one open, such as asking Temporal. */
export function tenantRouteThen<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  const A extends Answers,
>({
  run,
  ...declaration
}: Declaration<P, Q, B, A> & {
  run: (
    work: TenantWork,
    input: Input<z.output<P>, z.output<Q>, z.output<B>>,
    context: TenantContext,
  ) => Promise<{ audit: Audited; afterCommit: () => Promise<AnswerOf<NoInfer<A>>> }>;
}): Route {
  return erase(declaration, { kind: 'tenant_then', run });
}

/** Accepts work in a transaction and waits for its end for up to a minute: `show` is what both 200 and 202 say. */
export function operationRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  Shown extends z.ZodType,
>({
  begin,
  show,
  ...declaration
}: Declaration<
  P,
  Q,
  B,
  { 200: AnswerDeclaration & { schema: Shown }; 202: AnswerDeclaration & { schema: Shown } }
> & {
  begin: (
    work: TenantWork,
    input: Input<z.output<P>, z.output<Q>, z.output<B>>,
    context: TenantContext,
  ) => Promise<BegunOperation>;
  show: (work: TenantWork, operation: Operation) => Promise<z.output<NoInfer<Shown>>>;
}): Route {
  return erase(declaration, { kind: 'operation', begin, show });
}

/** Signs people in and out, with the browser's session at hand; served under /console/v1 alone. */
export function consoleRoute<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  const A extends Answers,
>({
  run,
  ...declaration
}: Declaration<P, Q, B, A> & {
  run: (
    input: Input<z.output<P>, z.output<Q>, z.output<B>>,
    context: ConsoleContext,
  ) => Promise<AnswerOf<NoInfer<A>>>;
}): Route {
  return erase(declaration, { kind: 'console', run });
}

/** Keeps the response and writes to it for as long as it likes. */
export function streamingRoute<P extends z.ZodType, Q extends z.ZodType, const A extends Answers>({
  open,
  ...declaration
}: Declaration<P, Q, z.ZodType, A> & {
  open: (exchange: Omit<StreamingExchange, 'query'> & { query: z.output<Q> }) => Promise<void>;
}): Route {
  return erase(declaration, { kind: 'streaming', open });
}
