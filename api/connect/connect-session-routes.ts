/** Connect sessions: a one-time link with which a person without an account links or re-links an app. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import {
  type ConnectSession,
  createConnectSession,
  endConnectSession,
  findConnectSession,
  listConnectSessions,
  stateOfConnectSession,
} from '../../db/integrations/connect/connect-sessions';
import { findConnectSettings } from '../../db/integrations/connect/connect-settings';
import { toTypeId } from '../../db/sql/ids';
import type { JsonObject } from '../../domain/json';
import { hashOfToken } from '../auth/person-tokens';
import { HttpError } from '../http/http-error';
import { checkIntegrationLimit, readNewIntegration } from '../integrations/integration-input';
import { newIntegration } from '../integrations/integration-schema';
import { requireIntegration } from '../integrations/integration-views';
import {
  idParam,
  instant,
  lineOfText,
  orNull,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { allowedReturnUrl } from './connect-origins';
import { dropUnfinished } from './connect-target';

const MINUTES_DEFAULT = 30;
const MINUTES_MAX = 24 * 60;
const tag = 'Connect sessions';
const path = '/v1/connect-sessions';

const session = z
  .object({
    id: typeId('cns'),
    state: z.enum(['open', 'in_progress', 'done', 'failed', 'expired', 'cancelled']).meta({
      id: 'ConnectSessionState',
      description:
        '`open`: nobody has opened the link. `in_progress`: a person has. `done`: the app accepted the ' +
        'sign-in, and the integration works. `failed`: it cannot be finished any more; see `problem`.',
    }),
    integration_id: typeId('int')
      .nullable()
      .meta({ description: 'The integration to reconnect, or the new one once the session is done.' }),
    is_reconnection: z.boolean(),
    person: z.string().nullable(),
    guidance: z.array(z.string()),
    return_url: z.string().nullable(),
    problem: orNull(
      z.object({ code: z.string(), message: z.string(), at: instant }).meta({ id: 'ConnectProblem' }),
    ).meta({ description: 'Why the last attempt did not work, as the person was told; null otherwise.' }),
    created_by: z.string(),
    created_at: instant,
    expires_at: instant,
    opened_at: instant.nullable(),
    finished_at: instant.nullable(),
  })
  .meta({ id: 'ConnectSession' });
const newSession = session
  .extend({
    link: z.string().meta({
      description: 'For the person who connects the app. It works once, and is shown only now.',
    }),
  })
  .meta({ id: 'NewConnectSession' });

const body = z.strictObject({
  integration_id: idParam('int', 'integration_not_found')
    .optional()
    .meta({ description: 'Reconnects this integration: it keeps its records, links and logs.' }),
  integration: newIntegration
    .omit({ credentials: true })
    .optional()
    .meta({ description: 'A new integration, which exists once the person has finished.' }),
  person: lineOfText(200)
    .optional()
    .meta({ description: 'Who gets the link, for your lists.', example: 'Ada of Example Ltd' }),
  guidance: z
    .array(lineOfText(500))
    .max(20)
    .default([])
    .meta({ description: 'Steps that the page shows, such as where to find a token. Plain text.' }),
  return_url: z
    .string()
    .max(2_000)
    .optional()
    .meta({
      description:
        'Where the page leads back to. Its origin must be one of `return_origins` of the connect settings; ' +
        '`/console/…` is a page of the console.',
      example: 'https://app.example.com/apps',
    }),
  expires_in_minutes: z
    .int()
    .min(1)
    .max(MINUTES_MAX)
    .default(MINUTES_DEFAULT)
    .meta({ description: `${MINUTES_DEFAULT} by default, at most ${MINUTES_MAX}.` }),
});
const params = z.strictObject({
  connect_session_id: idParam('cns', 'connect_session_not_found'),
});

export const connectSessionRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'post',
    path,
    operationId: 'createConnectSession',
    tag,
    summary: 'Create a link with which a person connects an app',
    description: [
      'The person needs no account in Syncline. The page shows what will be read and written, asks for the',
      'credentials or for consent, and checks that the app accepts them.',
      'INTEGRATION_CONNECTED follows when they have finished.',
    ].join(' '),
    body,
    responses: { 201: { description: 'The session with its link.', schema: newSession } },
    problems: [
      'integration_not_found',
      'too_many_integrations',
      'unknown_connector',
      'unknown_definition',
      'invalid_config',
      'invalid_mapping',
      'invalid_settings',
      'egress_refused',
      'return_url_refused',
    ],
    action: 'connect_session.created',
    isResponseSecret: true,
    run: create,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path,
    operationId: 'listConnectSessions',
    tag,
    summary: 'List the connect sessions of the last 30 days',
    query: z.strictObject(listParams),
    responses: { 200: { description: 'The newest first, without links.', schema: listOf(session) } },
    problems: ['invalid_cursor'],
    async run(work, { query }) {
      const scope = ['connect-sessions', work.tenantId];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listConnectSessions(work, { limit: limit + 1, before: after });
      const toItem = (row: ConnectSession) => toWire(row, work.now);
      return { status: 200, body: toPage(rows, limit, scope, (row) => row.connectSessionId, toItem) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${path}/{connect_session_id}`,
    operationId: 'showConnectSession',
    tag,
    summary: 'Show a connect session',
    params,
    responses: { 200: { description: 'The session, without its link.', schema: session } },
    problems: ['connect_session_not_found'],
    async run(work, { params: { connect_session_id: connectSessionId } }) {
      return { status: 200, body: toWire(await requireSession(work, connectSessionId), work.now) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${path}/{connect_session_id}/cancel`,
    operationId: 'cancelConnectSession',
    tag,
    summary: 'Cancel a connect session',
    description: 'The link stops working. Cancelling a cancelled session changes nothing.',
    params,
    responses: { 200: { description: 'The cancelled session.', schema: session } },
    problems: ['connect_session_not_found', 'connect_session_ended'],
    action: 'connect_session.cancelled',
    async run(work, { params: { connect_session_id: connectSessionId } }) {
      const before = await requireSession(work, connectSessionId);
      const ended = await endConnectSession(work, { connectSessionId, state: 'cancelled' });
      if (ended !== undefined) await dropUnfinished(work, ended);
      const after = ended ?? (await requireSession(work, connectSessionId));
      if (after.state !== 'cancelled')
        throw new HttpError('connect_session_ended', {
          detail: `Its state is ${stateOfConnectSession(after, work.now)}.`,
        });
      const detail = { was: before.state };
      return {
        status: 200,
        body: toWire(after, work.now),
        audit: { target: toTypeId('cns', connectSessionId), detail },
      };
    },
  }),
];

async function requireSession(work: TenantWork, connectSessionId: string): Promise<ConnectSession> {
  const found = await findConnectSession(work, { connectSessionId });
  if (found === undefined) throw new HttpError('connect_session_not_found');
  return found;
}

async function create(
  work: TenantWork,
  { body: wanted }: { body: z.output<typeof body> },
  { caller, services }: TenantContext,
) {
  if ((wanted.integration_id === undefined) === (wanted.integration === undefined))
    throw new HttpError('invalid_settings', {
      errors: [{ pointer: '', code: 'one_of', message: 'Give either `integration_id` or `integration`.' }],
    });
  if (wanted.integration_id !== undefined) await requireIntegration(work, wanted.integration_id);
  if (wanted.integration !== undefined) {
    await checkIntegrationLimit(work, services);
    await readNewIntegration(work, wanted.integration, services);
  }
  const secret = randomBytes(32).toString('base64url');
  const created = await createConnectSession(work, {
    secretHash: hashOfToken(secret),
    integrationId: wanted.integration_id ?? null,
    settings: (wanted.integration as JsonObject | undefined) ?? null,
    person: wanted.person ?? null,
    guidance: wanted.guidance,
    returnUrl: await readReturnUrl(work, wanted.return_url, services),
    createdBy: caller.actor,
    expiresAt: new Date(work.now.getTime() + wanted.expires_in_minutes * 60_000),
  });
  const shown = toWire(created, work.now);
  const { integration_id: integration, expires_at } = shown;
  return {
    status: 201 as const,
    body: { ...shown, link: `${services.config.publicUrl}/connect/${secret}` },
    audit: {
      target: shown.id,
      detail: {
        integration,
        connector: wanted.integration?.connector ?? wanted.integration?.third_party?.key ?? null,
        expires_at,
      },
    },
  };
}

async function readReturnUrl(
  work: TenantWork,
  given: string | undefined,
  { config }: TenantContext['services'],
): Promise<string | null> {
  if (given === undefined) return null;
  const { returnOrigins } = await findConnectSettings(work);
  const allowed = allowedReturnUrl(given, returnOrigins, config.publicUrl);
  if (allowed === undefined) throw new HttpError('return_url_refused');
  return allowed;
}

function toWire(found: ConnectSession, now: Date): z.output<typeof session> {
  // During a consent the new integration is not finished.
  const isConnected = found.settings === null || found.state === 'done';
  return {
    id: toTypeId('cns', found.connectSessionId),
    state: stateOfConnectSession(found, now),
    integration_id: isConnected && found.integrationId !== null ? toTypeId('int', found.integrationId) : null,
    is_reconnection: found.settings === null,
    person: found.person,
    guidance: found.guidance,
    return_url: found.returnUrl,
    problem: found.problem,
    created_by: found.createdBy,
    created_at: toInstant(found.createdAt),
    expires_at: toInstant(found.expiresAt),
    opened_at: toInstantOrNull(found.openedAt),
    finished_at: toInstantOrNull(found.finishedAt),
  };
}
