/**
 * One pass over one dataset: reads page after page, applying one while the next is requested; then deletes
 * missing records, counts, and moves the watermark. Every step ends in a row, so another worker continues
 * from the last page that was stored. A large list is divided into ranges, which several workers read in the
 * same way (rule 60); the steps after reading begin once all of them have ended.
 */
import type { ReadAbilities } from '../../connectors/connector';
import { type Database, type TenantWork, waitForDisk } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { readPicklists } from '../../db/integrations/metadata';
import { appendStreamEvent } from '../../db/platform/change-feed';
import {
  applyInitialPage,
  type BulkInsert,
  canBulkInsert,
  isInitialLoad,
  prepareBulkInsert,
} from '../../db/pull/apply-initial-page';
import { applyPage } from '../../db/pull/apply-page';
import { JobHasEnded } from '../../db/pull/page-stages/save-checkpoint';
import { endNamedRecords } from '../../db/integrations/incoming/incoming-changes';
import { endRanges, lockRange, type SyncRange } from '../../db/pull/ranges/sync-ranges';
import { blamesNoRow } from '../../db/sql/database-away';
import { GrowthNeedsReview, parkGrowth } from '../../db/pull/growth';
import { lockSyncJob, type SyncJob, type SyncRun } from '../../db/pull/job-rows';
import {
  type AppliedPage,
  type CreatingPage,
  type PassKey,
  type PreparedPage,
  pullTargetOf,
} from '../../db/pull/page';
import { settlePage } from '../../db/pull/references/keep-promises';
import { RecordLimitReached } from '../../db/records/record-counts';
import type { OpenConnector, PullingLimits } from '../dependencies';
import { growthNeedsReview, tooManyRecords } from './dataset-failed';
import { DatasetFinisher, readInPass } from './dataset-finisher';
import { restartIfExpired } from './expired-list';
import { countFirst, findRanges, rangesAtOnce } from './list-ranges';
import { expectsWebhooks, type FetchNamed, findNamed, idsOf } from './named-records';
import { type ApplyPage, PageReader, type ReadOutcome } from './page-reader';
import { readsAll } from './reads-all';
import { withoutSpoilers } from './page-bisection';
import { createPagePreparation } from './prepare-page';

export interface DatasetReaderOptions {
  database: Database;
  tenantId: string;
  run: SyncRun;
  integration: Integration;
  opened: OpenConnector;
  recordType: string;
  /** See `PullingLimits`. */
  recordsPerType: number;
  ranges: PullingLimits['ranges'];
  /** The caller can have ranges read at the same time. */
  divides: boolean;
  isWithinTimeBox(): boolean;
}

/**
 * `more`: the time box has ended, or the run is to pause or end. `stopped`: canceled, or another worker has
 * continued. `ranges`: they are still to be read.
 */
export type PassResult = ReadOutcome | 'not_supported' | { ranges: number[] };

/** What is read page by page: the list, or a range of it. */
type Chain = Pick<SyncJob, 'cursor' | 'pages' | 'isInitialLoad'> &
  Partial<Pick<SyncRange, 'range' | 'bounds'>>;

interface PreparedForDataset {
  page: PreparedPage;
  bulkInsert: BulkInsert | undefined;
}

export class DatasetReader {
  private readonly pages: PageReader;
  private readonly pass: PassKey;
  /** As of the last page that was stored. */
  private job: SyncJob | undefined;
  /** All records so far were new ones. */
  private isInitialLoad = false;
  /** Only these records are read. */
  private named: FetchNamed | undefined;

  constructor(private readonly options: DatasetReaderOptions) {
    const { integration, run, recordType } = options;
    this.pages = new PageReader({ ...options, restartsExpired: true });
    this.pass = { integrationId: integration.integrationId, syncRunId: run.syncRunId, recordType };
  }

