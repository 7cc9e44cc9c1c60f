/**
 * Connect sessions that expired during a consent: the person went to the provider and did not finish.
 * The paused integration that waited for the tokens goes again.
 */
import { sql } from 'kysely';
import type { TenantWork, Work } from '../database';
import {
  type ConnectSessionPlace,
  findConnectSession,
  noteConsent,
} from '../integrations/connect/connect-sessions';
import { findIntegration } from '../integrations/integrations';
import { deleteIntegration } from './delete-integration';

/** Longer than an exchange that began just in time. */
const EXCHANGE_MS = 5 * 60_000;

export type AbandonedConsent = ConnectSessionPlace & { expiresAt: Date };

/** The longest expired first, `after` that one. Needs the dispatcher's role. */
export async function findAbandonedConsents(
  { trx, now }: Work,
  { after, limit }: { after: AbandonedConsent | undefined; limit: number },
): Promise<AbandonedConsent[]> {
  let query = trx
    .selectFrom('connectSessions')
    .select(['tenantId', 'connectSessionId', 'expiresAt'])
    .where('expiresAt', '<', new Date(now.getTime() - EXCHANGE_MS))
    .where(sql<boolean>`oauth_consent_id is not null and state <> 'done'`);
  if (after !== undefined)
    query = query.where(
      sql<boolean>`(expires_at, connect_session_id) > (${after.expiresAt}, ${after.connectSessionId})`,
    );
  return query.orderBy('expiresAt').orderBy('connectSessionId').limit(limit).execute();
}

/** Idempotent. A reconnected integration stays. */
export async function dropAbandonedConsent(
  work: TenantWork,
  { connectSessionId }: { connectSessionId: string },
): Promise<void> {
  const session = await findConnectSession(work, { connectSessionId, isLocked: true });
  if (session === undefined || session.state === 'done') return;
  await noteConsent(work, { connectSessionId, stateHash: null, oauthConsentId: null });
  const { integrationId, settings } = session;
  if (settings === null || integrationId === null) return;
  if ((await findIntegration(work, { integrationId })) === undefined) return;
  await deleteIntegration(work, { integrationId, by: 'connect_link' });
}
