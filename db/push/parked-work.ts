/** Shows work that was parked to the people of its tenant, where they look for it (rule 60). */
import { sql } from 'kysely';
import { jobOfRange } from '../../domain/sync-runs/sync-job';
import type { SyncError } from '../../domain/sync-error';
import type { WorkKind } from '../../domain/running-work';
import type { TenantWork } from '../database';
import { notifyAdmins } from '../notifications/notifications';
import { appendStreamEvent } from '../platform/change-feed';
import type { RunningWork } from '../platform/running-work';
import { toTypeId } from '../sql/ids';

type ParkedWork = Pick<RunningWork, 'kind' | 'subjectId' | 'job' | 'integrationId'>;

const WORK: Readonly<Record<WorkKind, string>> = {
  pull: 'A job of a sync run',
  push: 'The pushes of the integration',
  overview: 'A Sync Overview',
  check: 'The check of the connection',
  webhook_delivery: 'The deliveries of a webhook endpoint',
};

const PARKED: SyncError = {
  category: 'internal',
  origin: 'us',
  code: 'parked',
  field: null,
  remote_field: null,
  message: 'The worker ended repeatedly while it was working on this.',
  explanation:
    'This work is parked. Tell the operator of Syncline. An admin can retry it under “Parked work”, or by ' +
    'POST /v1/parked-work/{work_id}/retry.',
};

export async function showParkedWork(work: TenantWork, parked: ParkedWork): Promise<void> {
  if (parked.kind === 'pull') await failJob(work, parked);
  if (parked.kind === 'push') await failPushesUnderWay(work, parked);
  await notifyAdmins(work, {
    kind: 'work_parked',
    integrationId: parked.integrationId,
    overviewId: parked.kind === 'overview' ? parked.subjectId : null,
    syncRunId: parked.kind === 'pull' ? parked.subjectId : null,
    webhookEndpointId: parked.kind === 'webhook_delivery' ? parked.subjectId : null,
    detail: `${WORK[parked.kind]}${parked.job === '' ? '' : ` (${parked.job})`}`,
  });
  if (parked.integrationId !== null)
    await appendStreamEvent(work, {
      topic: 'integrations',
      body: { integration_id: toTypeId('int', parked.integrationId) },
    });
}

async function failJob({ trx, tenantId }: TenantWork, { subjectId, job }: ParkedWork): Promise<void> {
  await trx
    .updateTable('syncJobs')
    .set({ error: JSON.stringify(PARKED) })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', subjectId)
    .where('recordType', '=', jobOfRange(job))
    .execute();
}

/** The pushes that the dead worker had claimed. A retry continues them under their ids. */
async function failPushesUnderWay({ trx, tenantId }: TenantWork, { subjectId }: ParkedWork): Promise<void> {
  await sql`
    update record_syncs set is_push_failing = true, errors = ${JSON.stringify([PARKED])}::jsonb
    where tenant_id = ${tenantId} and integration_id = ${subjectId} and status = 'syncing'
      and push_id is not null and lease_until is not null`.execute(trx);
}
