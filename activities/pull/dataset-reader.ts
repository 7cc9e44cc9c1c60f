/**
 * A pass over one dataset: reads page after page, applying one while the next is on its way; then deletes what is missing, counts, and
 * says how far it was read. Every step ends in a row, so that another process goes on from the page in flight, or from a few before it
 * where PostgreSQL itself has died.
 */
import type { ReadAbilities, ReadPage } from '../../connectors/connector';
import { type Commit, type Database, type TenantWork, waitForDisk } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { countLinked, findSyncDataset, markDatasetSucceeded } from '../../db/sync-runs/sync-datasets';
import { recordSkippedItems } from '../../db/pull/apply-reviewed';
import { deleteMissing, deleteReviewedMissing, planDeletions } from '../../db/pull/delete-missing';
import { canBulkInsert, prepareBulkInsert, type BulkInsert } from '../../db/pull/initial-load';
import { lockSyncJob, type SyncJob, type SyncRun } from '../../db/sync-runs/sync-jobs';
import { countSeenAgain, checkForInterruption, markDeletesWithheld } from '../../db/pull/pass-state';
import { applyPage, recordSkippedRecords, type PageToApply } from '../../db/pull/apply-page';
import { appendStreamEvent } from '../../db/platform/change-feed';
import type { SyncError } from '../../domain/sync-error';
import type { ActivityLog, OpenConnector } from '../dependencies';
import { createPagePreparation, type PreparedPage } from './prepare-page';

export interface DatasetReaderOptions {
  database: Database;
  tenantId: string;
  run: SyncRun;
  integration: Integration;
  opened: OpenConnector;
  recordType: string;
  isWithinTimeBox(): boolean;
  log: ActivityLog;
}

/** `more`: its time is up, or people want it to wait or end: look at the rows. `stopped`: canceled, or somebody else goes on. */
export type PassResult = 'done' | 'more' | 'stopped' | 'not_supported';

/** This dataset cannot be read as it is: no use in trying again by itself. */
export class DatasetFailed extends Error {
  constructor(readonly syncError: SyncError) {
    super(syncError.message);
  }
}

/** Pages in a row that hold what was read before: the list goes round in circles. */
const REPEATED_PAGES_MAX = 3;
/** Some lists have empty pages in the middle, where what they hold is filtered after it is paged. */
const EMPTY_PAGES_MAX = 100;
const DELETE_CHUNK = 1_000;
const ANNOUNCE_EVERY_MS = 1_000;
/** Without a change an incremental run counts theirs at most this often; it makes one request per dataset otherwise. */
const COUNT_EVERY_MS = 6 * 3_600_000;

interface AskedPage {
  page: PreparedPage;
  unmatched?: BulkInsert | undefined;
  requestedAt: Date;
}

export class DatasetReader {
  private readonly prepare: (page: ReadPage) => PreparedPage;
  private announcedAt = 0;
  /** So far. */
  private isInitialLoad = false;
  /** By the database's clock, and rather too early: when the latest transaction began. */
  private now = new Date(0);

  constructor(private readonly parts: DatasetReaderOptions) {
    this.prepare = createPagePreparation(parts.integration.recordTypes[parts.recordType]);
  }

  async run(): Promise<PassResult> {
    const { connector, context } = this.parts.opened;
    const abilities = connector.readAbilities?.(context.config, this.parts.recordType) ?? null;
    if (abilities === null || connector.readPage === undefined) return 'not_supported';
    let job = await this.job();
    if (job === undefined) return 'stopped';
    if (job.readFinishedAt === null) {
      const read = await this.readAll(job, abilities);
      if (typeof read === 'string') return read;
      job = read;
    }
    if (this.isFull || job.modifiedSince === null || !abilities.canFilterByModified)
      await this.refuseSuspiciousEmptiness(job);
    if (this.isFull) {
      const deleted = await this.deleteWhatIsMissing(job, abilities.isPagingStable);
      if (deleted !== 'done') return deleted;
    }
    await this.recordSkipped();
    await this.conclude();
    return 'done';
  }

  private get isFull(): boolean {
    return this.parts.run.scope === 'full';
  }

  private get place() {
    const { integration, run, recordType } = this.parts;
    return { integrationId: integration.integrationId, syncRunId: run.syncRunId, recordType };
  }

