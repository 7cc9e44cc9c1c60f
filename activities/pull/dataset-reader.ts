/**
 * One pass over one dataset: reads page after page, applying one while the next is requested; then deletes
 * missing records, counts, and moves the watermark. Every step ends in a row, so another worker continues
 * from the last page that was stored. A large list is divided into ranges, which several workers read in the
 * same way (rule 60); the steps after reading begin once all of them have ended.
 */
import type { ReadAbilities, ReadPage } from '../../connectors/connector';
import { SyncTokenExpired } from '../../connectors/errors';
import type { Database, TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { readPicklists } from '../../db/integrations/metadata';
import {
  type BulkInsert,
  canBulkInsert,
  isInitialLoad,
  prepareBulkInsert,
} from '../../db/pull/apply-initial-page';
import { endRanges, lockRange, type SyncRange } from '../../db/pull/ranges/sync-ranges';
import { lockSyncJob, type SyncJob, type SyncRun } from '../../db/pull/job-rows';
import {
  type AppliedPage,
  type PassKey,
  type PreparedPage,
  type PullTarget,
  pullTargetOf,
} from '../../db/pull/page';
import { settlePage } from '../../db/pull/references/keep-promises';
import { restartPass } from '../../db/pull/pass-state';
import type { OpenConnector, PullingLimits } from '../dependencies';
import { CursorExpired } from './dataset-failed';
import { DatasetFinisher, readInPass } from './dataset-finisher';
import { InsertsAhead } from './insert-ahead';
import { countFirst, findRanges, rangesAtOnce } from './list-ranges';
import { expectsWebhooks, type FetchNamed, findNamed } from './named-records';
import { PageApplier } from './page-applier';
import { type ApplyPage, PageReader, type ReadOutcome } from './page-reader';
import { readsAll } from './reads-all';
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
  bulk: BulkInsert | undefined;
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

  /** Restarts the pass if the cursor or the sync token has expired, a few times before the dataset fails. */
  private async restartIfExpired(
    error: unknown,
    at: { range?: number | undefined; pages: number },
  ): Promise<ReadOutcome> {
    const isTokenExpired = error instanceof SyncTokenExpired;
    if (!isTokenExpired && !(error instanceof CursorExpired)) throw error;
    const from = { ...at, readsAll: isTokenExpired };
    if (await this.pages.inTenant((work) => restartPass(work, this.pass, from))) return 'more';
    throw isTokenExpired ? error : error.refusal;
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
    const ahead = new InsertsAhead(this.options.database, this.pages, this.pass);
    const applier = new PageApplier(this.pages, this.pass, ahead);
    let pagesBefore = chain.pages;

    const request = {
      cursor: chain.cursor,
      range: chain.bounds,
      modifiedSince: canFilterByModified && this.named === undefined ? job.modifiedSince : null,
      syncToken: followsSyncToken && this.named === undefined ? job.syncToken : undefined,
      fetch: this.named,
      prepare: async (page: ReadPage) => {
        const prepared = this.forBulk(await prepare(page), target);
        if (range === undefined) ahead.begin(target, prepared);
        return prepared;
      },
    };
    const kept = {
      ...target,
      syncRunId: run.syncRunId,
      overviewId: run.overviewId,
      recordsPerType,
      isSparse: isSparse && this.named === undefined && !readsAll(job, abilities),
      expectsWebhooks: await expectsWebhooks((work) => this.pages.inTenant(work), this.pass, this.options),
    };
    const apply: ApplyPage<PreparedForDataset> = async ({ prepared, requestedAt }, prefetchNext) => {
      const { page } = prepared;
      const bulk = this.isInitialLoad ? prepared.bulk : undefined;
      const isNamed = this.named !== undefined;
      const total = page.total ?? (pagesBefore === 0 ? countedFirst : null);
      const toApply = { ...page, ...kept, range, pagesBefore, requestedAt, total };
      const applied = await applier.apply({ page: toApply, bulk, isNamed, prefetchNext });
      if (applied.kind === 'stopped') return 'stopped';
      this.job = applied.job;
      pagesBefore = applied.job.pages;
      await this.settle(page.records.map(({ remoteId }) => remoteId));
      this.isInitialLoad = applied.job.isInitialLoad;
      return resultOf(page, applied);
    };
    try {
      return await this.pages.readAll(request, apply);
    } catch (error) {
      return await this.restartIfExpired(error, { range, pages: pagesBefore });
    } finally {
      await ahead.end();
    }
  }

  private forBulk(page: PreparedPage, target: PullTarget): PreparedForDataset {
    const { overviewId } = this.options.run;
    const isBulk = this.isInitialLoad && canBulkInsert({ ...page, ...target, overviewId });
    return { page, bulk: isBulk ? prepareBulkInsert(page) : undefined };
  }

  /** Settles references to records of the page. If a worker dies before, the end of a pass does it. */
  private settle(remoteIds: readonly string[]): Promise<void> {
    const { integration, recordType } = this.options;
    return settlePage((work) => this.pages.inTenant(work), integration, recordType, remoteIds);
  }
}

function resultOf(
  { records, tombstones, refused }: PreparedPage,
  { job, isInterrupted }: Extract<AppliedPage, { kind: 'applied' }>,
) {
  return {
    repeatedPages: job.repeatedPages,
    isEmpty: records.length + tombstones.length + refused.length === 0,
    isInterrupted,
    recordsRead: readInPass(job),
  };
}
