/**
 * Consent by OAuth 2 in a connect session. `state` has 256 bits, is bound to a cookie of the browser that
 * goes to the provider, and is taken once. A new integration is created, paused, when the provider has
 * answered: the worker stores the tokens with it. It goes again if the exchange fails.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { TenantWork } from '../../db/database';
import { findIntegration } from '../../db/integrations/integrations';
import {
  type ConnectSession,
  type ConnectSessionPlace,
  endConnectSession,
  findConnectSession,
  noteConsent,
  refuseConnectSession,
} from '../../db/integrations/connect/connect-sessions';
import { findAppOf } from '../../db/integrations/oauth/apps';
import {
  createConsent,
  findConsent,
  findMissingScopes,
  hashOfState,
  saveConsentCode,
} from '../../db/integrations/oauth/consents';
import { lockMappings } from '../../db/records/mapping-lock';
import { newUuid } from '../../db/sql/ids';
import { createIntegration } from '../../db/sync-runs/create-integration';
import { resumeIntegration } from '../../db/sync-runs/integration-lifecycle';
import { isAllowedOrigin } from '../../domain/oauth/allowed-origins';
import { authorizationUrl } from '../../domain/oauth/authorization';
import { missingScopesWords } from '../../domain/oauth/granted-scopes';
import type { JsonObject } from '../../domain/json';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { parseWith } from '../http/parse';
import {
  checkIntegrationLimit,
  readNewIntegration,
  requireConnector,
} from '../integrations/integration-input';
import { newIntegration } from '../integrations/integration-schema';
import { CONSENT_VALID_MS } from './connect-browser';
import { redirectUri } from './connect-origins';
import { announceConnected, CONNECT_ACTOR, requireOpenSession, toProblem, type Visitor } from './connect-app';
import { dropUnfinished, readConnectTarget } from './connect-target';
import { pickAccount } from './pick-account';

/** @returns the state, and the provider's page without it. An earlier consent of the session is void. */
export async function beginConsent(
  place: ConnectSessionPlace,
  services: ApiDependencies,
): Promise<{ state: string; consentUrl: string }> {
  const [state, verifier] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
  return services.database.withTenant(place.tenantId, async (work) => {
    const session = await lockOpenSession(work, place);
    const { kind, config } = await readConnectTarget(work, session, services);
    const settings = requireConnector(services.connectors, kind).oauth?.(config);
    const app = settings && (await findAppOf(work, settings));
    if (
      settings === undefined ||
      app === undefined ||
      !isAllowedOrigin(app.allowedOrigins, settings.authorizationUrl)
    )
      throw new HttpError('connection_refused', {
        detail: 'The sign-in of this app is not set up completely. Tell who sent you the link.',
      });
    const url = new URL(
      authorizationUrl(settings, {
        clientId: app.clientId,
        redirectUri: redirectUri(services.config),
        state,
        codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
      }),
    );
    url.searchParams.delete('state');
    const integrationId = await integrationIdOf(work, session);
    const consentId = await createConsent(work, services.encryption, {
      integrationId,
      state,
      verifier,
      redirectUri: redirectUri(services.config),
      auth: (config['auth'] as JsonObject | undefined) ?? {},
      mayChangeAccount: false,
      createdBy: CONNECT_ACTOR,
      expiresAt: new Date(work.now.getTime() + CONSENT_VALID_MS),
    });
    await noteConsent(work, {
      ...place,
      stateHash: hashOfState(state),
      oauthConsentId: consentId,
      consentUrl: url.href,
      integrationId,
    });
    return { state, consentUrl: url.href };
  });
}

/** The id of a new integration that was deleted meanwhile is not used again. */
async function integrationIdOf(
  work: TenantWork,
  { integrationId, settings }: ConnectSession,
): Promise<string> {
  if (integrationId === null) return newUuid();
  const isKept = settings === null || (await findIntegration(work, { integrationId })) !== undefined;
  return isKept ? integrationId : newUuid();
}

export interface ProviderAnswer {
  state: string;
  code: string | null;
  error: string | null;
  iss: string | null;
}

/** Takes the state, and keeps the code or says why there is none. False: the state was taken before. */
export async function takeAnswer(
  place: ConnectSessionPlace,
  answer: ProviderAnswer,
  services: ApiDependencies,
): Promise<boolean> {
  return services.database.withTenant(place.tenantId, async (work) => {
    const session = await findConnectSession(work, { ...place, isLocked: true });
    if (session?.stateHash?.equals(hashOfState(answer.state)) !== true) return false;
    await noteConsent(work, { ...place, stateHash: null });
    if (session.oauthConsentId === null || session.state !== 'in_progress' || session.expiresAt <= work.now)
      return true;
    const problem =
      answer.code === null
        ? refusalOf(answer.error)
        : await keepCode(work, session, answer.code, answer, services);
    if (problem === undefined) return true;
    await noteConsent(work, { ...place, oauthConsentId: null });
    // An earlier consent may have got so far that its integration exists.
    await dropUnfinished(work, session);
    await refuseConnectSession(work, { ...place, problem });
    return true;
  });
}

const LATE = 'The consent took longer than ten minutes. Start it again.';
const OTHER_REFUSALS: Readonly<Record<string, string>> = {
  access_denied: 'You did not agree at the provider, so nothing was connected. Start again to agree.',
  invalid_scope:
    'The provider does not know the rights that were asked for. Tell who sent you the link: the scopes of the app are wrong.',
  temporarily_unavailable: 'The provider cannot answer at the moment. Try again in a few minutes.',
  server_error: 'The provider failed. Try again in a few minutes.',
};

