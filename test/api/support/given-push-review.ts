/** A push review as the push queue creates it. */
import { findIntegration } from '../../../db/integrations/integrations';
import { claimDuePushes } from '../../../db/push/claim-pushes';
import { fromTypeId } from '../../../db/sql/ids';
import { OUTAGE_LIMITS } from '../../../domain/retry';
import type { Json } from '../../support/clients/api-client';
import { givenIntegration, type GivenTenant, type Service } from './service';

export const PUSH_REVIEW_RECORDS = 5;

/** Five new records where three may be created without approval. */
export async function givenPushReview(
  service: Service,
  tenant: GivenTenant,
  prefix = 'e',
): Promise<{ integrationId: string; review: Json }> {
  const { id: integrationId } = await givenIntegration(tenant, {
    is_paused: false,
    initial_push: 'none',
    record_types: { employees: { fields: [{ name: 'email', to: 'userName' }] } },
    type_settings: {
      employees: { safety_thresholds: { push_create: { count: 3, share: 0, window_hours: 1 } } },
    },
  });
  for (let index = 0; index < PUSH_REVIEW_RECORDS; index += 1)
    await tenant.operator
      .put(`/v1/records/employees/${prefix}-${index}`, { fields: { email: `a${index}@example.org` } })
      .expect(202);
  await claimAllDue(service, tenant, integrationId);
  const { data } = (await tenant.viewer.get('/v1/push-reviews?state=pending').expect(200)).body;
  return { integrationId, review: data[0] };
}

/** As the push queue does once the windows are due. @returns the external ids that are pushed. */
export async function claimAllDue(
  service: Service,
  tenant: GivenTenant,
  integration: string,
): Promise<string[]> {
  const integrationId = fromTypeId('int', integration) as string;
  const due = new Date(Date.now() + 86_400_000);
  const { pushes } = await service.database.withTenant(tenant.uuid, async (work) => {
    const found = await findIntegration(work, { integrationId });
    if (found === undefined) throw new Error('No such integration.');
    return claimDuePushes(work, {
      integration: found,
      firedAt: due,
      now: work.now,
      leaseUntil: new Date(due.getTime() + 60_000),
      giveUpAfterMs: OUTAGE_LIMITS.giveUpAfterMs,
      limit: 100,
      onlyWindows: false,
    });
  });
  return pushes.map(({ externalId }) => externalId).toSorted();
}