  async run(): Promise<PassResult> {
    const { abilities } = this.pages;
    if (abilities === null) return 'not_supported';
    this.job = await this.pages.inTenant((work) => this.begin(work));
    if (this.job === undefined) return 'stopped';
    const isContinued = this.job.pages > 0;
    this.named = await findNamed((work) => this.pages.inTenant(work), this.pass, this.options);
    if (this.named !== undefined) this.isInitialLoad = false;
    if (this.job.readFinishedAt === null) {
      const read = await (this.named === undefined
        ? this.readList(this.job, abilities)
        : this.readChain(this.job, this.job, abilities));
      if (read !== 'done') return read;
    }
    const finisher = new DatasetFinisher({ ...this.options, isContinued }, this.pages, this.pass, abilities);
    return this.named === undefined ? finisher.run(this.job) : finisher.runAfterNamed();
  }

  /** `done` also if the range no longer has to be read. */
  async runRange(number: number): Promise<ReadOutcome> {
    const { abilities } = this.pages;
    const job = await this.pages.inTenant((work) => this.begin(work));
    const range = await this.pages.inTenant((work) => lockRange(work, this.pass, number));
    if (abilities === null || job === undefined || range === undefined) return 'done';
    if (range.readFinishedAt !== null || job.readFinishedAt !== null || job.restarts > 0) return 'done';
    return this.readChain(range, job, abilities);
  }

  private async readList(job: SyncJob, abilities: ReadAbilities): Promise<PassResult> {
    const ranges = await findRanges(this.pages, this.pass, this.options, {
      job,
      abilities,
      isInitialLoad: this.isInitialLoad,
    });
    if (ranges.length === 0 || job.restarts > 0) return this.readChain(job, job, abilities);
    const open = ranges.filter(({ readFinishedAt }) => readFinishedAt === null);
    if (this.options.divides && open.length > 1)
      return { ranges: open.slice(0, rangesAtOnce(this.options)).map(({ range }) => range) };
    for (const range of open) {
      if (!this.options.isWithinTimeBox()) return 'more';
      const read = await this.readChain(range, job, abilities);
      if (read !== 'done') return read;
    }
    this.job = await this.pages.inTenant((work) => endRanges(work, this.pass));
    return this.job === undefined ? 'more' : 'done';
  }

  /** @returns undefined if the job has ended, for example because the run was canceled. */
  private async begin(work: TenantWork): Promise<SyncJob | undefined> {
    const job = await lockSyncJob(work, this.pass);
    if (job === undefined || job.finishedAt !== null) return undefined;
    this.isInitialLoad = job.pages === 0 ? await isInitialLoad(work, this.pass) : job.isInitialLoad;
    return job;
  }

  private async readChain(chain: Chain, job: SyncJob, abilities: ReadAbilities): Promise<ReadOutcome> {
    if (chain.range !== undefined) this.isInitialLoad = chain.isInitialLoad;
    const { canFilterByModified, followsSyncToken = false, isSparse = false } = abilities;
    const { range } = chain;
    const { run, integration, recordType, recordsPerType } = this.options;
    const target = pullTargetOf(integration, recordType);
    const picklists = await this.pages.inTenant((work) => readPicklists(work, integration));
    const prepare = createPagePreparation(target.mapping, picklists.get(recordType));
    const isList = range === undefined && this.named === undefined;
    const countedFirst = isList ? await countFirst(this.pages, run, job, abilities) : null;
    const { syncRunId, overviewId } = run;
    let pagesBefore = chain.pages;

    const request = {
      cursor: chain.cursor,
      range: chain.bounds,
      modifiedSince: canFilterByModified && this.named === undefined ? job.modifiedSince : null,
      syncToken: followsSyncToken && this.named === undefined ? job.syncToken : undefined,
      fetch: this.named,
      prepare: async (page: Parameters<typeof prepare>[0]): Promise<PreparedForDataset> => {
        const prepared = await prepare(page);
        const isBulk = this.isInitialLoad && canBulkInsert({ ...prepared, ...target, overviewId });
        return { page: prepared, bulkInsert: isBulk ? prepareBulkInsert(prepared) : undefined };
      },
    };
    const kept = {
      ...target,
      syncRunId,
      overviewId,
      recordsPerType,
      isSparse: isSparse && this.named === undefined && !readsAll(job, abilities),
      expectsWebhooks: await expectsWebhooks((work) => this.pages.inTenant(work), this.pass, this.options),
    };
    const apply: ApplyPage<PreparedForDataset> = async ({ prepared, requestedAt }, prefetchNext) => {
      const { page, bulkInsert } = prepared;
      const total = page.total ?? (pagesBefore === job.firstPage ? countedFirst : null);
      const toApply = { ...page, ...kept, range, pagesBefore, requestedAt, total };
      const applied = await this.apply(toApply, bulkInsert, prefetchNext);
      if (applied.kind === 'stopped') return 'stopped';
      this.job = applied.job;
      pagesBefore = applied.job.pages;
      await this.settle(page.records.map(({ remoteId }) => remoteId));
      this.isInitialLoad = applied.job.isInitialLoad;
      const isEmpty = page.records.length + page.tombstones.length + page.refused.length === 0;
      const { repeatedPages } = applied.job;
      return {
        repeatedPages,
        isEmpty,
        isInterrupted: applied.isInterrupted,
        recordsRead: readInPass(applied.job),
      };
    };
    return this.pages
      .readAll(request, apply)
      .catch((error: unknown) =>
        restartIfExpired(this.pages, this.pass, error, { range, pages: pagesBefore }),
      );
  }

