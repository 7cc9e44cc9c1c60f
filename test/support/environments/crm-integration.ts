/** Pulling in a PushEnvironment: integrations of the CRM, their runs, and what came of them. */
import { randomUUID } from 'node:crypto';
import { syncRunWorkflowId } from '../../../contract/sync-run';
import { type NewIntegration } from '../../../db/sync-runs/create-integration';
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import {
  pauseIntegration,
  replaceCredentials,
  resumeIntegration,
} from '../../../db/sync-runs/integration-lifecycle';
import {
  type NewRun,
  requestSyncRun,
  type RequestedRun,
  enqueueSyncRuns,
} from '../../../db/sync-runs/sync-run-requests';
import { cancelSyncRun } from '../../../db/sync-runs/sync-jobs';
import { findSyncRun, listSyncJobs, type SyncJob, type SyncRun } from '../../../db/pull/job-rows';
import { decideDeletionReview } from '../../../db/pull/decide-deletion-review';
import { lockDeletionReview } from '../../../db/pull/deletion-reviews';
import { listSyncDatasets, type SyncDataset } from '../../../db/sync-runs/sync-datasets';
import type { JsonObject } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import type { CrmAccount } from '../servers/crm';
import type { PushEnvironment, TestTenant } from './push-environment';

export const CONTACTS: RecordTypeMapping = {
  direction: 'pull',
  fields: [
    { name: 'name', to: '/name' },
    { name: 'email', to: '/email' },
  ],
  onDelete: 'leave',
};

export const BOTH_WAYS: RecordTypeMapping = { ...CONTACTS, direction: 'both' };

export const people = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `p${String(index).padStart(3, '0')}`);

/** So many contacts that have been there for a while. */
export const fill =
  (environment: PushEnvironment, count: number) =>
  async (account: CrmAccount): Promise<void> => {
    for (const id of people(count))
      await account.put('contacts', id, { name: id, email: `${id}@example.org`, internal: 'internal only' });
    await environment.sleep(600_000);
  };

/** What we hold of a record. */
export interface Held {
  fields: JsonObject;
  version: number;
}

export class CrmIntegration {
  private constructor(
    private readonly tenant: TestTenant,
    readonly integrationId: string,
    readonly account: CrmAccount,
  ) {}

  /** Links an account of the CRM; its onboarding has been asked for and not begun. */
  static async link(
    tenant: TestTenant,
    settings: Partial<NewIntegration> = {},
    prepare: (account: CrmAccount) => Promise<void> | void = () => undefined,
  ): Promise<CrmIntegration> {
    const owner = `${tenant.tenantId}-${randomUUID()}`;
    const account = tenant.environment.crm.account(owner);
    account.type('contacts');
    await prepare(account);
    const integrationId = await tenant.integration({
      connector: 'crm',
      app: 'CRM',
      config: { owner },
      recordTypes: { contacts: CONTACTS },
      ...settings,
    });
    return new CrmIntegration(tenant, integrationId, account);
  }

  /** The same, with its onboarding done. */
  static async onboarded(...given: Parameters<typeof CrmIntegration.link>): Promise<CrmIntegration> {
    const pulled = await CrmIntegration.link(...given);
    await pulled.settle();
    return pulled;
  }

  async request(kind: NewRun['kind'], more: Partial<NewRun> = {}): Promise<RequestedRun> {
    const requested = await this.inTenant((work) =>
      requestSyncRun(work, { integrationId: this.integrationId, kind, startedBy: 'test', ...more }),
    );
    if (requested === undefined) throw new Error('The integration pulls nothing.');
    return requested;
  }

  /**
   * Lets what was asked for come to its end, follow-ups included, without moving the clock on by more than
   * waits demand.
   */
  async settle(): Promise<void> {
    await this.tenant.environment.dispatch();
    await this.tenant.environment.env.client.workflow.getHandle(syncRunWorkflowId(this)).result();
    await this.tenant.environment.dispatch();
  }

  async sync(kind: NewRun['kind'], more: Partial<NewRun> = {}): Promise<SyncRun> {
    const { syncRunId } = await this.request(kind, more);
    await this.settle();
    return this.run(syncRunId);
  }

  /** Asks for a run and lets it begin; it is not waited for. */
  async begin(kind: NewRun['kind'], more: Partial<NewRun> = {}): Promise<string> {
    const { syncRunId } = await this.request(kind, more);
    await this.tenant.environment.dispatch();
    return syncRunId;
  }

  async pause(): Promise<void> {
    await this.inTenant((work) => pauseIntegration(work, this));
    await this.tenant.environment.dispatch();
  }

  async resume(): Promise<void> {
    await this.inTenant((work) => resumeIntegration(work, this));
    await this.tenant.environment.dispatch();
  }

  async remove(): Promise<void> {
    await this.inTenant((work) => deleteIntegration(work, this));
    await this.tenant.environment.dispatch();
  }

  async cancel(syncRunId: string): Promise<void> {
    await this.inTenant(async (work) => {
      await cancelSyncRun(work, { syncRunId, by: 'ana' });
      await enqueueSyncRuns(work, this);
    });
    await this.tenant.environment.dispatch();
  }

  async newCredentials(): Promise<void> {
    await this.inTenant((work) =>
      replaceCredentials(work, { integrationId: this.integrationId, encryptedCredentials: null as never }),
    );
    await this.tenant.environment.dispatch();
  }

