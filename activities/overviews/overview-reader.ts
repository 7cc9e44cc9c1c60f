/**
 * One dataset of an overview. Pull: the list is read as by a full pass, and stored as items. Push: the remote
 * records are compared with what Syncline would send. A Sync Now without an overview finds the changes to
 * push in the same way.
 */
import type { ReadPage } from '../../connectors/connector';
import type { Database, TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { changeOverviewJob, lockOverviewJob, type OverviewJob } from '../../db/overviews/overview-jobs';
import { endOverviewJob } from '../../db/overviews/overview-lifecycle';
import type { Checkpoint, StepResult } from '../../db/overviews/overview-pages';
import { announceOverview } from '../../db/overviews/overviews';
import { type LocalChunk, pagesOfOverview } from '../../db/overviews/local-chunk';
import { previewDeletions, previewPage } from '../../db/overviews/preview-pull';
import { compareLocalRecords, comparePage } from '../../db/overviews/preview-push';
import { countSeenAgain, partsFor, SeenIds } from '../../db/pull/comparison/seen-ids';
import { pullTargetOf } from '../../db/pull/page';
import { countLinked } from '../../db/records/record-links';
import type { OpenConnector } from '../dependencies';
import { listChanged, suspiciouslyEmpty } from '../pull/dataset-failed';
import { addsUp, type FetchedPage, PageReader, type ReadOutcome } from '../pull/page-reader';
import { createPagePreparation } from '../pull/prepare-page';

export interface OverviewReaderOptions {
  database: Database;
  tenantId: string;
  overviewId: string;
  integration: Integration;
  opened: OpenConnector;
  job: OverviewJob;
  /** See `PullingLimits`. */
  recordsPerType: number;
  isWithinTimeBox(): boolean;
}

const LOCAL_RECORDS_PER_STEP = 500;
/** Also the records of which one statement reads and stores all fields. */
const LINKS_PER_STEP = 1_000;
/**
 * Stored as the cursor once the last page was read. It differs from every page number and every cursor of a
 * third party.
 */
const READ_TO_END = 'syncline:read';

export class OverviewReader {
  private readonly pages: PageReader;
  private job: OverviewJob;

  constructor(private readonly options: OverviewReaderOptions) {
    this.job = options.job;
    this.pages = new PageReader({ ...options, recordType: options.job.recordType });
  }

  /**
   * `done`: the job has ended, or the overview was superseded. @throws what the connector throws, and
   * `DatasetFailed`.
   */
  async run(): Promise<'done' | 'more'> {
    const { abilities } = this.pages;
    if (this.job.direction === 'pull') {
      if (abilities === null) return this.end('not_supported');
      await this.begin(null);
      return this.preview(abilities.isPagingStable);
    }
    await this.begin(abilities === null ? 'last_push' : 'third_party');
    return this.compare(abilities?.isPagingStable ?? true);
  }

  private async begin(comparedWith: OverviewJob['comparedWith']): Promise<void> {
    this.job = await this.pages.inTenant(async (work) => {
      if (this.job.startedAt === null || this.job.state !== 'running')
        await changeOverviewJob(work, this.job, {
          state: 'running',
          startedAt: this.job.startedAt ?? work.now,
          comparedWith,
          waitingUntil: null,
          error: null,
        });
      return (await lockOverviewJob(work, this.job)) ?? this.job;
    });
  }

  private async preview(isPagingStable: boolean): Promise<'done' | 'more'> {
    const { integration, overviewId } = this.options;
    const target = pullTargetOf(integration, this.job.recordType);
    const read = await this.readAll(createPagePreparation(target.mapping), (page, checkpoint) => {
      const { prepared, requestedAt } = page;
      const pagesBefore = this.job.pages;
      const toPreview = {
        ...prepared,
        ...target,
        syncRunId: overviewId,
        overviewId: null,
        pagesBefore,
        requestedAt,
      };
      return this.pages.applying((work) => previewPage(work, this.job, toPreview, checkpoint), {
        isOpen: async (work) => (await lockOverviewJob(work, this.job))?.finishedAt === null,
      });
    });
    if (read !== 'done') return read === 'more' ? 'more' : 'done';
    // Once only: the list may change while both sides are compared.
    if (!this.hasBegunToCompare) await this.refuseIncompleteList(isPagingStable);
    const { integrationId } = integration;
    const compared = await this.inParts(partsFor(this.job.recordsRead), (work, chunk) =>
      previewDeletions(work, this.job, { integrationId, limit: LINKS_PER_STEP, ...chunk }),
    );
    if (compared !== 'done') return compared === 'more' ? 'more' : 'done';
    return this.end('succeeded');
  }

  private async compare(isPagingStable: boolean): Promise<'done' | 'more'> {
    const { integration } = this.options;
    const isReadable = this.job.comparedWith === 'third_party';
    // Local records that are missing in the app are only known after the whole remote list was read.
    if (isReadable) {
      const read = await this.readAll(
        () => undefined,
        ({ records, unreadable, requestedAt }, checkpoint) => {
          const page = { integration, pagesBefore: this.job.pages, records, unreadable, requestedAt };
          return this.pages.inTenant((work) => comparePage(work, this.job, page, checkpoint));
        },
      );
      if (read !== 'done') return read === 'more' ? 'more' : 'done';
      // Once only: the list may change while the local records are compared.
      if (!this.hasBegunToCompare) await this.refuseIncompleteList(isPagingStable);
    }
    if (this.job.readFinishedAt === null) {
      const step = { integration, isReadable, limit: LOCAL_RECORDS_PER_STEP };
      const parts = isReadable ? partsFor(this.job.recordsRead) : 1;
      const compared = await this.inParts(parts, (work, chunk) =>
        compareLocalRecords(work, this.job, { ...step, ...chunk }),
      );
      if (compared !== 'done') return compared === 'more' ? 'more' : 'done';
    }
    return this.end('succeeded');
  }

  private get hasBegunToCompare(): boolean {
    return this.job.comparedPart > 0 || this.job.afterRecordId !== null;
  }

  /** Compares chunk by chunk what Syncline holds with what the pages showed. The job's row has the place. */
  private async inParts(
    parts: number,
    step: (work: TenantWork, chunk: Omit<LocalChunk, 'limit'>) => Promise<StepResult>,
  ): Promise<ReadOutcome> {
    while (this.job.comparedPart < parts) {
      const part = { part: this.job.comparedPart, parts };
      const pages = pagesOfOverview(this.job);
      const seen = await SeenIds.read((read) => this.pages.inTenant(read), pages, part);
      while (this.job.comparedPart === part.part) {
        const job = await this.pages.inTenant((work) => step(work, { ...part, seen }));
        if (job === undefined) return 'stopped';
        this.job = job;
        await this.announce();
        if (job.comparedPart < parts && !this.options.isWithinTimeBox()) return 'more';
      }
    }
    return 'done';
  }

  /** Pages are not requested ahead, so that a superseded overview requests no further page. */
  private async readAll<Prepared>(
    prepare: (page: ReadPage) => Prepared | Promise<Prepared>,
    save: (page: FetchedPage<Prepared>, checkpoint: Checkpoint) => Promise<StepResult>,
  ): Promise<ReadOutcome> {
    if (this.job.readFinishedAt !== null || this.isReadToEnd) return 'done';
    const request = { cursor: this.job.cursor, modifiedSince: null, prepare };
    return this.pages.readAll(request, async (page) => {
      const isLast = page.nextCursor === null;
      const total = page.total ?? (this.job.pages === 0 ? await this.pages.count() : null);
      const job = await save(page, { cursor: isLast ? READ_TO_END : page.nextCursor, isLast, total });
      if (job === undefined) return 'stopped';
      this.job = job;
      await this.announce();
      const isEmpty = page.records.length + page.unreadable.length === 0;
      const { repeatedPages, recordsRead } = job;
      return { repeatedPages, recordsRead, isEmpty, isInterrupted: false };
    });
  }

  private get isReadToEnd(): boolean {
    return this.job.pages > 0 && this.job.cursor === READ_TO_END;
  }

  /**
   * Records that a list lacks by mistake would be shown as missing (rules.md 23). @throws `DatasetFailed`.
   */
  private async refuseIncompleteList(isPagingStable: boolean): Promise<void> {
    const { integrationId } = this.options.integration;
    const { recordsRead, recordType } = this.job;
    const linked = await countLinked((count) => this.pages.inTenant(count), { integrationId, recordType });
    if (recordsRead === 0 && linked > 0) throw suspiciouslyEmpty(recordType, linked);
    if (!isPagingStable && !(await this.isComplete())) throw listChanged(recordType);
  }

  private async isComplete(): Promise<boolean> {
    const total = (await this.pages.count()) ?? this.job.recordsRead;
    if (!addsUp(this.job, total)) return false;
    const pages = pagesOfOverview(this.job);
    return (await countSeenAgain((read) => this.pages.inTenant(read), pages, { total })) === 0;
  }

  private async announce(): Promise<void> {
    if (!this.pages.shouldAnnounce()) return;
    const { overviewId, integration } = this.options;
    const { integrationId } = integration;
    await this.pages.inTenant((work) => announceOverview(work, { overviewId, integrationId }));
  }

  private async end(state: 'succeeded' | 'not_supported'): Promise<'done'> {
    await this.pages.inTenant((work) => endOverviewJob(work, this.job, { state }));
    return 'done';
  }
}
