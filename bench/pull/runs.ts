/** Runs of the product, asked for and waited for. */
import { Database } from '../../db/database';
import { findSyncRun, listSyncJobs } from '../../db/pull/job-rows';
import { requestSyncRun } from '../../db/sync-runs/sync-run-requests';
import type { RunKind } from '../../domain/sync-runs/sync-run';
import { until } from '../measure';
import { memoryOf } from '../product';
import type { SupervisedProcess } from '../../dev/start/processes';

export interface RunTimes {
  /** From the request to the end. */
  seconds: number;
  /** The peak resident memory of the worker during the run. */
  peakMb: number;
  records: { read: number; created: number; changed: number; unchanged: number };
}

interface Place {
  tenantId: string;
  integrationId: string;
}

/**
 * Asks for a run (or takes the one that linking asked for) and waits for its end. Throws unless it succeeded.
 */
export async function timeRun(
  database: Database,
  worker: SupervisedProcess,
  { tenantId, integrationId }: Place,
  kind: RunKind,
): Promise<RunTimes> {
  const requested = await database.withTenant(tenantId, (work) =>
    requestSyncRun(work, { integrationId, kind, startedBy: 'bench' }),
  );
  if (requested === undefined) throw new Error('The integration pulls nothing.');
  const { syncRunId } = requested;
  let peakMb = 0;
  const run = await until(`the ${kind} run`, 600_000, async () => {
    peakMb = Math.max(peakMb, memoryOf(worker).nowMb);
    const found = await database.withTenant(tenantId, (work) => findSyncRun(work, { syncRunId }));
    return found?.isSyncFinished === true ? found : undefined;
  });
  const jobs = await database.withTenant(tenantId, (work) => listSyncJobs(work, { syncRunId }));
  if (run.state !== 'succeeded' || run.finishedAt === null)
    throw new Error(`The ${kind} run ended ${run.state}: ${JSON.stringify(jobs.map(({ error }) => error))}`);
  const job = jobs.find(({ recordType }) => recordType === 'contacts');
  return {
    seconds: (run.finishedAt.getTime() - run.requestedAt.getTime()) / 1_000,
    peakMb,
    records: {
      read: job?.recordsRead ?? 0,
      created: job?.recordsNew ?? 0,
      changed: job?.recordsChanged ?? 0,
      unchanged: job?.recordsUnchanged ?? 0,
    },
  };
}
