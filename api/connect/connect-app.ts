/**
 * Connects the app of a session: tries the person's credentials at the app, and stores them only if it
 * accepts them. The session is ended in the same transaction, so it connects at most one app, whoever asks
 * at once.
 */
import type { TenantWork } from '../../db/database';
import {
  type ConnectSession,
  type ConnectSessionPlace,
  endConnectSession,
  findConnectSession,
  refuseConnectSession,
} from '../../db/integrations/connect/connect-sessions';
import { saveCheck } from '../../db/sync-runs/checks/save-check';
import { notifyAdmins } from '../../db/notifications/notifications';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { lockMappings } from '../../db/records/mapping-lock';
import { toTypeId } from '../../db/sql/ids';
import { createIntegration } from '../../db/sync-runs/create-integration';
import { replaceCredentials } from '../../db/sync-runs/integration-lifecycle';
import type { CheckFailure, LastCheck } from '../../db/tables/integrations';
import { emitEvents } from '../../db/webhooks/events';
import type { JsonObject } from '../../domain/json';
import { missingScopesWords } from '../../domain/oauth/granted-scopes';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { checkIntegrationLimit } from '../integrations/integration-input';
import { startTrial } from '../integrations/integration-trials';
import { requireUnfinished } from './connect-browser';
import { type ConnectTarget, readTargetWithCredentials } from './connect-target';

/** For the audit log. */
export interface Visitor {
  ip: string | null;
  requestId: string;
}

export const CONNECT_ACTOR = 'connect_link';

/** Words that say whose turn it is; the app's own follow. */
const REFUSALS: Readonly<Record<CheckFailure, string>> = {
  unauthorized: 'The app did not accept the sign-in. Check what you entered, and try again.',
  unavailable: 'The app did not answer. Wait a moment, and try again.',
  rate_limited: 'The app asks to wait. Try again in a few minutes.',
  record_rejected:
    'The app accepted the sign-in, but cannot be synced like this. Tell who sent you the link.',
  internal: 'The connection could not be checked. Try again in a moment.',
};

/** Throws `connection_refused` in words for the person, or `connect_session_ended`. */
export async function connectApp(
  place: ConnectSessionPlace,
  credentials: JsonObject,
  services: ApiDependencies,
  visitor: Visitor,
): Promise<void> {
  const { database } = services;
  const { target, wait } = await database.withTenant(place.tenantId, async (work) => {
    const session = await requireOpenSession(work, place);
    const read = await readTargetWithCredentials(work, session, credentials, services);
    return { target: read, wait: await startTrial(work, toTrial(read), services) };
  });
  const check = await wait();
  if (!check.ok) {
    const problem = toProblem(check);
    await database.withTenant(place.tenantId, (work) => refuseConnectSession(work, { ...place, problem }));
    throw new HttpError('connection_refused', { detail: problem.message });
  }
  await database.withTenant(place.tenantId, (work) =>
    finish(work, place, { target, check }, services, visitor),
  );
}

export async function requireOpenSession(
  work: TenantWork,
  place: ConnectSessionPlace,
): Promise<ConnectSession> {
  const session = await findConnectSession(work, place);
  if (session === undefined) throw new HttpError('connect_link_unknown');
  requireUnfinished(session, work.now);
  return session;
}

const toTrial = ({ integration, settings, encryptedCredentials: credentials }: ConnectTarget) => ({
  ...(integration ?? settings),
  credentials,
});

export function toProblem({ kind, message }: LastCheck): { code: string; message: string } {
  const failure = kind ?? 'internal';
  return { code: failure, message: `${REFUSALS[failure]} The app said: ${message}` };
}

async function finish(
  work: TenantWork,
  place: ConnectSessionPlace,
  { target, check }: { target: ConnectTarget; check: LastCheck },
  services: ApiDependencies,
  visitor: Visitor,
): Promise<void> {
  const { integrationId } = target.integration ?? target.settings;
  const ended = await endConnectSession(work, { ...place, state: 'done', integrationId });
  if (ended === undefined) {
    await requireOpenSession(work, place);
    throw new HttpError('connect_session_ended');
  }
  const isReconnected = target.integration !== undefined;
  if (isReconnected) await reconnect(work, target, check);
  else {
    await lockMappings(work, 'alone');
    await checkIntegrationLimit(work, services);
    const { companySynchronizedSwitchAt } = services.config;
    await createIntegration(work, {
      ...target.settings,
      linkedBy: CONNECT_ACTOR,
      companySynchronizedSwitchAt,
      check,
    });
  }
  await announceConnected(work, ended, { integrationId, isReconnected, visitor });
}

async function reconnect(
  work: TenantWork,
  { integration, encryptedCredentials }: ConnectTarget & { integration: object },
  check: LastCheck,
): Promise<void> {
  const { integrationId } = integration;
  await saveCheck(work, { integrationId, check });
  await replaceCredentials(work, { integrationId, encryptedCredentials });
}

export async function announceConnected(
  work: TenantWork,
  { connectSessionId, person, createdBy }: ConnectSession,
  {
    integrationId,
    isReconnected,
    visitor,
    missing = [],
  }: {
    integrationId: string;
    isReconnected: boolean;
    visitor: Visitor;
    /** Scopes that the provider did not grant. */
    missing?: readonly string[];
  },
): Promise<void> {
  const session = toTypeId('cns', connectSessionId);
  const integration = toTypeId('int', integrationId);
  await emitEvents(work, [
    {
      type: 'INTEGRATION_CONNECTED',
      integrationId,
      data: { integration_id: integration, connect_session_id: session, is_reconnected: isReconnected },
    },
  ]);
  const done = isReconnected ? 'connected the app again' : 'connected the app';
  await notifyAdmins(work, {
    kind: 'integration_connected',
    integrationId,
    detail: `${person ?? 'A person'} ${done} with the link that ${createdBy} created.${missingScopesWords(missing)}`,
  });
  await appendAuditEntry(work, {
    actor: CONNECT_ACTOR,
    action: isReconnected ? 'integration.credentials_replaced' : 'integration.created',
    target: integration,
    detail: { connect_session: session, person },
    ...visitor,
  });
}
