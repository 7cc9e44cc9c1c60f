/** The state changes of a sync job, each with its report to the workflow: whether and when to call again. */
import type { SyncJobInput, SyncJobReport } from '../../contract/sync-run';
import type { TenantWork } from '../../db/database';
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import { lockSyncJob, type SyncJob } from '../../db/pull/job-rows';
import { changeSyncJob, type JobChange } from '../../db/sync-runs/sync-jobs';
import { METADATA_JOB } from '../../db/tables/pull';
import { refusalBackoffMs } from '../../domain/retry';
import type { SyncError } from '../../domain/sync-error';
import { isJobEnded, type JobWait } from '../../domain/sync-runs/sync-run';
import type { ActivityDependencies } from '../dependencies';
import { internalError } from '../integrations/connector-failures';
import { recordThirdPartyState, type ThirdPartyState } from '../integrations/third-party-health';
import type { TimeBox } from '../time-box';

/** Failures in a row after which an internal error of Syncline fails the job. */
const INTERNAL_ATTEMPTS_MAX = 5;
/**
 * Failures in a row after which reading metadata fails, unless the third party is down as a whole. Each
 * scheduled run reads it, and the run is not kept open for it (rules.md 57).
 */
const METADATA_ATTEMPTS_MAX = 3;

/** Further changes to a job that starts to wait. */
export type WaitChange = Omit<JobChange, 'state'>;

export class JobTransitions {
  constructor(
    private readonly deps: Pick<ActivityDependencies, 'database' | 'pulling'>,
    private readonly input: SyncJobInput,
    private readonly timeBox: TimeBox,
  ) {}

  inTenant<T>(callback: (work: TenantWork) => Promise<T>): Promise<T> {
    return this.deps.database.withTenant(this.input.tenantId, this.timeBox.tracking(callback));
  }

  async end(change: JobChange): Promise<SyncJobReport> {
    return this.inTenant((work) => this.endIn(work, change));
  }

  async endIn(work: TenantWork, change: JobChange): Promise<SyncJobReport> {
    await changeSyncJob(work, this.input, change);
    return { state: 'ended' };
  }

  async fail(error: SyncError | null): Promise<SyncJobReport> {
    return this.end({ state: 'failed', error, isLastAttemptFailed: true });
  }

  async wait(reason: JobWait, until: Date, change: WaitChange = {}): Promise<SyncJobReport> {
    return this.inTenant((work) => this.waitIn(work, reason, until, change));
  }

  /** For waits that use no attempt, as for a rate limit: they too end when the job is given up. */
  async waitUnlessGivenUp(reason: JobWait, until: Date, error: SyncError | null): Promise<SyncJobReport> {
    return this.changeOpenJob(async (work, job) =>
      this.isGivenUp(job)
        ? this.endIn(work, { state: 'failed', error, isLastAttemptFailed: true })
        : this.waitIn(work, reason, until, this.failing(job)),
    );
  }

  /**
   * After a transient failure: waits for the end of an outage, or tries again with a growing delay, until
   * given up.
   */
  async retry(error: SyncError | null, thirdParty: ThirdPartyState): Promise<SyncJobReport> {
    return this.changeOpenJob(async (work, job) => {
      const failed = this.failed(job, error);
      const isMetadataFailed =
        job.recordType === METADATA_JOB &&
        thirdParty.kind === 'well' &&
        failed.failures >= METADATA_ATTEMPTS_MAX;
      if (isMetadataFailed || this.isGivenUp(job)) return this.endIn(work, { ...failed, state: 'failed' });
      const blockedUntil = (await findIntegration(work, this.input))?.blockedUntil ?? null;
      if (thirdParty.kind === 'outage' && blockedUntil !== null)
        return this.waitIn(work, 'outage', blockedUntil, { ...failed, ...this.failing(job) });
      const until = this.timeBox.after(jittered(refusalBackoffMs(failed.failures)));
      return this.waitIn(work, 'retry', until, failed);
    });
  }

  async retryInternal(error: unknown): Promise<SyncJobReport> {
    return this.changeOpenJob(async (work, job) => {
      const failed = this.failed(job, internalError(error));
      return failed.failures >= INTERNAL_ATTEMPTS_MAX
        ? this.endIn(work, { ...failed, state: 'failed' })
        : this.waitIn(work, 'retry', this.timeBox.after(refusalBackoffMs(failed.failures)), failed);
    });
  }

  async saveThirdPartyState(state: ThirdPartyState, integration: Integration): Promise<void> {
    const facts = { now: this.timeBox.now(), outage: this.deps.pulling.outage };
    await this.inTenant((work) => recordThirdPartyState(work, integration, state, facts));
  }

  /** Starts the period after which the job is given up, unless it has started. Counts no failure. */
  failing(job: SyncJob): { failingSince: Date; failures: number } {
    return { failingSince: job.failingSince ?? this.timeBox.now(), failures: failuresOf(job) };
  }

  private failed(job: SyncJob, error: SyncError | null) {
    return { ...this.failing(job), failures: failuresOf(job) + 1, isLastAttemptFailed: true, error };
  }

  isGivenUp({ failingSince }: SyncJob): boolean {
    return (
      failingSince !== null &&
      this.timeBox.now().getTime() - failingSince.getTime() >= this.deps.pulling.outage.giveUpAfterMs
    );
  }

  private async changeOpenJob(
    change: (work: TenantWork, job: SyncJob) => Promise<SyncJobReport>,
  ): Promise<SyncJobReport> {
    return this.inTenant(async (work) => {
      const job = await lockSyncJob(work, this.input);
      return job === undefined || isJobEnded(job.state) ? { state: 'ended' } : change(work, job);
    });
  }

  private async waitIn(
    work: TenantWork,
    reason: JobWait,
    until: Date,
    change: WaitChange,
  ): Promise<SyncJobReport> {
    const isOpen = await changeSyncJob(work, this.input, {
      ...change,
      state: 'waiting',
      waitingUntil: until,
      waitingReason: reason,
    });
    return isOpen ? { state: 'waiting', until: until.getTime(), reason } : { state: 'ended' };
  }
}

/** Failures in a row. What ends a row of them, such as a stored page, clears `failingSince` only. */
const failuresOf = ({ failures, failingSince }: SyncJob): number => (failingSince === null ? 0 : failures);

/** ±20 %, so that many jobs do not retry at the same moment. */
const jittered = (ms: number): number => ms * (0.8 + Math.random() * 0.4);
