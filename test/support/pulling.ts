/** Pulling in a LaneWorld: integrations of the CRM, their runs, and what came of them. */
import { syncRunWorkflowId } from '../../contract/sync-run';
import { type NewRun, requestSyncRun, type RequestedRun } from '../../db/sync-run-requests';
import { findSyncRun, listSyncJobs, type SyncJob, type SyncRun } from '../../db/sync-jobs';
import { listSyncDatasets, type SyncDataset } from '../../db/sync-datasets';
import type { NewIntegration } from '../../db/integration-lifecycle';
import type { JsonObject } from '../../domain/json';
import type { RecordTypeMapping } from '../../domain/mapping';
import type { CrmAccount } from './crm';
import type { TenantWorld } from './lane-world';

export const CONTACTS: RecordTypeMapping = {
  direction: 'pull',
  fields: [
    { name: 'name', to: '/name' },
    { name: 'email', to: '/email' },
  ],
  onDelete: 'leave',
};

/** What we hold of a record. */
export interface Held {
  fields: JsonObject;
  version: number;
}

export class Pulled {
  private constructor(
    private readonly tenant: TenantWorld,
    readonly integrationId: string,
    readonly account: CrmAccount,
  ) {}

  /** Links an account of the CRM; its onboarding has been asked for and not begun. */
  static async link(
    tenant: TenantWorld,
    settings: Partial<NewIntegration> = {},
    prepare: (account: CrmAccount) => Promise<void> | void = () => undefined,
  ): Promise<Pulled> {
    const owner = `${tenant.tenantId}-${Math.random()}`;
    const account = tenant.world.crm.account(owner);
    account.type('contacts');
    await prepare(account);
    const integrationId = await tenant.integration({ connector: 'crm', app: 'CRM', config: { owner }, recordTypes: { contacts: CONTACTS }, ...settings });
    return new Pulled(tenant, integrationId, account);
  }

  /** The same, with its onboarding done. */
  static async onboarded(...given: Parameters<typeof Pulled.link>): Promise<Pulled> {
    const pulled = await Pulled.link(...given);
    await pulled.settle();
    return pulled;
  }

  async request(kind: NewRun['kind'], more: Partial<NewRun> = {}): Promise<RequestedRun> {
    const requested = await this.inTenant((work) => requestSyncRun(work, { integrationId: this.integrationId, kind, startedBy: 'test', ...more }));
    if (requested === undefined) throw new Error('The integration pulls nothing.');
    return requested;
  }

  /** Lets what was asked for come to its end, follow-ups included, without moving the clock on by more than waits demand. */
  async settle(): Promise<void> {
    await this.tenant.world.dispatch();
    await this.tenant.world.env.client.workflow.getHandle(syncRunWorkflowId(this)).result();
    await this.tenant.world.dispatch();
  }

  async sync(kind: NewRun['kind'], more: Partial<NewRun> = {}): Promise<SyncRun> {
    const { syncRunId } = await this.request(kind, more);
    await this.settle();
    return this.run(syncRunId);
  }

  async run(syncRunId: string): Promise<SyncRun> {
    const run = await this.inTenant((work) => findSyncRun(work, { syncRunId }));
    if (run === undefined) throw new Error(`No run ${syncRunId}.`);
    return run;
  }

  async runs(): Promise<SyncRun[]> {
    return this.inTenant(({ trx }) => trx.selectFrom('syncRuns').selectAll().where('integrationId', '=', this.integrationId).orderBy('syncRunId').execute());
  }

  async job(syncRunId: string, recordType = 'contacts'): Promise<SyncJob> {
    const job = (await this.inTenant((work) => listSyncJobs(work, { syncRunId }))).find((one) => one.recordType === recordType);
    if (job === undefined) throw new Error(`No job ${recordType} in run ${syncRunId}.`);
    return job;
  }

  async dataset(recordType = 'contacts'): Promise<SyncDataset> {
    const dataset = (await this.inTenant((work) => listSyncDatasets(work, this))).find((one) => one.recordType === recordType);
    if (dataset === undefined) throw new Error(`No dataset ${recordType}.`);
    return dataset;
  }

  /** What we hold of theirs, by their id. */
  async held(recordType = 'contacts'): Promise<Map<string, Held>> {
    const rows = await this.inTenant(({ trx }) =>
      trx
        .selectFrom('recordLinks as link')
        .innerJoin('records as record', (join) => join.onRef('record.tenantId', '=', 'link.tenantId').onRef('record.recordId', '=', 'link.recordId'))
        .select(['link.remoteId', 'record.fields', 'record.version'])
        .where('link.integrationId', '=', this.integrationId)
        .where('link.recordType', '=', recordType)
        .where('record.deletedAt', 'is', null)
        .orderBy('link.remoteId')
        .execute(),
    );
    return new Map(rows.map(({ remoteId, fields, version }) => [remoteId, { fields, version }]));
  }

  async names(recordType = 'contacts'): Promise<Record<string, unknown>> {
    return Object.fromEntries([...(await this.held(recordType))].map(([id, { fields }]) => [id, fields['name']]));
  }

  async integration() {
    return this.inTenant(({ trx }) => trx.selectFrom('integrations').selectAll().where('integrationId', '=', this.integrationId).executeTakeFirstOrThrow());
  }

  inTenant<T>(work: Parameters<typeof this.tenant.world.database.withTenant<T>>[1]): Promise<T> {
    return this.tenant.world.database.withTenant(this.tenant.tenantId, work);
  }
}
