/** Conflicts as a run or a push would have found them. */
import { type NewConflict, raiseConflicts } from '../../../db/records/conflicts';
import type { Json } from '../../support/clients/api-client';
import type { GivenTenant, Service } from './service';

/** @returns the open conflicts of the integration as the API shows them, newest first. */
export async function givenConflicts(
  service: Service,
  tenant: GivenTenant,
  integration: { id: string; uuid: string },
  conflicts: readonly NewConflict[],
): Promise<Json[]> {
  const place = { integrationId: integration.uuid, syncRunId: null, recordType: 'employees' };
  await service.database.withTenant(tenant.uuid, (work) => raiseConflicts(work, place, conflicts));
  const { body } = await tenant.viewer
    .get(`/v1/sync-conflicts?state=open&integration_id=${integration.id}`)
    .expect(200);
  return body.data as Json[];
}
