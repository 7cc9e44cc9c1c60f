/** Runs that read people and companies which refer to each other. */
import { createPagePreparation } from '../../../activities/pull/prepare-page';
import { findIntegration } from '../../../db/integrations/integrations';
import {
  applyInitialPage,
  canBulkInsert,
  isInitialLoad,
  prepareBulkInsert,
} from '../../../db/pull/apply-initial-page';
import { applyEmptied } from '../../../db/pull/apply-emptied';
import { applyPage } from '../../../db/pull/apply-page';
import { pullTargetOf } from '../../../db/pull/page';
import { keepAllPromises, settlePage } from '../../../db/pull/references/keep-promises';
import { findOurIds } from '../../../db/records/references/find-ids';
import { beginSyncRun, changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import type { TenantWork } from '../../../db/database';
import type { JsonObject } from '../../../domain/json';
import type { RecordTypeMappings } from '../../../domain/records/mapping';
import { referencesIn, referredKey, withOurIds } from '../../../domain/records/references';
import { GivenTenant, type TestDb } from '../given';

const mappings = (direction: 'pull' | 'both'): RecordTypeMappings => ({
  companies: { direction, fields: [{ name: 'name', to: 'name' }], onDelete: 'leave' },
  people: {
    direction,
    fields: [
      { name: 'name', to: 'name' },
      { name: 'manager', to: 'manager_id', ref: { recordType: 'people' }, values: {} },
      { name: 'company', to: '/company/id', ref: { recordType: 'companies' }, values: {} },
      { name: 'friends', to: 'friends', ref: { recordType: 'people' }, values: {} },
    ],
    onDelete: 'leave',
  },
});

type Shown = [remoteId: string, fields: JsonObject];

export class PullWorld {
  private constructor(
    readonly db: TestDb,
    readonly tenant: GivenTenant,
    readonly integrationId: string,
    private readonly recordTypes: RecordTypeMappings,
  ) {}

  static async create(db: TestDb, direction: 'pull' | 'both'): Promise<PullWorld> {
    const tenant = await GivenTenant.create(db);
    const recordTypes = mappings(direction);
    const integrationId = await tenant.integration({ recordTypes, gracePeriodMs: 0 });
    await tenant.work(({ trx, now }) =>
      trx
        .updateTable('integrations')
        .set({ onboardedAt: now, firstSyncCompletedAt: now })
        .where('integrationId', '=', integrationId)
        .execute(),
    );
    return new PullWorld(db, tenant, integrationId, recordTypes);
  }

  /** `external id` of a record that a pull has created. */
  async idOf(remoteId: string): Promise<string> {
    return this.tenant.work(
      async (work) => pullTargetOf(await this.integration(work), 'people').externalIdPrefix + remoteId,
    );
  }

  private async integration(work: TenantWork) {
    const integration = await findIntegration(work, { integrationId: this.integrationId });
    if (integration === undefined) throw new Error('There is no integration.');
    return integration;
  }

  /** What a worker does after its page is committed. @returns how many transactions that took */
  async settle(type: string, remoteIds: readonly string[]): Promise<number> {
    const { tenant, integrationId, recordTypes } = this;
    let transactions = 0;
    const inTenant = <T>(work: (tenant: TenantWork) => Promise<T>) => {
      transactions += 1;
      return tenant.work(work);
    };
    await settlePage(inTenant, { integrationId, recordTypes }, type, remoteIds);
    return transactions;
  }

  /**
   * One run. @param skipsSettling a worker died after each page. @param isFull false: the end of the pass
   * looks at nothing that it has not read
   */
  async run(
    pages: { type: string; records: Shown[] }[],
    { skipsSettling = false, isFull = true } = {},
  ): Promise<void> {
    const { tenant, integrationId, recordTypes } = this;
    const inTenant = <T>(work: (tenant: TenantWork) => Promise<T>) => tenant.work(work);
    await inTenant((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'test' }));
    const run = await inTenant((work) => beginSyncRun(work, { integrationId }));
    if (run === undefined) throw new Error('There is no run.');
    const { syncRunId } = run;
    const read = new Map<string, number>();
    for (const { type, records } of pages) {
      const pagesBefore = read.get(type) ?? 0;
      read.set(type, pagesBefore + 1);
      if (pagesBefore === 0)
        await inTenant((work) =>
          changeSyncJob(work, { syncRunId, recordType: type }, { state: 'running', attempts: 1 }),
        );
      const prepared = await this.prepare(type, records);
      await inTenant(async (work) => {
        const page = {
          ...pullTargetOf(await this.integration(work), type),
          ...prepared,
          syncRunId,
          overviewId: null,
          pagesBefore,
          recordsPerType: 1_000_000,
          nextCursor: String(pagesBefore + 1),
          asOf: work.now,
          total: null,
          requestedAt: new Date(work.now.getTime() + 60_000),
        };
        const isInitial = await isInitialLoad(work, { integrationId, syncRunId, recordType: type });
        if (isInitial && canBulkInsert(page)) await applyInitialPage(work, page, prepareBulkInsert(page));
        else await applyPage(work, page);
      });
      if (!skipsSettling)
        await this.settle(
          type,
          records.map(([remoteId]) => remoteId),
        );
    }
    for (const recordType of Object.keys(recordTypes))
      await inTenant((work) =>
        applyEmptied(work, { integrationId, syncRunId, recordType }, { limit: 1_000, after: null }),
      );
    if (isFull)
      for (const recordType of Object.keys(recordTypes))
        await keepAllPromises(inTenant, { integrationId, recordTypes }, recordType);
    for (const recordType of ['', ...Object.keys(recordTypes)])
      await inTenant((work) => changeSyncJob(work, { syncRunId, recordType }, { state: 'succeeded' }));
  }

  private async prepare(type: string, records: Shown[]) {
    const mapping = this.recordTypes[type];
    if (mapping === undefined) throw new Error('It is not mapped.');
    const wanted = records.flatMap(([, fields]) => referencesIn(mapping, fields));
    const ids = await this.tenant.work((work) => findOurIds(work, this.integrationId, wanted));
    return createPagePreparation(mapping)({
      records: records.map(([remoteId, fields]) => ({
        remoteId,
        remoteVersion: null,
        externalId: null,
        isDeleted: false,
        fields: withOurIds(mapping, fields, (one) => ids.get(referredKey(one))),
      })),
      unreadable: [],
      nextCursor: null,
      asOf: null,
      total: null,
    });
  }

  async fields(): Promise<Record<string, JsonObject>> {
    const rows = await this.tenant.work(({ trx }) =>
      trx.selectFrom('records').select(['externalId', 'fields']).orderBy('externalId').execute(),
    );
    return Object.fromEntries(rows.map(({ externalId, fields }) => [externalId.split(':').at(-1), fields]));
  }

  promises(): Promise<{ field: string; remoteId: string }[]> {
    return this.tenant.work(({ trx }) =>
      trx.selectFrom('referencePromises').select(['field', 'remoteId']).orderBy('remoteId').execute(),
    );
  }

  async warnings(): Promise<string[]> {
    const rows = await this.tenant.work(({ trx }) =>
      trx.selectFrom('syncRecordErrors').select('code').execute(),
    );
    return rows.map(({ code }) => code);
  }

  async events(): Promise<string[]> {
    const rows = await this.tenant.work(({ trx }) =>
      trx.selectFrom('events').select('type').orderBy('eventId').execute(),
    );
    return rows.map(({ type }) => type).filter((type) => type.startsWith('DATA_'));
  }
}
