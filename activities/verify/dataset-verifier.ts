/**
 * One pass that compares what was pushed with what the third party holds (rules.md 54), for record types that
 * are only pushed. Record types in both directions are compared by their pull.
 */
import type { TenantWork } from '../../db/database';
import { isAtBeginning, lockSyncJob, type SyncJob } from '../../db/pull/job-rows';
import type { PassKey } from '../../db/pull/page';
import { checkForInterruption } from '../../db/pull/pass-state';
import { countSeenAgain, pagesOfJob } from '../../db/pull/comparison/seen-ids';
import { countLinked } from '../../db/records/record-links';
import { toTypeId } from '../../db/sql/ids';
import { addSyncDatasets, markDatasetSucceeded } from '../../db/sync-runs/sync-datasets';
import { acceptDrifts, type Drifted, repairDrifts } from '../../db/verify/decide-drifts';
import type { Verification } from '../../db/verify/drifts';
import { countDrifts, notifyOfDrifts } from '../../db/verify/notify-of-drifts';
import { countVerifiable, verifyUnseen } from '../../db/verify/verify-missing';
import { markVerified } from '../../db/verify/unverified';
import { verifyPage } from '../../db/verify/verify-page';
import { verifyJobOf } from '../../domain/overviews/overview';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import { type DriftReaction, settingsOf } from '../../domain/records/record-type-settings';
import { suspiciouslyEmpty } from '../pull/dataset-failed';
import { readInPass } from '../pull/dataset-finisher';
import type { DatasetReaderOptions, PassResult } from '../pull/dataset-reader';
import { restartIfExpired } from '../pull/expired-list';
import { addsUp, type ApplyPage, PageReader, type ReadOutcome } from '../pull/page-reader';
import { noteProgress } from '../work-progress';

interface Counted {
  local: number;
  remote: number | null;
}

export class DatasetVerifier {
  private readonly pages: PageReader;
  private readonly key: Verification;
  private readonly mapping: RecordTypeMapping;

  constructor(private readonly options: DatasetReaderOptions) {
    const { integration, run, recordType } = options;
    this.pages = new PageReader({ ...options, restartsExpired: true });
    const job = verifyJobOf(recordType);
    this.key = { integrationId: integration.integrationId, syncRunId: run.syncRunId, job, recordType };
    const mapping = integration.recordTypes[recordType];
    if (mapping === undefined) throw new Error(`The integration maps no record type ${recordType}.`);
    this.mapping = mapping;
  }

  async run(): Promise<PassResult> {
    const { abilities } = this.pages;
    if (abilities === null) return 'not_supported';
    const job = await this.lockJob();
    if (job === undefined || job.finishedAt !== null) return 'stopped';
    if (job.readFinishedAt === null) {
      const read = await this.readAll(job);
      if (read !== 'done') return read;
    }
    return this.finish(abilities.isPagingStable);
  }

  private lockJob(): Promise<SyncJob | undefined> {
    const { syncRunId, job } = this.key;
    return this.inTenant((work) => lockSyncJob(work, { syncRunId, recordType: job }));
  }

  private async readAll(job: SyncJob): Promise<ReadOutcome> {
    const counted = isAtBeginning(job) ? await this.pages.count() : null;
    let pagesBefore = job.pages;
    const request = { cursor: job.cursor, modifiedSince: null, prepare: () => undefined };
    const apply: ApplyPage<undefined> = async ({ records, unreadable, nextCursor, total, requestedAt }) => {
      const page = { records, unreadable, nextCursor, total: total ?? counted, requestedAt };
      const verified = await this.inTenant(async (work) => {
        const result = await verifyPage(work, this.key, { ...page, mapping: this.mapping, pagesBefore });
        if (result !== undefined) await this.react(work, { changed: result.drifted });
        return result;
      });
      if (verified === undefined) return 'stopped';
      pagesBefore = verified.job.pages;
      return {
        repeatedPages: verified.job.repeatedPages,
        recordsRead: readInPass(verified.job),
        isEmpty: records.length + unreadable.length === 0,
        isInterrupted: verified.isInterrupted,
      };
    };
    return this.pages
      .readAll(request, apply)
      .catch((error: unknown) => restartIfExpired(this.pages, this.pass, error, { pages: pagesBefore }));
  }

