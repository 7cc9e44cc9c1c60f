/**
 * A user signed in to the host product, so the records they will look at are refreshed (rules.md 28): one
 * incremental run per integration, at most once per ten minutes. The sign-in does not wait for it, not even
 * for a lock.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { type Integration, listIntegrations } from '../integrations/integrations';
import { isOnboarding } from '../../domain/onboarding';
import { requestSyncRun, type RequestedRun } from './sync-run-requests';

const NOT_AGAIN_WITHIN_MS = 10 * 60_000;
/** More than an integration can process in ten minutes. */
const RUNS_EXAMINED = 200;
const INTEGRATIONS_MAX = 1_000;

/** `busy`: another transaction is changing the integration. */
type LeftOutReason = 'recent' | 'paused' | 'needs_reauthorization' | 'onboarding' | 'busy';

export interface SignInRuns {
  requested: (RequestedRun & { integrationId: string })[];
  leftOut: { integrationId: string; reason: LeftOutReason }[];
}

/** Integrations that pull nothing are not listed. */
export async function requestSignInRuns(work: TenantWork, { user }: { user: string }): Promise<SignInRuns> {
  const integrationIds = (await listPulling(work)).map(({ integrationId }) => integrationId);
  const locked = await lockFree(work, integrationIds);
  const recent = await findRecent(work, integrationIds);
  const result: SignInRuns = { requested: [], leftOut: [] };
  // Read again under the lock, so that the decisions stay valid.
  for (const integration of await listPulling(work)) {
    const { integrationId } = integration;
    const reason = locked.has(integrationId) ? whyLeftOut(integration, recent) : 'busy';
    const run =
      reason === null
        ? await requestSyncRun(work, { integrationId, kind: 'sign_in', startedBy: `sign_in:${user}` })
        : undefined;
    if (run !== undefined) result.requested.push({ integrationId, ...run });
    else if (reason !== null) result.leftOut.push({ integrationId, reason });
  }
  return result;
}

const listPulling = (work: TenantWork): Promise<Integration[]> =>
  listIntegrations(work, { limit: INTEGRATIONS_MAX, isPulling: true });

function whyLeftOut(integration: Integration, recent: ReadonlySet<string>): LeftOutReason | null {
  if (integration.pausedAt !== null) return 'paused';
  if (integration.needsReauthorizationAt !== null) return 'needs_reauthorization';
  if (isOnboarding(integration)) return 'onboarding';
  return recent.has(integration.integrationId) ? 'recent' : null;
}

async function lockFree(
  { trx, tenantId }: TenantWork,
  integrationIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (integrationIds.length === 0) return new Set();
  const rows = await trx
    .selectFrom('integrations')
    .select('integrationId')
    .where('tenantId', '=', tenantId)
    .where('integrationId', 'in', [...integrationIds])
    .orderBy('integrationId')
    .forNoKeyUpdate()
    .skipLocked()
    .execute();
  return new Set(rows.map(({ integrationId }) => integrationId));
}

/** A run requested by a sign-in is recognized even if it was widened to another kind. */
async function findRecent(
  { trx, tenantId, now }: TenantWork,
  integrationIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ integrationId: string }>`
    select distinct run.integration_id
    from unnest(${[...integrationIds]}::uuid[]) as wanted(integration_id)
    cross join lateral (
      select integration_id, started_by, requested_at from sync_runs
      where tenant_id = ${tenantId} and integration_id = wanted.integration_id and kind <> 'webhook'
      order by sync_run_id desc limit ${RUNS_EXAMINED}) run
    where starts_with(run.started_by, 'sign_in:') and run.requested_at > ${new Date(now.getTime() - NOT_AGAIN_WITHIN_MS)}`.execute(
    trx,
  );
  return new Set(rows.map(({ integrationId }) => integrationId));
}
