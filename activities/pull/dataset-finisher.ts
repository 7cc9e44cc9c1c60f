/**
 * The last steps of reading a dataset: deletes missing records, counts both sides, and sets the next
 * watermark.
 */
import type { ReadAbilities } from '../../connectors/connector';
import type { TenantWork } from '../../db/database';
import { applyEmptied } from '../../db/pull/apply-emptied';
import { endWithoutEmptied, planEmptied } from '../../db/pull/emptied-records';
import { compareSides } from '../../db/pull/comparison/compare-sides';
import { endGrowth } from '../../db/pull/growth';
import { deleteMissing, planDeletions } from '../../db/pull/delete-missing';
import { hasPendingReview } from '../../db/pull/deletion-reviews';
import { lockSyncJob, type SyncJob, type SyncRun } from '../../db/pull/job-rows';
import type { PassKey } from '../../db/pull/page';
import { keepAllPromises } from '../../db/pull/references/keep-promises';
import type { Integration } from '../../db/integrations/integrations';
import { checkForInterruption, markDeletesWithheld, markWatermarkKept } from '../../db/pull/pass-state';
import { skipDriftedItems } from '../../db/pull/reviewed-items';
import { countSeenAgain, pagesOfJob } from '../../db/pull/comparison/seen-ids';
import { countLinked } from '../../db/records/record-links';
import { findSyncDataset, markDatasetSucceeded, type SyncDataset } from '../../db/sync-runs/sync-datasets';
import { markVerified } from '../../db/verify/unverified';
import { isUnconfirmed, totalsOf } from '../../domain/sync-runs/sync-status';
import { noteProgress } from '../work-progress';
import { suspiciouslyEmpty } from './dataset-failed';
import { addsUp, type PageReader, type ReadOutcome } from './page-reader';
import { readsAll } from './reads-all';

const RECORDS_PER_TRANSACTION = 1_000;
/**
 * Without changes, an incremental run counts the remote records at most this often; otherwise it makes one
 * request per dataset.
 */
const COUNT_INTERVAL_MS = 6 * 3_600_000;
/** Largest accepted difference between the clocks of the third party and Syncline. */
const CLOCK_SKEW_MAX_MS = 10 * 60_000;

interface Handled {
  handled: number;
  last: string | null;
}

export class DatasetFinisher {
  private readonly isFull: boolean;
  private total: Promise<number | null> | undefined;

  constructor(
    private readonly options: {
      run: SyncRun;
      integration: Integration;
      /** Other executions of the activity have read pages before, and may have died. */
      isContinued: boolean;
      isWithinTimeBox(): boolean;
    },
    private readonly pages: PageReader,
    private readonly pass: PassKey,
    private readonly abilities: ReadAbilities,
  ) {
    this.isFull = options.run.scope === 'full';
  }

  /** Safe to repeat: the rows store the progress. */
  async run(job: SyncJob): Promise<ReadOutcome> {
    if (readsAll(job, this.abilities)) await this.refuseSuspiciousEmptiness(job);
    if (this.isFull) {
      const deleted = await this.deleteMissingRecords(job);
      if (deleted !== 'done') return deleted;
    }
    const emptied = await this.applyEmptied();
    if (emptied !== 'done') return emptied;
    if (this.isFull || this.options.isContinued)
      await keepAllPromises(
        (callback) => this.inStep(callback),
        this.options.integration,
        this.pass.recordType,
      );
    const skipped = await this.skipDrifted();
    if (skipped !== 'done') return skipped;
    await this.saveSuccess(await this.isListComplete(job));
    return 'done';
  }

  /**
   * Single records were read, from which nothing follows about the others. A review is not replaced while it
   * waits for a person: webhooks may come every minute. The next run of the list plans again.
   */
  async runAfterNamed(): Promise<ReadOutcome> {
    const isInReview = await this.inTenant((work) => hasPendingReview(work, { ...this.pass, kind: 'empty' }));
    if (!isInReview) return this.applyEmptied();
    return (await this.hasJobEnded()) ? 'stopped' : 'done';
  }

