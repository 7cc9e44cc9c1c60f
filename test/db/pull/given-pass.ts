/** A full pass over the contacts of an integration, begun by a worker. */
import type { PassKey } from '../../../db/pull/page';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import type { GivenTenant } from '../given';

export async function givenRunningPass(tenant: GivenTenant, integrationId: string): Promise<PassKey> {
  await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
  const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
  if (run === undefined) throw new Error('There is no run.');
  const pass = { integrationId, syncRunId: run.syncRunId, recordType: 'contacts' };
  await tenant.work((work) => changeSyncJob(work, pass, { state: 'running', attempts: 1 }));
  return pass;
}
