/**
 * The API description (OpenAPI 3.1), generated from the route declarations, so it always matches the checks
 * at run time.
 */
import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type ResponseConfig,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { EVENT_CATALOGUE, EVENT_TYPES, type EventType } from '../../domain/event-catalogue';
import { API_VERSION, DESCRIPTION, TAGS } from './openapi-texts';
import { type Access, isConsoleOnly, permissionOf } from './route-permissions';
import { ERROR_CODES, type ErrorCode } from '../errors/error-codes';
import { toTypeId } from '../../db/sql/ids';
import { type Route } from './define-route';
import { isList } from './list-slots';
import { EVENT_SCHEMAS, exampleOf } from '../webhooks/event-schema';
import { problemView } from './problem';
import { PRINTABLE_HEADER } from '../http/parse';

const WEBHOOKS_TAG = 'Webhooks';

export function createOpenapi(routes: readonly Route[], { publicUrl }: { publicUrl: string }): object {
  const registry = new OpenAPIRegistry();
  registerSecuritySchemes(registry);
  for (const route of routes) registry.registerPath(toOperation(route));
  for (const type of EVENT_TYPES) registry.registerWebhook(toWebhook(type));
  const tags = [...new Set([...routes.map(({ tag }) => tag), WEBHOOKS_TAG])].map((name) => ({
    name,
    description: TAGS[name] ?? name,
  }));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Syncline',
      version: API_VERSION,
      description: DESCRIPTION,
      license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' },
    },
    servers: [{ url: publicUrl }],
    tags,
  });
}

function registerSecuritySchemes(registry: OpenAPIRegistry): void {
  registry.registerComponent('securitySchemes', 'tenantKey', {
    type: 'http',
    scheme: 'bearer',
    description: "A tenant's API key: `syncline_live_…`.",
  });
  registry.registerComponent('securitySchemes', 'platformKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'The key of the team that runs Syncline.',
  });
  registry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-syncline',
    description: 'Set by signing in to the console.',
  });
}

/** An event that receivers get, in OpenAPI's section `webhooks`. */
function toWebhook(type: EventType): RouteConfig {
  const { title, when } = EVENT_CATALOGUE[type];
  const headers = z.object({
    'webhook-id': z.string().meta({
      description:
        'The id of the event. It is the same on every attempt, so receivers can ignore repeated events.',
      example: exampleOf(type).id,
    }),
    'webhook-timestamp': z
      .string()
      .meta({ description: 'The time of this attempt, in seconds since 1970.', example: '1795253400' }),
    'webhook-signature': z.string().meta({
      description: 'Standard Webhooks: one `v1,…` for each active secret, separated by spaces.',
    }),
  });
  return {
    method: 'post',
    path: type,
    operationId: `receive${type}`,
    tags: [WEBHOOKS_TAG],
    summary: title,
    description: when,
    security: [],
    request: {
      headers,
      body: {
        required: true,
        content: { 'application/json': { schema: EVENT_SCHEMAS[type], example: exampleOf(type) } },
      },
    },
    responses: {
      '2XX': { description: 'Received. Respond within 15 seconds and process the event afterwards.' },
      '410': { description: 'The receiver is gone. The endpoint is disabled.' },
      default: { description: 'The delivery is retried: ten attempts in about three days.' },
    },
  };
}

function toOperation(route: Route): RouteConfig {
  const access = permissionOf(route);
  const body = route.bodyForDocument ?? route.body;
  const headers = headersOf(route, access);
  return {
    method: route.method,
    path: route.path,
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, accessNote(route, access)].filter(Boolean).join('\n\n'),
    security: access === 'public' ? [] : [securityOf(route, access)],
    request: {
      ...(route.params === undefined ? {} : { params: route.params as z.ZodObject }),
      ...(route.query === undefined ? {} : { query: route.query as z.ZodObject }),
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined
        ? {}
        : { body: { required: !isOptional(body), content: { 'application/json': { schema: body } } } }),
    },
    responses: { ...responsesOf(route), ...problemsOf(route, access) },
  };
}

function securityOf(route: Route, access: Access): Record<string, string[]> {
  if (isConsoleOnly(route.path)) return { session: [] };
  return access === 'platform' ? { platformKey: [] } : { tenantKey: [] };
}

function accessNote(route: Route, access: Access): string {
  if (access === 'public') return '';
  if (isConsoleOnly(route.path))
    return access === 'platform'
      ? 'For operators who are signed in to the console with the platform key.'
      : 'For users who are signed in to the console.';
  return access === 'platform'
    ? 'Needs the platform key.'
    : access === 'admin'
      ? 'Needs the role admin.'
      : `Needs the role ${access} or a higher one.`;
}

