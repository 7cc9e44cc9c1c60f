/** Learns how much earlier incremental runs have to read (rules.md 52). */
import { learnOverlap } from '../../domain/sync-runs/overlap';
import type { TenantWork } from '../database';
import type { PassKey } from './page';

/** Not from a run that a new mapping started: there, unchanged records count as changed too. */
export async function learnDatasetOverlap(
  work: TenantWork,
  { modifiedAt, ...pass }: PassKey & { modifiedAt: readonly Date[] },
): Promise<void> {
  const { trx, tenantId, now } = work;
  const dataset = await trx
    .selectFrom('syncDatasets')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', pass.integrationId)
    .where('recordType', '=', pass.recordType)
    .executeTakeFirst();
  if (dataset === undefined || dataset.watermark === null) return;
  const learned = learnOverlap(dataset, dataset.watermark, modifiedAt, now);
  if (learned === undefined) return;
  await trx
    .updateTable('syncDatasets')
    .set(learned)
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', pass.integrationId)
    .where('recordType', '=', pass.recordType)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('syncRuns')
            .select('syncRunId')
            .where('tenantId', '=', tenantId)
            .where('syncRunId', '=', pass.syncRunId)
            .where('startedBy', '=', 'mapping'),
        ),
      ),
    )
    .execute();
}
