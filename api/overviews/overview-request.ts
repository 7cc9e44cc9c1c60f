/** What a Sync Overview and a Sync Now have in common when they are requested. */
import type { TenantWork } from '../../db/database';
import { type Integration, lockIntegration } from '../../db/integrations/integrations';
import { HttpError } from '../http/http-error';
import type { TenantContext } from '../routing/context';

export const WAIT_DESCRIPTION = [
  'The request waits for the end, up to 50 seconds unless the operator has set another time; ' +
    '`Prefer: wait=N` shortens this, `Prefer: respond-async` skips it.',
  'If the work ends in time, the response is 200 with the result.',
  'Otherwise it is 202 with an operation to follow, and the person who made the request is ' +
    'notified at the end.',
  'A repeated request with the same Idempotency-Key waits for the same operation: use it after a proxy ' +
    'has answered 504.',
].join(' ');
export const overviewTag = 'Sync Overview';

export function requesterOf({ caller }: TenantContext): { requestedBy: string; personId: string | null } {
  return { requestedBy: caller.actor, personId: caller.kind === 'tenant' ? caller.personId : null };
}

/** Locks the integration, so its state cannot change before the request is accepted. */
export async function lockSyncableIntegration(work: TenantWork, integrationId: string): Promise<Integration> {
  const integration = await lockIntegration(work, { integrationId });
  if (integration === undefined) throw new HttpError('integration_not_found');
  if (integration.pausedAt !== null) throw new HttpError('integration_paused');
  if (integration.needsReauthorizationAt !== null) throw new HttpError('needs_reauthorization');
  if (integration.onboardingStartedAt !== null && integration.onboardedAt === null)
    throw new HttpError('onboarding_in_progress');
  return integration;
}