  /** Empties fields that are empty at the third party, unless too many are (rules.md 53). */
  private async applyEmptied(): Promise<ReadOutcome> {
    if (this.options.run.overviewId !== null) return 'done';
    const ended = await this.inStep(async (work) => {
      if (await this.isJobEnded(work)) return 'stopped';
      return (await endWithoutEmptied(work, this.pass)) ? 'done' : undefined;
    });
    if (ended !== undefined) return ended;
    const { hasEmptied } = await this.inTenant((work) => checkForInterruption(work, this.pass));
    const held = hasEmptied ? await this.countLinked() : 0;
    const except = await planEmptied((callback) => this.inStep(callback), this.pass, { held });
    return this.inSteps(async (work, limit, after) => {
      if (await this.isJobEnded(work)) return { handled: 0, last: null };
      return applyEmptied(work, this.pass, { limit, after, except });
    });
  }

  /**
   * One transaction per step, until one handles fewer records than `limit`. `after`: the last record of the
   * step before. A transaction may be repeated, so the step itself keeps no place.
   */
  private async inSteps(
    step: (work: TenantWork, limit: number, after: string | null) => Promise<number | Handled>,
  ): Promise<ReadOutcome> {
    let after: string | null = null;
    for (;;) {
      const place: string | null = after;
      const done: number | Handled = await this.inStep((work) => step(work, RECORDS_PER_TRANSACTION, place));
      const { handled, last }: Handled = typeof done === 'number' ? { handled: done, last: null } : done;
      after = last;
      if (handled < RECORDS_PER_TRANSACTION) return (await this.hasJobEnded()) ? 'stopped' : 'done';
      if (!this.options.isWithinTimeBox() || (await this.isInterrupted())) return 'more';
    }
  }

  private async refuseSuspiciousEmptiness(job: SyncJob): Promise<void> {
    if (readInPass(job) > 0) return;
    const linked = await this.countLinked();
    if (linked > 0) throw suspiciouslyEmpty(this.pass.recordType, linked);
  }

  private async deleteMissingRecords(job: SyncJob): Promise<ReadOutcome> {
    if (await this.isInterrupted()) return 'more';
    if (job.deletesWithheld === null) {
      const compared = await this.compareSides();
      if (compared !== 'done') return compared;
    }
    if ((await this.planDeletions(job)) !== 'delete') return 'done';
    const overviewId = this.options.run.overviewId ?? undefined;
    return this.inSteps((work, limit) => deleteMissing(work, { ...this.pass, limit, overviewId }));
  }

  private compareSides(): Promise<'done' | 'more'> {
    const mayContinue = async () => this.options.isWithinTimeBox() && !(await this.isInterrupted());
    return compareSides((callback) => this.inStep(callback), this.pass, { mayContinue });
  }

  private async planDeletions(job: SyncJob): Promise<'none' | 'delete' | 'needs_review' | 'withheld'> {
    const { isPagingStable } = this.abilities;
    const total = isPagingStable ? null : await this.listTotal(job);
    if (
      job.deletesWithheld === null &&
      !isPagingStable &&
      !(await this.isComplete(job, total ?? readInPass(job)))
    )
      await this.inTenant((work) => markDeletesWithheld(work, this.pass, 'list_changed'));
    return this.inTenant(async (work) => {
      const current = await lockSyncJob(work, this.pass);
      if (current?.deletesWithheld != null) return 'withheld';
      // A reviewed overview needs no plan, and an earlier activity execution has made one if it deleted
      // anything.
      if (this.options.run.overviewId !== null || (current?.recordsDeleted ?? 0) > 0) return 'delete';
      const plan = await planDeletions(work, { ...this.pass, isCertain: isPagingStable || total !== null });
      if (plan === 'needs_review') await markDeletesWithheld(work, this.pass, 'needs_review');
      return plan;
    });
  }

  /** The size of the whole list after it was read. */
  private async listTotal({ remoteTotal }: SyncJob): Promise<number | null> {
    this.total ??= this.pages.count().then((counted) => counted ?? remoteTotal);
    return this.total;
  }

  private async isComplete(job: SyncJob, total: number): Promise<boolean> {
    return addsUp({ ...job, recordsRead: readInPass(job) }, total) && (await this.countSeenAgain(job)) === 0;
  }

  private async isInterrupted(): Promise<boolean> {
    return (await this.inTenant((work) => checkForInterruption(work, this.pass))).isInterrupted;
  }

  private hasJobEnded(): Promise<boolean> {
    return this.inTenant((work) => this.isJobEnded(work));
  }

  /** Also if it is gone. */
  private async isJobEnded(work: TenantWork): Promise<boolean> {
    return (await lockSyncJob(work, this.pass))?.finishedAt !== null;
  }

  /** Lists the reviewed items that were not found in their reviewed state (rules.md 21). */
  private async skipDrifted(): Promise<ReadOutcome> {
    const { overviewId } = this.options.run;
    if (overviewId === null) return 'done';
    return this.inSteps((work, limit) => skipDriftedItems(work, this.pass, { overviewId, limit }));
  }

