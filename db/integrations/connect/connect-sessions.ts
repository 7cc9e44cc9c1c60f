/**
 * Connect sessions. One UPDATE decides between browsers that open the same link, and between a person who
 * finishes and an admin who cancels.
 */
import type { Selectable } from 'kysely';
import type { JsonObject } from '../../../domain/json';
import type { TenantWork, Work } from '../../database';
import { newUuid } from '../../sql/ids';
import { sanitizeForPostgres } from '../../sql/sanitize-text';
import type { ConnectProblem, ConnectSessionsTable } from '../../tables/connect';

export type ConnectSession = Selectable<ConnectSessionsTable>;
/** `expired`: its time is over, and it was not finished. */
export type ConnectState = ConnectSession['state'] | 'expired';

/** After so many refusals the session has failed, because the link is not a place to guess passwords. */
const ATTEMPTS_MAX = 20;

export interface NewConnectSession {
  secretHash: Buffer;
  /** Exactly one of both. */
  integrationId: string | null;
  settings: JsonObject | null;
  person: string | null;
  guidance: readonly string[];
  returnUrl: string | null;
  createdBy: string;
  expiresAt: Date;
}

export async function createConnectSession(
  { trx, tenantId, now }: TenantWork,
  { settings, guidance, ...session }: NewConnectSession,
): Promise<ConnectSession> {
  return trx
    .insertInto('connectSessions')
    .values({
      ...session,
      tenantId,
      connectSessionId: newUuid(),
      state: 'open',
      settings: settings === null ? null : JSON.stringify(settings),
      guidance: JSON.stringify(guidance),
      browserHash: null,
      problem: null,
      attempts: 0,
      stateHash: null,
      oauthConsentId: null,
      consentUrl: null,
      createdAt: now,
      openedAt: null,
      finishedAt: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export function stateOfConnectSession({ state, expiresAt }: ConnectSession, now: Date): ConnectState {
  return (state === 'open' || state === 'in_progress') && expiresAt <= now ? 'expired' : state;
}

export async function findConnectSession(
  { trx, tenantId }: TenantWork,
  { connectSessionId, isLocked = false }: { connectSessionId: string; isLocked?: boolean },
): Promise<ConnectSession | undefined> {
  return trx
    .selectFrom('connectSessions')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('connectSessionId', '=', connectSessionId)
    .$if(isLocked, (query) => query.forUpdate())
    .executeTakeFirst();
}

/** The newest first. */
export async function listConnectSessions(
  { trx, tenantId }: TenantWork,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<ConnectSession[]> {
  let query = trx.selectFrom('connectSessions').selectAll().where('tenantId', '=', tenantId);
  if (before !== undefined) query = query.where('connectSessionId', '<', before);
  return query.orderBy('connectSessionId', 'desc').limit(limit).execute();
}

export interface ConnectSessionPlace {
  tenantId: string;
  connectSessionId: string;
}

/** Whose session it is. Needs the platform role, because the browser knows no tenant. */
export async function locateConnectSession(
  { trx }: Work,
  by: { secretHash: Buffer } | { connectSessionId: string } | { stateHash: Buffer },
): Promise<ConnectSessionPlace | undefined> {
  const query = trx.selectFrom('connectSessions').select(['tenantId', 'connectSessionId']);
  if ('secretHash' in by) return query.where('secretHash', '=', by.secretHash).executeTakeFirst();
  if ('stateHash' in by) return query.where('stateHash', '=', by.stateHash).executeTakeFirst();
  return query.where('connectSessionId', '=', by.connectSessionId).executeTakeFirst();
}

/** Binds the session to a browser. False if another browser was first, or the session has ended. */
export async function openConnectSession(
  { trx, tenantId, now }: TenantWork,
  { connectSessionId, browserHash }: { connectSessionId: string; browserHash: Buffer },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('connectSessions')
    .set({ state: 'in_progress', browserHash, openedAt: now })
    .where('tenantId', '=', tenantId)
    .where('connectSessionId', '=', connectSessionId)
    .where('state', '=', 'open')
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Counts a refusal and keeps its words. Has no effect on a session that has ended. */
export async function refuseConnectSession(
  { trx, tenantId, now }: TenantWork,
  { connectSessionId, problem }: { connectSessionId: string; problem: Omit<ConnectProblem, 'at'> },
): Promise<void> {
  const kept = JSON.stringify(sanitizeForPostgres({ ...problem, at: now.toISOString() }));
  await trx
    .updateTable('connectSessions')
    .set((eb) => ({
      problem: kept,
      attempts: eb('attempts', '+', 1),
      state: eb
        .case()
        .when('attempts', '>=', ATTEMPTS_MAX - 1)
        .then('failed' as const)
        .else(eb.ref('state'))
        .end(),
      finishedAt: eb
        .case()
        .when('attempts', '>=', ATTEMPTS_MAX - 1)
        .then(now)
        .else(eb.ref('finishedAt'))
        .end(),
    }))
    .where('tenantId', '=', tenantId)
    .where('connectSessionId', '=', connectSessionId)
    .where('state', '=', 'in_progress')
    .execute();
}

/** What a consent that is under way changes. The row must be locked. */
export async function noteConsent(
  { trx, tenantId }: TenantWork,
  {
    connectSessionId,
    ...consent
  }: { connectSessionId: string } & Partial<
    Pick<ConnectSession, 'stateHash' | 'oauthConsentId' | 'consentUrl' | 'integrationId'>
  >,
): Promise<void> {
  await trx
    .updateTable('connectSessions')
    .set(consent)
    .where('tenantId', '=', tenantId)
    .where('connectSessionId', '=', connectSessionId)
    .execute();
}

/** Ends a session that has not ended. @returns undefined if it had. */
export async function endConnectSession(
  { trx, tenantId, now }: TenantWork,
  {
    connectSessionId,
    state,
    integrationId,
  }: {
    connectSessionId: string;
    state: 'done' | 'failed' | 'cancelled';
    /** What the settings became. */
    integrationId?: string;
  },
): Promise<ConnectSession | undefined> {
  return trx
    .updateTable('connectSessions')
    .set({
      state,
      finishedAt: now,
      ...(integrationId === undefined ? {} : { integrationId }),
      ...(state === 'done' ? { problem: null } : {}),
    })
    .where('tenantId', '=', tenantId)
    .where('connectSessionId', '=', connectSessionId)
    .where('state', 'in', ['open', 'in_progress'])
    .where('expiresAt', '>', now)
    .returningAll()
    .executeTakeFirst();
}
