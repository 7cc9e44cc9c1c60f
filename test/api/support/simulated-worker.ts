/** Integrations that pull, and a worker that executes their runs step by step, without a third party. */
import { withCandidates } from '../../support/with-candidates';
import { fromTypeId } from '../../../db/sql/ids';
import { findIntegration } from '../../../db/integrations/integrations';
import { applyPage } from '../../../db/pull/apply-page';
import { type PulledRecord, pullTargetOf, type RecordError } from '../../../db/pull/page';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { listSyncJobs, type SyncRun } from '../../../db/pull/job-rows';
import type { TenantWork } from '../../../db/database';
import { givenIntegration, type GivenTenant, type Service } from './service';

/** Two tables that are copied as they are. */
export const PULLED_INTEGRATION = {
  connector: 'postgres',
  app: 'Example CRM',
  account_name: 'Ada & Sons, production',
  config: {
    host: 'db.example.com',
    database: 'crm',
    record_types: { contacts: { table: 'contacts', id: 'id' }, deals: { table: 'deals', id: 'id' } },
  },
  credentials: { user: 'syncline', password: 'canary-4711' },
  record_types: { contacts: { direction: 'pull' }, deals: { direction: 'pull' } },
  is_paused: false,
};

export interface Pulled {
  id: string;
  uuid: string;
  etag: string;
}

export async function givenPulled(tenant: GivenTenant, overrides: object = {}): Promise<Pulled> {
  const { id, etag } = await givenIntegration(tenant, { ...PULLED_INTEGRATION, ...overrides });
  return { id, uuid: fromTypeId('int', id) as string, etag };
}

export function remote(remoteId: string, fields: PulledRecord['fields']): PulledRecord {
  const text = JSON.stringify(fields);
  const record = { remoteId, remoteVersion: null, externalId: null, fields, text, remote: null, hash: text };
  return record;
}

/** What a worker does with one run, step by step. */
export class SimulatedWorker {
  constructor(
    readonly service: Service,
    readonly tenant: GivenTenant,
    readonly integration: Pulled,
  ) {}

  work<T>(work: (context: TenantWork) => Promise<T>): Promise<T> {
    return this.service.database.withTenant(this.tenant.uuid, work);
  }

  async begin(): Promise<SyncRun> {
    const run = await this.work((work) => beginSyncRun(work, { integrationId: this.integration.uuid }));
    if (run === undefined) throw new Error('There is no run to begin.');
    return run;
  }

  /** Reads a page of a dataset; the last one unless `nextCursor` is given. */
  async page(
    { syncRunId }: { syncRunId: string },
    recordType: string,
    records: PulledRecord[],
    {
      nextCursor = null,
      refused = [],
      total = null,
    }: { nextCursor?: string | null; refused?: RecordError[]; total?: number | null } = {},
  ): Promise<void> {
    await withCandidates(
      (work) => this.work(work),
      async (work) => {
        const job = (await listSyncJobs(work, { syncRunId })).find((one) => one.recordType === recordType);
        if (job?.state === 'queued')
          await changeSyncJob(work, { syncRunId, recordType }, { state: 'running', attempts: 1 });
        const integration = await findIntegration(work, { integrationId: this.integration.uuid });
        if (integration === undefined || job === undefined) throw new Error('There is nothing to read.');
        const applied = await applyPage(work, {
          ...pullTargetOf(integration, recordType),
          syncRunId,
          overviewId: null,
          pagesBefore: job.pages,
          recordsPerType: 1_000_000,
          records,
          tombstones: [],
          refused,
          altered: [],
          nextCursor,
          asOf: work.now,
          total,
          requestedAt: work.now,
        });
        if (applied.kind !== 'applied') throw new Error('The page was not applied.');
      },
    );
  }

  /** Ends every job that has not ended, and the run with them. */
  async end(
    { syncRunId }: { syncRunId: string },
    state: 'succeeded' | 'failed' = 'succeeded',
  ): Promise<void> {
    const jobs = await this.work((work) => listSyncJobs(work, { syncRunId }));
    for (const { recordType, finishedAt } of jobs)
      if (finishedAt === null)
        await this.work((work) => changeSyncJob(work, { syncRunId, recordType }, { state }));
  }

  /** A whole run over `records`, by record type. */
  async run(records: Record<string, PulledRecord[]> = {}): Promise<SyncRun> {
    const run = await this.begin();
    for (const [recordType, read] of Object.entries(records)) await this.page(run, recordType, read);
    await this.end(run);
    return run;
  }
}

/** An integration that has been onboarded with these records, and its worker. */
export async function givenOnboarded(
  service: Service,
  tenant: GivenTenant,
  records: Record<string, PulledRecord[]> = {},
  overrides: object = {},
): Promise<SimulatedWorker> {
  const worker = new SimulatedWorker(service, tenant, await givenPulled(tenant, overrides));
  await worker.run(records);
  return worker;
}