  /** The next page is asked for while this one is written. A page that fails costs what was not written yet, nothing more. */
  private async readAll(
    job: SyncJob,
    { canFilterByModified, isPagingStable }: ReadAbilities,
  ): Promise<SyncJob | PassResult> {
    const modifiedSince = canFilterByModified ? job.modifiedSince : null;
    let current = job;
    this.isInitialLoad = job.isInitialLoad;
    // Of a list that may move and does not say what it holds: counted before its first page, to be compared with what was read.
    const countedFirst = this.isFull && !isPagingStable && job.pages === 0 ? await this.count() : null;
    let asked = this.ask(current.cursor, modifiedSince);
    for (;;) {
      const { page, unmatched, requestedAt } = await asked;
      const isLast = page.nextCursor === null;
      const isTimeUp = !this.parts.isWithinTimeBox();
      if (page.nextCursor !== null && page.nextCursor === current.cursor)
        throw endless(this.parts.recordType);
      const askNext = once(() => (isLast || isTimeUp ? undefined : this.ask(page.nextCursor, modifiedSince)));

      const toApply: PageToApply = {
        ...this.place,
        integration: this.parts.integration,
        overviewId: this.parts.run.overviewId,
        pagesBefore: current.pages,
        requestedAt,
        ...page,
        unmatched,
        total: page.total ?? (current.pages === 0 ? countedFirst : null),
      };
      let isAssumedNew = true;
      const applied = await this.inTenant(
        async (work) => {
          const attempt = { ...toApply, isAssumedNew };
          isAssumedNew = false; // begun again, it looks
          const result = await applyPage(work, attempt, askNext);
          if (result.kind === 'applied') await this.announce(work);
          return result;
        },
        { waitsForDisk: false }, // a page that was forgotten is read again, from the checkpoint that was forgotten with it
      );
      if (applied.kind === 'stopped') return 'stopped';
      current = applied.job;
      this.isInitialLoad = current.isInitialLoad;
      const isEmpty = page.records.length + page.tombstones.length + page.refused.length === 0;
      if (current.repeatedPages >= (isEmpty ? EMPTY_PAGES_MAX : REPEATED_PAGES_MAX))
        throw endless(this.parts.recordType);
      if (isLast) return current;
      if (applied.isInterrupted) return 'more';
      const next = askNext();
      if (next === undefined) return 'more';
      asked = next;
    }
  }

  /** At most once a second, however fast the pages come. */
  private async announce(work: TenantWork): Promise<void> {
    const now = performance.now();
    if (now - this.announcedAt < ANNOUNCE_EVERY_MS) return;
    this.announcedAt = now;
    // Whoever follows the stream stands behind this transaction from now on: it may not be forgotten.
    await waitForDisk(work);
    const { integrationId, syncRunId } = this.place;
    await appendStreamEvent(work, {
      topic: 'sync_runs',
      body: { integration_id: integrationId, sync_run_id: syncRunId },
    });
  }

  private async ask(cursor: string | null, modifiedSince: Date | null): Promise<AskedPage> {
    const { connector, context } = this.parts.opened;
    if (connector.readPage === undefined) throw new Error(`The connector ${connector.kind} reads nothing.`);
    const requestedAt = this.now;
    const page = this.prepare(
      await connector.readPage({ recordType: this.parts.recordType, modifiedSince, cursor }, context),
    );
    // Made ready as soon as it is here, while the database still writes the page before.
    const inPlace = {
      ...page,
      integration: this.parts.integration,
      recordType: this.parts.recordType,
      overviewId: this.parts.run.overviewId,
    };
    return {
      page,
      unmatched: this.isInitialLoad && canBulkInsert(inPlace) ? prepareBulkInsert(inPlace) : undefined,
      requestedAt,
    };
  }

  /** Nothing where there was something is more likely a mistake there than the truth (rules.md 35). */
  private async refuseSuspiciousEmptiness(job: SyncJob): Promise<void> {
    if (job.recordsRead > 0) return;
    const held = await this.inTenant((work) => countLinked(work, this.place));
    if (held === 0) return;
    throw suspiciouslyEmpty(this.parts.recordType, held);
  }

  private async deleteWhatIsMissing(job: SyncJob, isPagingStable: boolean): Promise<PassResult> {
    if (await this.isInterrupted()) return 'more';
    const total = isPagingStable ? null : ((await this.count()) ?? job.remoteTotal);
    if (
      job.deletesWithheld === null &&
      !isPagingStable &&
      !(await this.addsUp(job, total ?? job.recordsRead))
    )
      await this.inTenant((work) => markDeletesWithheld(work, this.place, 'list_changed'));
    const { overviewId } = this.parts.run;
    const plan = await this.inTenant(async (work) => {
      const now = await lockSyncJob(work, this.place);
      if (now?.deletesWithheld != null) return 'withheld' as const;
      // Once it has begun to delete, the plan was made; and so it was where somebody has looked at every one.
      if (overviewId !== null) return 'delete' as const;
      if (now !== undefined && now.recordsDeleted > 0) return 'delete' as const;
      const made = await planDeletions(work, { ...this.place, isCertain: isPagingStable || total !== null });
      if (made === 'parked') await markDeletesWithheld(work, this.place, 'needs_review');
      return made;
    });
    if (plan !== 'delete') return 'done';
    for (;;) {
      const deleted = await this.inTenant((work) =>
        overviewId === null
          ? deleteMissing(work, { ...this.place, limit: DELETE_CHUNK })
          : deleteReviewedMissing(work, { ...this.place, overviewId, limit: DELETE_CHUNK }),
      );
      if (deleted < DELETE_CHUNK) return (await this.job()) === undefined ? 'stopped' : 'done';
      if (!this.parts.isWithinTimeBox() || (await this.isInterrupted())) return 'more';
    }
  }

