/** The API description, made of the same declarations that serve it: it cannot drift from what is checked. */
import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type ResponseConfig,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { EVENT_CATALOGUE, EVENT_TYPES, type EventType } from '../../domain/webhooks/event-catalogue';
import { type Access, ACCESS, isConsoleOnly } from './route-permissions';
import { ERROR_CODES, type ErrorCode } from '../http/error-codes';
import { toTypeId } from '../../db/sql/ids';
import type { Route } from './define-route';
import { EVENT_SCHEMAS, exampleOf } from '../webhooks/event-schema';
import { problemView } from './problem';

const DESCRIPTION = [
  'Keeps your records in step with other systems. Post changes of records; each integration pushes them after its grace period. What third parties hold is read every hour, every night, and when asked for.',
  '',
  'Within v1 only additions are made: ignore fields, values and event topics you do not know.',
  '',
  '- Ids say what they are of (`int_…`). Instants are RFC 3339 in UTC.',
  '- Lists answer `{data, next_cursor}`; go on until `next_cursor` is null.',
  '- Errors are problem details (RFC 9457); `code` is permanent, and `type` leads to a page about it.',
  '- Send an `Idempotency-Key` with a POST: the same request again gets the same answer and has no second effect, for 24 hours.',
  '- A key may act for a person of its tenant: `Syncline-Acting-As: psn_…`. It can do no more than that person then, and what it does is theirs.',
  '- What takes a tenant key under `/v1` is served a second time under `/console/v1` to who is signed in to the console there; keys count for nothing there, and the cookie for nothing here.',
].join('\n');

const TAGS: Readonly<Record<string, string>> = {
  Operations: 'For whoever runs the service. No key is needed.',
  Tenants: 'Customers of the team that runs Syncline. Made with the platform key.',
  People: 'Who may sign in to the console of a tenant, and as what.',
  Console: 'Signing in and out. With a cookie, for pages of the console; programs use keys.',
  'API keys': "A tenant's keys. Each is shown once.",
  Connectors: 'What can be linked.',
  Integrations: "A tenant's links to third parties: settings, mappings, credentials.",
  Records: 'Changes of records, one by one or in batches, and what became of them.',
  'Record syncs': 'The state of each pair of record and integration, and what people can do about it.',
  'Sync runs':
    'Reading what third parties hold: who or what started it, how far it is, what it changed, what it could not keep. Kept for ever.',
  'Sync schedules': 'When integrations are read by themselves, and the ticks that could not have their run.',
  Onboarding:
    'From linking until what is there has been read: until then records of those types can be read but not changed.',
  'Sync status': 'How many records both sides hold.',
  Metadata: "The third parties' record types, fields and picklists, and what changed in them.",
  'Sync conflicts': 'What was changed on both sides, or could not be told apart.',
  'Deletion reviews': 'Too many records were gone at once: nothing is deleted here until somebody decides.',
  'Push log': 'What was sent, why, by whose change, and what came of it.',
  Events: 'What happened, to be read in order. The same is sent to webhook endpoints.',
  'Webhook endpoints': 'Where events are posted to, signed. docs/webhooks.md is the guide for receivers.',
  'Webhook deliveries': 'What went out, attempt by attempt, and sending it again.',
  Webhooks:
    'What is posted to webhook endpoints. Events can gain fields, and types be added: ignore what you do not know.',
  Notifications: 'What needs a person.',
  'Audit log': 'Who changed what.',
  Stream: 'What happens, as it happens.',
  'Time zones': 'Names that a tenant can choose from.',
};

const WEBHOOKS_TAG = 'Webhooks';

export function createOpenapi(
  routes: readonly Route[],
  { publicUrl, version }: { publicUrl: string; version: string },
): object {
  const registry = new OpenAPIRegistry();
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
    description: 'Given by signing in to the console.',
  });
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
      version,
      description: DESCRIPTION,
      license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' },
    },
    servers: [{ url: publicUrl }],
    tags,
  });
}

