/** Applies the pages of a connector as a full run does, for what the suite says about their records. */
import { createPagePreparation } from '../../../activities/pull/prepare-page';
import type { ReadPage } from '../../../connectors/connector';
import { findIntegration } from '../../../db/integrations/integrations';
import { applyPage } from '../../../db/pull/apply-page';
import type { SyncJob } from '../../../db/pull/job-rows';
import { pullTargetOf } from '../../../db/pull/page';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { withCandidates } from '../../support/with-candidates';
import { GivenTenant, openTestDb } from '../../db/given';

/** @returns the job after each time that all the pages were applied, the oldest first. */
export async function applyPages(
  { recordType, mapping }: { recordType: string; mapping: RecordTypeMapping },
  ...passes: ReadPage[][]
): Promise<SyncJob[]> {
  const db = await openTestDb();
  try {
    const tenant = await GivenTenant.create(db);
    const integrationId = await tenant.integration({ recordTypes: { [recordType]: mapping } });
    const jobs: SyncJob[] = [];
    for (const pages of passes) {
      await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
      const run = await tenant.work((work) => beginSyncRun(work, { integrationId }));
      if (run === undefined) throw new Error('There is no run.');
      const { syncRunId } = run;
      let job: SyncJob | undefined;
      for (const page of pages) {
        const applied = await withCandidates(
          (work) => tenant.work(work),
          async (work) => {
            const integration = await findIntegration(work, { integrationId });
            if (integration === undefined) throw new Error('There is no integration.');
            const target = pullTargetOf(integration, recordType);
            const prepared = await createPagePreparation(target.mapping)(page);
            const place = {
              syncRunId,
              overviewId: null,
              pagesBefore: job?.pages ?? 0,
              requestedAt: work.now,
            };
            return applyPage(work, { ...prepared, ...target, ...place, recordsPerType: 1_000_000 });
          },
        );
        if (applied.kind !== 'applied') throw new Error('The page was not applied.');
        job = applied.job;
      }
      if (job !== undefined) jobs.push(job);
      for (const one of ['', recordType])
        await tenant.work((work) =>
          changeSyncJob(work, { syncRunId, recordType: one }, { state: 'succeeded' }),
        );
    }
    return jobs;
  } finally {
    await db.end();
  }
}