function isOptional(body: z.ZodType): boolean {
  return body.safeParse({}).success;
}

function headersOf(route: Route, access: Access): z.ZodObject | undefined {
  const idempotencyKey = z.string().min(1).max(255).regex(PRINTABLE_HEADER).optional().meta({
    description: 'Identifies this request, so that a repeated request has no second effect. Use a UUID.',
  });
  const ifMatch = z
    .string()
    .meta({ description: 'The ETag of the version on which the change is based.', example: '"3"' });
  const lastEventId = z.string().optional().meta({ description: 'The id of the last event received.' });
  const actingAs = z
    .string()
    .optional()
    .meta({
      description: 'The person of the tenant for whom the key acts.',
      example: toTypeId('psn', '01980f5c-0000-7000-8000-000000000001'),
    });
  const isForTenantKeys = access !== 'public' && access !== 'platform' && !isConsoleOnly(route.path);
  const headers = {
    ...(isForTenantKeys ? { 'Syncline-Acting-As': actingAs } : {}),
    ...(route.method === 'post' && route.scope !== 'console' ? { 'Idempotency-Key': idempotencyKey } : {}),
    ...(route.needsIfMatch === true ? { 'If-Match': ifMatch } : {}),
    ...(route.path === '/v1/stream' ? { 'Last-Event-ID': lastEventId } : {}),
  };
  return Object.keys(headers).length === 0 ? undefined : z.object(headers);
}

function responsesOf(route: Route): Record<string, ResponseConfig> {
  return Object.fromEntries(
    Object.entries(route.responses).map(
      ([status, { description, schema, headers, optionalHeaders, mediaType }]) => [
        status,
        {
          description,
          ...(schema === null ? {} : { content: { [mediaType ?? 'application/json']: { schema } } }),
          ...(headers === undefined && optionalHeaders === undefined
            ? {}
            : {
                headers: z.object({
                  ...toHeaders(headers),
                  ...z.object(toHeaders(optionalHeaders)).partial().shape,
                }),
              }),
        },
      ],
    ),
  );
}

function toHeaders(meanings: Readonly<Record<string, string>> = {}): Record<string, z.ZodString> {
  return Object.fromEntries(
    Object.entries(meanings).map(([name, description]) => [name, z.string().meta({ description })]),
  );
}

/** The errors that a route can return beside its own; they follow from its declaration. */
function problemCodesOf(route: Route, access: Access): ErrorCode[] {
  const takesBody = route.method !== 'get';
  return [
    'invalid_query',
    ...(route.params === undefined ? [] : (['invalid_path'] as const)),
    ...(takesBody
      ? ([
          'malformed_json',
          'unacceptable_json',
          'invalid_body',
          'body_too_large',
          'unsupported_media_type',
        ] as const)
      : []),
    ...(route.method === 'post' && route.scope !== 'console'
      ? (['invalid_header', 'idempotency_key_in_use', 'idempotency_key_reused'] as const)
      : []),
    ...(route.needsIfMatch === true ? (['precondition_required', 'precondition_failed'] as const) : []),
    ...(access === 'public' && !isConsoleOnly(route.path)
      ? []
      : (['too_many_requests', 'database_unavailable', 'database_read_only', 'connector_faulty'] as const)),
    ...(access === 'public' ? [] : ([isConsoleOnly(route.path) ? 'not_signed_in' : 'unauthorized'] as const)),
    ...(isConsoleOnly(route.path) && takesBody ? (['cross_site_request'] as const) : []),
    ...(access === 'operator' || access === 'admin' ? (['role_insufficient'] as const) : []),
    ...(access === 'platform' && !isConsoleOnly(route.path) ? (['platform_key_required'] as const) : []),
    ...(access === 'public' || access === 'platform' || isConsoleOnly(route.path)
      ? []
      : (['tenant_key_required', 'acting_as_refused'] as const)),
    ...(route.scope === 'tenant' && isList(route) ? (['too_many_lists'] as const) : []),
    ...('tenantOf' in route ? (['tenant_not_found', 'tenant_deleted'] as const) : []),
    'method_not_allowed',
    'bad_request',
    'request_timeout',
    'header_too_large',
    'internal_error',
    ...(route.problems ?? []),
  ];
}

function problemsOf(route: Route, access: Access): Record<string, ResponseConfig> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(problemCodesOf(route, access))) {
    const { status } = ERROR_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `\`${code}\`: ${ERROR_CODES[code].title}`).join('. '),
        content: { 'application/problem+json': { schema: problemView } },
      },
    ]),
  );
}