  private async isInterrupted(): Promise<boolean> {
    return (await this.inTenant((work) => checkForInterruption(work, this.place))).isInterrupted;
  }

  /**
   * As many were read as the list said it holds, at its beginning and at its end, and none twice: one read twice could make up for one that
   * slipped away.
   */
  private async addsUp({ expectedRecords, recordsRead }: SyncJob, total: number): Promise<boolean> {
    if (total !== recordsRead || (expectedRecords ?? total) !== total) return false;
    return (await this.inTenant((work) => countSeenAgain(work, this.place))) === 0;
  }

  /** What an overview showed and was not met again as it was (rules.md 21). */
  private async recordSkipped(): Promise<void> {
    const { overviewId } = this.parts.run;
    if (overviewId === null) return;
    await this.inTenant(async (work) => {
      if ((await lockSyncJob(work, this.place))?.finishedAt !== null) return;
      const { skippedRecords, count } = await recordSkippedItems(work, { ...this.place, overviewId });
      await recordSkippedRecords(work, this.place, skippedRecords, count);
    });
  }

  private async conclude(): Promise<void> {
    const { run } = this.parts;
    const { job, dataset } = await this.inTenant(async (work) => ({
      job: await lockSyncJob(work, this.place),
      dataset: await findSyncDataset(work, this.place),
    }));
    if (job === undefined) return;
    const hasChanged = job.recordsNew + job.recordsChanged + job.recordsDeleted > 0 || job.hasTombstones;
    const isStale =
      dataset?.countedAt == null || run.requestedAt.getTime() - dataset.countedAt.getTime() > COUNT_EVERY_MS;
    const theirs = this.isFull || hasChanged || isStale ? await this.countRemote(job) : undefined;
    await this.inTenant(async (work) => {
      const counted =
        theirs === undefined ? undefined : { ours: await countLinked(work, this.place), theirs };
      // Changes from the last day leave the watermark alone (rules.md 28), and so does what left changes aside that nobody had reviewed.
      const isWhole = run.overviewId === null;
      const watermark = run.scope === 'last_day' || !isWhole ? null : watermarkOf(job, work.now);
      await markDatasetSucceeded(work, { ...this.place, isFull: this.isFull && isWhole, watermark, counted });
    });
  }

  private async countRemote(job: SyncJob): Promise<number | null> {
    const counted = await this.count();
    if (counted !== null) return counted;
    if (!this.isFull) return null;
    if (job.remoteTotal !== null) return job.remoteTotal;
    // Some lists hold a record twice, and it is one all the same.
    return job.recordsRead - (await this.inTenant((work) => countSeenAgain(work, this.place)));
  }

  /** null where they cannot tell. */
  private async count(): Promise<number | null> {
    const { connector, context } = this.parts.opened;
    return (await connector.count?.(this.parts.recordType, context)) ?? null;
  }

  /** Undefined where it has ended, by cancellation for one. */
  private async job(): Promise<SyncJob | undefined> {
    const job = await this.inTenant((work) => lockSyncJob(work, this.place));
    return job?.finishedAt === null ? job : undefined;
  }

  private inTenant<T>(work: (context: TenantWork) => Promise<T>, commit?: Commit): Promise<T> {
    return this.parts.database.withTenant(
      this.parts.tenantId,
      (context) => {
        this.now = context.now;
        return work(context);
      },
      commit,
    );
  }
}

/** A third party's clock may be off from ours by this much. */
const CLOCKS_DISAGREE_MS = 10 * 60_000;

export function suspiciouslyEmpty(recordType: string, held: number): DatasetFailed {
  return new DatasetFailed({
    category: 'config',
    origin: 'app',
    code: 'suspiciously_empty',
    field: null,
    remote_field: null,
    message: `${recordType}: the third party lists nothing, and we hold ${held} of its records.`,
    explanation:
      'Nothing was deleted. Check what the credentials may see and where the list is read; if it is really empty, remove the record type from the integration.',
  });
}

/** Their time at the first page. One that is far ahead of ours is believed as little as none: set right, it would leave out all until then. */
function watermarkOf({ asOf, startedAt }: SyncJob, now: Date): Date {
  if (asOf !== null && asOf.getTime() <= now.getTime() + CLOCKS_DISAGREE_MS) return asOf;
  return new Date((startedAt ?? now).getTime() - CLOCKS_DISAGREE_MS);
}

export function endless(recordType: string): DatasetFailed {
  return new DatasetFailed({
    category: 'config',
    origin: 'app',
    code: 'endless_list',
    field: null,
    remote_field: null,
    message: `${recordType}: the list goes round in circles: page after page holds what was read before.`,
    explanation: 'Nothing was deleted. Look at how the list is paged in the configuration.',
  });
}

/** Asked for once, however often; what became of it is heard of by who awaits it. */
function once(ask: () => Promise<AskedPage> | undefined): () => Promise<AskedPage> | undefined {
  let asked: { page: Promise<AskedPage> | undefined } | undefined;
  return () => {
    if (asked === undefined) {
      asked = { page: ask() };
      asked.page?.catch(() => undefined);
    }
    return asked.page;
  };
}