/** What a receiver is sent, as an operation of its own. */
function toWebhook(type: EventType): RouteConfig {
  const { title, when } = EVENT_CATALOGUE[type];
  const headers = z.object({
    'webhook-id': z.string().meta({
      description: "The event's id, the same on every attempt: what was seen before can be dropped.",
      example: exampleOf(type).id,
    }),
    'webhook-timestamp': z
      .string()
      .meta({ description: 'When this attempt was made, in seconds since 1970.', example: '1795253400' }),
    'webhook-signature': z.string().meta({
      description: 'Standard Webhooks: one `v1,…` for each secret that is good, separated by spaces.',
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
      '2XX': { description: 'Received. Answer within 15 seconds, and work on it afterwards.' },
      '410': { description: 'The endpoint is not wanted any more: it is switched off.' },
      default: { description: 'Tried again, ten times in all over about three days.' },
    },
  };
}

function toOperation(route: Route): RouteConfig {
  const access = ACCESS[`${route.method.toUpperCase()} ${route.path}`] as Access;
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
    responses: { ...answersOf(route), ...problemsOf(route, access) },
  };
}

function securityOf(route: Route, access: Access): Record<string, string[]> {
  if (isConsoleOnly(route.path)) return { session: [] };
  return access === 'platform' ? { platformKey: [] } : { tenantKey: [] };
}

function accessNote(route: Route, access: Access): string {
  if (access === 'public') return '';
  if (isConsoleOnly(route.path)) return 'For who is signed in to the console.';
  return access === 'platform' ? 'Needs the platform key.' : `Needs a key with the role ${access} or more.`;
}

function isOptional(body: z.ZodType): boolean {
  return body.safeParse({}).success;
}

function headersOf(route: Route, access: Access): z.ZodObject | undefined {
  const idempotencyKey = z.string().min(1).max(255).optional().meta({
    description: 'Names this request, so that repeating it has no second effect. A UUID is a good one.',
  });
  const ifMatch = z
    .string()
    .meta({ description: 'The ETag of what the change was made on.', example: '"3"' });
  const lastEventId = z
    .string()
    .optional()
    .meta({ description: 'The id of the last event that was received.' });
  const actingAs = z
    .string()
    .optional()
    .meta({
      description: 'The person of the tenant whom the key acts for.',
      example: toTypeId('psn', '01980f5c-0000-7000-8000-000000000001'),
    });
  const isForTenantKeys = access !== 'public' && access !== 'platform' && !isConsoleOnly(route.path);
  const headers = {
    ...(isForTenantKeys ? { 'Syncline-Acting-As': actingAs } : {}),
    ...(route.method === 'post' && route.performance.kind !== 'console'
      ? { 'Idempotency-Key': idempotencyKey }
      : {}),
    ...(route.needsIfMatch === true ? { 'If-Match': ifMatch } : {}),
    ...(route.performance.kind === 'streaming' ? { 'Last-Event-ID': lastEventId } : {}),
  };
  return Object.keys(headers).length === 0 ? undefined : z.object(headers);
}

function answersOf(route: Route): Record<string, ResponseConfig> {
  return Object.fromEntries(
    Object.entries(route.answers).map(
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

/** What a route can answer besides its own: follows from how it is called. */
export function problemCodesOf(route: Route, access: Access): ErrorCode[] {
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
    ...(route.method === 'post' && route.performance.kind !== 'console'
      ? (['invalid_header', 'idempotency_key_in_use', 'idempotency_key_reused'] as const)
      : []),
    ...(route.needsIfMatch === true ? (['precondition_required', 'precondition_failed'] as const) : []),
    ...(access === 'public' && !isConsoleOnly(route.path)
      ? []
      : (['too_many_requests', 'database_unavailable', 'database_read_only'] as const)),
    ...(access === 'public' ? [] : ([isConsoleOnly(route.path) ? 'not_signed_in' : 'unauthorized'] as const)),
    ...(isConsoleOnly(route.path) && takesBody ? (['cross_site_request'] as const) : []),
    ...(access === 'public' || access === 'viewer' ? [] : (['role_insufficient'] as const)),
    ...(access === 'platform' ? (['platform_key_required'] as const) : []),
    ...(access === 'public' || access === 'platform' || isConsoleOnly(route.path)
      ? []
      : (['tenant_key_required', 'acting_as_refused'] as const)),
    ...(route.performance.kind === 'tenant_by_platform' ? (['tenant_not_found'] as const) : []),
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