/** The provider's own words may be anybody's: the answer comes through the address of the browser. */
const refusalOf = (error: string | null) => ({
  code: error !== null && Object.hasOwn(OTHER_REFUSALS, error) ? error : 'consent_refused',
  message:
    (error !== null && Object.hasOwn(OTHER_REFUSALS, error) ? OTHER_REFUSALS[error] : undefined) ??
    'The provider did not give consent. Try again, or tell who sent you the link.',
});

/** @returns why not. */
async function keepCode(
  work: TenantWork,
  session: ConnectSession,
  code: string,
  { iss }: ProviderAnswer,
  services: ApiDependencies,
): Promise<{ code: string; message: string } | undefined> {
  const consentId = session.oauthConsentId ?? '';
  const isKept = await saveConsentCode(work, services.encryption, { consentId, code, iss });
  if (!isKept) return { code: 'consent_expired', message: LATE };
  if (session.settings !== null) await createPaused(work, session, services);
  return undefined;
}

async function createPaused(
  work: TenantWork,
  { integrationId, settings }: ConnectSession,
  services: ApiDependencies,
): Promise<void> {
  if (integrationId === null) throw new Error('A consent has no integration.');
  if ((await findIntegration(work, { integrationId })) !== undefined) return;
  await lockMappings(work, 'alone');
  await checkIntegrationLimit(work, services);
  const body = parseWith(newIntegration, settings, 'invalid_settings');
  await createIntegration(work, {
    ...(await readNewIntegration(work, body, services)),
    integrationId,
    isPaused: true,
    linkedBy: CONNECT_ACTOR,
    companySynchronizedSwitchAt: services.config.companySynchronizedSwitchAt,
  });
}

/**
 * Lets a worker exchange the code, and ends the session, unless the person has to pick an account first. Can
 * be called again at any time: a code is sent once.
 * Throws `connection_refused` in words for the person, or `connect_session_ended`.
 */
export async function finishConsent(
  place: ConnectSessionPlace,
  services: ApiDependencies,
  visitor: Visitor,
  accountId?: string,
): Promise<void> {
  const { database, temporal } = services;
  const { tenantId } = place;
  const session = await database.withTenant(tenantId, (work) => requireOpenSession(work, place));
  const { integrationId, oauthConsentId: consentId } = session;
  if (integrationId === null || consentId === null || session.stateHash !== null)
    throw new HttpError('connection_refused', { detail: session.problem?.message ?? LATE });
  await temporal.exchangeConsent({ tenantId, integrationId, consentId });
  const picked = await pickAccount(place, { consentId, accountId }, services);
  if (picked === 'open') return;
  if (picked === 'picked') await temporal.checkIntegration({ tenantId, integrationId });
  const refusal = await database.withTenant(tenantId, async (work) => {
    const locked = await findConnectSession(work, { ...place, isLocked: true });
    // Another call has finished it: this integration is connected, and stays.
    if (locked?.state === 'done') return undefined;
    const ended = await requireOpenSession(work, place).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof HttpError) return error;
        throw error;
      },
    );
    if (locked === undefined || ended !== undefined) {
      await dropUnfinished(work, session);
      return ended;
    }
    // Another call has ended this consent, and a further one may be under way.
    if (locked.oauthConsentId !== consentId)
      return new HttpError('connection_refused', { detail: locked.problem?.message ?? LATE });
    const problem = await problemOf(work, { integrationId, consentId });
    if (problem === undefined) {
      await finish(work, locked, integrationId, visitor);
      return undefined;
    }
    await noteConsent(work, { ...place, oauthConsentId: null });
    if (locked.settings !== null) {
      await dropUnfinished(work, locked);
      await noteConsent(work, { ...place, integrationId: null });
    }
    await refuseConnectSession(work, { ...place, problem });
    return new HttpError('connection_refused', { detail: problem.message });
  });
  if (refusal !== undefined) throw refusal;
}

async function problemOf(
  work: TenantWork,
  { integrationId, consentId }: { integrationId: string; consentId: string },
): Promise<{ code: string; message: string } | undefined> {
  const result = (await findConsent(work, { consentId }))?.result ?? null;
  if (result === null) return { code: 'consent_expired', message: LATE };
  if (!result.ok) return { code: result.kind ?? 'refused', message: result.message };
  const check = (await findIntegration(work, { integrationId }))?.lastCheck ?? null;
  if (check === null || check.ok) return undefined;
  const { code, message } = toProblem(check);
  return { code, message: message + missingScopesWords(result.missing_scopes ?? []) };
}

async function finish(
  work: TenantWork,
  session: ConnectSession,
  integrationId: string,
  visitor: Visitor,
): Promise<void> {
  const ended = await endConnectSession(work, { ...session, state: 'done', integrationId });
  if (ended === undefined) throw new HttpError('connect_session_ended');
  const isReconnected = session.settings === null;
  if (!isReconnected && session.settings?.['is_paused'] !== true)
    await resumeIntegration(work, { integrationId });
  const missing = await findMissingScopes(work, session);
  await announceConnected(work, ended, { integrationId, isReconnected, visitor, missing });
}

async function lockOpenSession(work: TenantWork, place: ConnectSessionPlace): Promise<ConnectSession> {
  await findConnectSession(work, { ...place, isLocked: true });
  return requireOpenSession(work, place);
}