  async run(syncRunId: string): Promise<SyncRun> {
    const run = await this.inTenant((work) => findSyncRun(work, { syncRunId }));
    if (run === undefined) throw new Error(`No run ${syncRunId}.`);
    return run;
  }

  async runs(): Promise<SyncRun[]> {
    return this.inTenant(({ trx }) =>
      trx
        .selectFrom('syncRuns')
        .selectAll()
        .where('integrationId', '=', this.integrationId)
        .orderBy('syncRunId')
        .execute(),
    );
  }

  async job(syncRunId: string, recordType = 'contacts'): Promise<SyncJob> {
    const job = (await this.inTenant((work) => listSyncJobs(work, { syncRunId }))).find(
      (one) => one.recordType === recordType,
    );
    if (job === undefined) throw new Error(`No job ${recordType} in run ${syncRunId}.`);
    return job;
  }

  async dataset(recordType = 'contacts'): Promise<SyncDataset> {
    const dataset = (await this.inTenant((work) => listSyncDatasets(work, this))).find(
      (one) => one.recordType === recordType,
    );
    if (dataset === undefined) throw new Error(`No dataset ${recordType}.`);
    return dataset;
  }

  /** What Syncline holds of the third party's records, by remote id. */
  async held(recordType = 'contacts'): Promise<Map<string, Held>> {
    const rows = await this.inTenant(({ trx }) =>
      trx
        .selectFrom('recordLinks as link')
        .innerJoin('records as record', (join) =>
          join.onRef('record.tenantId', '=', 'link.tenantId').onRef('record.recordId', '=', 'link.recordId'),
        )
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
    return Object.fromEntries(
      [...(await this.held(recordType))].map(([id, { fields }]) => [id, fields['name']]),
    );
  }

  /** The external id of a remote record. */
  async externalId(remoteId: string, recordType = 'contacts'): Promise<string> {
    const { externalId } = await this.inTenant(({ trx }) =>
      trx
        .selectFrom('recordLinks as link')
        .innerJoin('records as record', (join) =>
          join.onRef('record.tenantId', '=', 'link.tenantId').onRef('record.recordId', '=', 'link.recordId'),
        )
        .select('record.externalId')
        .where('link.integrationId', '=', this.integrationId)
        .where('link.recordType', '=', recordType)
        .where('link.remoteId', '=', remoteId)
        .executeTakeFirstOrThrow(),
    );
    return externalId;
  }

  async conflicts() {
    return this.inTenant(({ trx }) =>
      trx
        .selectFrom('syncConflicts')
        .selectAll()
        .where('integrationId', '=', this.integrationId)
        .orderBy('syncConflictId')
        .execute(),
    );
  }

  async errors(syncRunId: string) {
    return this.inTenant(({ trx }) =>
      trx
        .selectFrom('syncRecordErrors')
        .selectAll()
        .where('syncRunId', '=', syncRunId)
        .orderBy('syncRecordErrorId')
        .execute(),
    );
  }

  /** Rows of the Sync Status log, newest last. */
  async statuses() {
    return this.inTenant(({ trx }) =>
      trx
        .selectFrom('syncStatuses')
        .selectAll()
        .where('integrationId', '=', this.integrationId)
        .orderBy('syncStatusId')
        .execute(),
    );
  }

  async reviews() {
    return this.inTenant(({ trx }) =>
      trx
        .selectFrom('deletionReviews')
        .selectAll()
        .where('integrationId', '=', this.integrationId)
        .orderBy('deletionReviewId')
        .execute(),
    );
  }

  /**
   * What people say of the deletions that wait for them. @returns how many were deleted; undefined = none
   * waited.
   */
  async decideReview(decision: 'approved' | 'discarded') {
    const pending = (await this.reviews()).find(({ state }) => state === 'pending');
    return this.inTenant(async (work) => {
      const review = pending && (await lockDeletionReview(work, pending));
      return review && decideDeletionReview(work, { review, decision, by: 'ana' });
    });
  }

  async notifications(kind: string) {
    return (await this.tenant.notifications()).filter(
      (one) => one.integrationId === this.integrationId && one.kind === kind,
    );
  }

  /** What differs between what they have and what we hold of it, under `CONTACTS`. */
  async differences(recordType = 'contacts'): Promise<unknown[]> {
    const [remote, local] = [this.account.held(recordType), await this.held(recordType)];
    const shown = ({ name, email }: JsonObject) => JSON.stringify([name ?? null, email ?? null]);
    return [...new Set([...remote.keys(), ...local.keys()])].flatMap((id) => {
      const [there, here] = [remote.get(id), local.get(id)?.fields];
      const isSame = there !== undefined && here !== undefined && shown(there) === shown(here);
      return isSame ? [] : [{ id, there: there ?? null, here: here ?? null }];
    });
  }

  async integration() {
    return this.inTenant(({ trx }) =>
      trx
        .selectFrom('integrations')
        .selectAll()
        .where('integrationId', '=', this.integrationId)
        .executeTakeFirstOrThrow(),
    );
  }

  inTenant<T>(work: Parameters<typeof this.tenant.environment.database.withTenant<T>>[1]): Promise<T> {
    return this.tenant.environment.database.withTenant(this.tenant.tenantId, work);
  }
}