  /**
   * Whether the list cannot have changed while it was read. null = not known: it has several pages, and the
   * third party tells no total of them.
   */
  private async isListComplete(job: SyncJob): Promise<boolean | null> {
    if (this.abilities.isPagingStable || job.pages <= 1) return true;
    const total = readsAll(job, this.abilities) ? await this.listTotal(job) : job.remoteTotal;
    if (total !== null) return this.isComplete(job, total);
    return (await this.countSeenAgain(job)) === 0 ? null : false;
  }

  private async saveSuccess(isListComplete: boolean | null): Promise<void> {
    const { run } = this.options;
    const { job, dataset } = await this.inTenant(async (work) => ({
      job: await lockSyncJob(work, this.pass),
      dataset: await findSyncDataset(work, this.pass),
    }));
    if (job === undefined) return;
    const hasChanged = job.recordsNew + job.recordsChanged + job.recordsDeleted > 0 || job.hasTombstones;
    const countedAt = dataset?.countedAt?.getTime() ?? 0;
    const isCountStale = run.requestedAt.getTime() - countedAt > COUNT_INTERVAL_MS;
    const isCounted = this.isFull || hasChanged || isCountStale || hasUnconfirmedDifference(dataset);
    const remoteTotal = isCounted ? await this.countRemote(job) : null;
    const local = isCounted ? await this.countLinked() : 0;
    await this.inTenant(async (work) => {
      // An overview may have left changes out, and a run over the last day does not cover all changes since
      // the watermark (rules.md 28).
      const isWhole = run.overviewId === null;
      const kept = job.watermarkKept ?? (isListComplete === false ? 'list_changed' : null);
      if (kept !== null) await markWatermarkKept(work, this.pass, kept);
      if (isWhole) await endGrowth(work, this.pass);
      const mayMove = kept === null && run.scope !== 'last_day' && isWhole;
      await markDatasetSucceeded(work, {
        ...this.pass,
        isFull: this.isFull && isWhole,
        watermark: mayMove ? watermarkOf(job, work.now) : null,
        syncToken: job.nextSyncToken,
        isConfirmed: isListComplete === true,
        counted: isCounted ? { local, remote: remoteTotal } : undefined,
      });
      if (this.isFull && isWhole && isListComplete !== false && job.startedAt !== null)
        await markVerified(work, { ...this.pass, startedAt: job.startedAt });
    });
  }

  private async countRemote(job: SyncJob): Promise<number | null> {
    const counted = await this.pages.count();
    if (counted !== null) return counted;
    if (!this.isFull) return null;
    if (job.remoteTotal !== null) return job.remoteTotal;
    // Some lists contain the same record twice.
    return readInPass(job) - (await this.countSeenAgain(job));
  }

  private countLinked(): Promise<number> {
    return countLinked((callback) => this.inStep(callback), this.pass);
  }

  private countSeenAgain(job: SyncJob): Promise<number> {
    return countSeenAgain((callback) => this.inStep(callback), pagesOfJob(job), { total: readInPass(job) });
  }

  private async inStep<T>(callback: (work: TenantWork) => Promise<T>): Promise<T> {
    const done = await this.inTenant(callback);
    await noteProgress();
    return done;
  }

  private inTenant<T>(callback: (work: TenantWork) => Promise<T>): Promise<T> {
    return this.pages.inTenant(callback);
  }
}

/** Without what was read before the pass started over. */
export const readInPass = ({ recordsRead, recordsReadBefore }: SyncJob): number =>
  recordsRead - recordsReadBefore;

/** A difference is repaired only if a second count finds it too (rules.md 52). */
function hasUnconfirmedDifference(dataset: SyncDataset | undefined): boolean {
  if (dataset === undefined) return false;
  const { difference } = totalsOf(dataset.localTotal, dataset.remoteTotal);
  return isUnconfirmed(difference, dataset.knownDifference);
}

/**
 * The third party's time at the first page. A remote clock far ahead is ignored: once it is corrected,
 * changes in between would be skipped.
 */
function watermarkOf({ asOf, startedAt }: SyncJob, now: Date): Date {
  if (asOf !== null && asOf.getTime() <= now.getTime() + CLOCK_SKEW_MAX_MS) return asOf;
  return new Date((startedAt ?? now).getTime() - CLOCK_SKEW_MAX_MS);
}