  private get pass(): PassKey {
    return { ...this.key, recordType: this.key.job };
  }

  private get onDrift(): DriftReaction {
    const { integration, recordType } = this.options;
    return settingsOf(integration.typeSettings, recordType).onDrift;
  }

  /** Repairs are subject to the safety thresholds of pushes. */
  private async react(work: TenantWork, drifted: Drifted): Promise<void> {
    const { integrationId, recordType, syncRunId } = this.key;
    const type = { integrationId, recordType, mapping: this.mapping };
    if (this.onDrift === 'repair')
      await repairDrifts(work, type, drifted, { actor: 'syncline', isBraked: true });
    if (this.onDrift === 'accept')
      await acceptDrifts(work, type, drifted, { actor: 'syncline', requestId: toTypeId('run', syncRunId) });
  }

  /** Safe to repeat. If the list may be incomplete, it is not known what is missing there. */
  private async finish(isPagingStable: boolean): Promise<ReadOutcome> {
    const job = await this.lockJob();
    if (job === undefined || job.finishedAt !== null || job.startedAt === null) return 'stopped';
    const { integrationId, recordType } = this.key;
    if (readInPass(job) === 0) {
      const linked = await countLinked((count) => this.inStep(count), { integrationId, recordType });
      if (linked > 0) throw suspiciouslyEmpty(recordType, linked);
    }
    const { startedAt } = job;
    // Once only: repairs and other changes move the list while the links are compared.
    const isComplete =
      job.deletesWithheld === null &&
      (hasBegunToCompare(job) || isPagingStable || (await this.isComplete(job)));
    if (isComplete && (await this.verifyAllUnseen()) === 'more') return 'more';
    const counted = isComplete ? await this.compared() : await this.counted(startedAt);
    if (counted === undefined) return 'stopped';
    const drifts = await countDrifts((callback) => this.inStep(callback), this.key);
    await this.inTenant(async (work) => {
      await notifyOfDrifts(work, this.key, { ...drifts, isDecided: this.onDrift !== 'report' });
      await addSyncDatasets(work, { integrationId, recordTypes: [recordType], isInitial: false });
      await markDatasetSucceeded(work, {
        integrationId,
        recordType,
        isFull: false,
        watermark: null,
        counted,
      });
      if (isComplete) await markVerified(work, { integrationId, recordType, startedAt });
    });
    return 'done';
  }

  private async isComplete(job: SyncJob): Promise<boolean> {
    const recordsRead = readInPass(job);
    const total = (await this.pages.count()) ?? job.remoteTotal ?? recordsRead;
    if (!addsUp({ ...job, recordsRead }, total)) return false;
    return (await countSeenAgain((read) => this.inStep(read), pagesOfJob(job), { total })) === 0;
  }

  private verifyAllUnseen(): Promise<'done' | 'more'> {
    return verifyUnseen((callback) => this.inStep(callback), this.key, {
      mapping: this.mapping,
      decide: (work, missing) => this.react(work, { missing }),
      mayContinue: async () =>
        this.options.isWithinTimeBox() &&
        !(await this.inTenant((work) => checkForInterruption(work, this.key))).isInterrupted,
    });
  }

  /**
   * Linked records of Syncline, and those of them that the third party holds. undefined: the job has ended
   * before all were compared.
   */
  private async compared(): Promise<Counted | undefined> {
    const job = await this.lockJob();
    if (job === undefined || job.recordsMissing === null) return undefined;
    return { local: job.linksCompared, remote: job.linksCompared - job.recordsMissing };
  }

  private async counted(startedAt: Date): Promise<Counted> {
    const local = await countVerifiable((count) => this.inStep(count), this.key, startedAt);
    return { local, remote: null };
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

const hasBegunToCompare = ({ comparedPart, comparedTo, recordsMissing }: SyncJob): boolean =>
  comparedPart > 0 || comparedTo !== null || recordsMissing !== null;