  /** Settles references to records of the page. If a worker dies before, the end of a pass does it. */
  private settle(remoteIds: readonly string[]): Promise<void> {
    const { integration, recordType } = this.options;
    return settlePage((work) => this.pages.inTenant(work), integration, recordType, remoteIds);
  }

  /**
   * A page that cannot be applied is applied without the records that spoil it. The commit is asynchronous
   * where the page allows it: a lost page is read again, from the checkpoint lost with it.
   */
  private async apply(
    page: CreatingPage,
    bulkInsert: BulkInsert | undefined,
    prefetchNext: () => unknown,
  ): Promise<AppliedPage> {
    try {
      return await this.applyOnce(page, bulkInsert, prefetchNext);
    } catch (error) {
      if (blamesNoRow(error)) throw error;
      if (error instanceof JobHasEnded) return { kind: 'stopped' };
      if (error instanceof GrowthNeedsReview) await this.park(error);
      if (error instanceof RecordLimitReached) throw tooManyRecords(error.recordType, error.limit);
      const rest = await withoutSpoilers(page, async (part) => this.tryPage(part));
      if (rest === undefined) throw error;
      return this.applyOnce(rest, undefined, prefetchNext);
    }
  }

  private async park({ growth }: GrowthNeedsReview): Promise<never> {
    await this.pages.inTenant((work) => parkGrowth(work, this.pass, growth));
    throw growthNeedsReview(this.pass.recordType, growth);
  }

  /** Applies a page and takes it back. */
  private async tryPage(page: CreatingPage): Promise<void> {
    const takenBack = new Error('Only an attempt.');
    await this.pages
      .inTenant(async (work) => {
        await applyPage(work, page);
        throw takenBack;
      })
      .catch((error: unknown) => {
        if (error !== takenBack) throw error;
      });
  }

  private async applyOnce(
    page: CreatingPage,
    bulkInsert: BulkInsert | undefined,
    prefetchNext: () => unknown,
  ): Promise<AppliedPage> {
    let isFirstAttempt = true;
    return this.pages.applying(
      async (work) => {
        const bulk = this.isInitialLoad && isFirstAttempt ? bulkInsert : undefined;
        isFirstAttempt = false; // The transaction is repeated if one of the records exists.
        const applied =
          bulk === undefined
            ? await applyPage(work, page, prefetchNext)
            : await applyInitialPage(work, page, bulk, prefetchNext);
        if (applied.kind === 'applied' && this.named !== undefined)
          await endNamedRecords(work, { ...this.pass, remoteIds: idsOf(page) });
        if (applied.kind === 'applied' && this.pages.shouldAnnounce()) await this.announce(work);
        return applied;
      },
      {
        isOpen: async (work) => (await lockSyncJob(work, this.pass))?.finishedAt === null,
        commit: { waitsForDisk: false },
      },
    );
  }

  private async announce(work: TenantWork): Promise<void> {
    // Readers of the change feed continue after this transaction, so it must not be lost.
    await waitForDisk(work);
    const { integrationId, syncRunId } = this.pass;
    await appendStreamEvent(work, {
      topic: 'sync_runs',
      body: { integration_id: integrationId, sync_run_id: syncRunId },
    });
  }
}
