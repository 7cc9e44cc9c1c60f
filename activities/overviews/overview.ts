/**
 * One time-boxed execution of a Sync Overview: continues from its rows, dataset by dataset, until the
 * overview is ready, has to wait, or the time box ends. Later it expires the overview and deletes its data. A
 * dataset that cannot be read completely fails the overview (rules.md 23).
 */
import { Context } from '@temporalio/activity';
import { ConnectorError, RateLimited, Unauthorized, Unavailable } from '../../connectors/errors';
import type { OverviewReport, AdvanceOverviewInput } from '../../contract/overview';
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { findOverview } from '../../db/overviews/overviews';
import { beginOverview, deleteOverviewData, endOverviewJob } from '../../db/overviews/overview-lifecycle';
import { changeOverviewJob, type OverviewJob } from '../../db/overviews/overview-jobs';
import { expireOverview } from '../../db/overviews/invalidate-overviews';
import { isDatabaseAway, ownFailure } from '../../db/sql/database-away';
import { OVERVIEW_GIVE_UP_MS } from '../../domain/overviews/overview';
import { rateLimitDelayMs, refusalBackoffMs } from '../../domain/retry';
import type { SyncError } from '../../domain/sync-error';
import { RateLimitExhausted } from '../integrations/rate-limited-http';
import { DatasetFailed } from '../pull/dataset-failed';
import type { ActivityDependencies } from '../dependencies';
import { internalError, toSyncErrors } from '../integrations/connector-failures';
import { TimeBox } from '../time-box';
import { OverviewReader } from './overview-reader';
import { recordThirdPartyState, stateAfter } from '../integrations/third-party-health';

export interface OverviewActivities {
  /** One time-boxed execution. The report says whether and when to call it again. */
  advanceOverview(input: AdvanceOverviewInput): Promise<OverviewReport>;
}

type Dependencies = Pick<
  ActivityDependencies,
  'database' | 'openConnector' | 'log' | 'isStopping' | 'pulling'
>;

const INTERNAL_ATTEMPTS_MAX = 3;
/** The run that applies an overview ends it by a signal; a lost signal is noticed after this. */
const CHECK_AGAIN_MS = 86_400_000;
/** The clocks of this process and the database may differ by this. */
const CLOCKS_APART_MS = 1_000;

export const createOverviewActivities = (dependencies: Dependencies): OverviewActivities => ({
  async advanceOverview(input) {
    const timeBox = new TimeBox({
      firedAt: input.firedAt,
      timeBoxMs: dependencies.pulling.timeBoxMs,
      isStopping: () => dependencies.isStopping(),
    });
    const executor = new OverviewExecutor(dependencies, input, timeBox);
    return timeBox.withHeartbeat(Context.current(), () => executor.run());
  },
});

class OverviewExecutor {
  constructor(
    private readonly deps: Dependencies,
    private readonly input: AdvanceOverviewInput,
    private readonly timeBox: TimeBox,
  ) {}

  async run(): Promise<OverviewReport> {
    for (;;) {
      const started = await this.inTenant((work) => beginOverview(work, this.input));
      if (started?.job === undefined) return this.keep();
      const report = await this.workOn(started.integration, started.job);
      if (report !== 'next') return report;
      if (!this.timeBox.isWithinTimeBox()) return { state: 'more' };
    }
  }

  /** For an overview that is generated or no longer wanted: waits for its expiry, or deletes its data. */
  private async keep(): Promise<OverviewReport> {
    const report = await this.inTenant(async (work): Promise<OverviewReport | 'delete'> => {
      await expireOverview(work, this.input);
      const overview = await findOverview(work, this.input);
      if (overview === undefined || overview.dataDeletedAt !== null) return { state: 'ended' };
      if (overview.invalidAt === null && overview.state !== 'failed') {
        const now = this.timeBox.now().getTime();
        return {
          state: 'waiting',
          until: Math.max(overview.expiresAt?.getTime() ?? now + CHECK_AGAIN_MS, now + CLOCKS_APART_MS),
        };
      }
      return 'delete';
    });
    if (report !== 'delete') return report;
    while ((await this.inTenant((work) => deleteOverviewData(work, this.input))) === 'more')
      if (!this.timeBox.isWithinTimeBox()) return { state: 'more' };
    return { state: 'ended' };
  }

  private async workOn(integration: Integration, job: OverviewJob): Promise<OverviewReport | 'next'> {
    // A signal does not shorten the delay of a retry.
    if (job.waitingUntil !== null && job.waitingUntil > this.timeBox.now())
      return { state: 'waiting', until: job.waitingUntil.getTime() };
    const { blockedUntil, blockedReason } = integration;
    if (integration.pausedAt !== null)
      return this.fail(
        job,
        stoppedReason('paused', 'The integration was paused. Resume it and request a new Sync Overview.'),
      );
    if (integration.needsReauthorizationAt !== null)
      return this.fail(
        job,
        stoppedReason(
          'unauthorized',
          'The app rejected the credentials. Enter new ones and request a new Sync Overview.',
        ),
      );
    if (blockedUntil !== null && blockedUntil > this.timeBox.now() && blockedReason !== 'outage')
      return this.later(job, blockedUntil, null);
    try {
      const opened = await this.deps.openConnector(
        this.input.tenantId,
        integration,
        this.timeBox.signal,
        'manual',
      );
      const pass = new OverviewReader({
        database: this.deps.database,
        ...this.input,
        integration,
        opened,
        job,
        recordsPerType: this.deps.pulling.recordsPerType,
        isWithinTimeBox: () => this.timeBox.isWithinTimeBox(),
      });
      const result = await pass.run();
      return result === 'more' ? { state: 'more' } : 'next';
    } catch (error) {
      return this.afterFailure(error, job, integration);
    }
  }

  /** A connector may have wrapped a failure of Syncline's own database. */
  private async afterFailure(
    thrown: unknown,
    job: OverviewJob,
    integration: Integration,
  ): Promise<OverviewReport | 'next'> {
    const error = ownFailure(thrown) ?? thrown;
    if (this.timeBox.signal.aborted || this.deps.isStopping()) throw error;
    if (error instanceof DatasetFailed) return this.fail(job, error.syncError);
    if (error instanceof RateLimitExhausted) return this.later(job, error.retryAt, null);
    if (!(error instanceof ConnectorError)) {
      // Temporal repeats the activity, which uses up no attempt, as for a job of a run.
      if (isDatabaseAway(error)) throw error;
      this.deps.log.error(
        { err: error, record_type: job.recordType },
        'a sync overview failed inside Syncline',
      );
      if (job.attempts >= INTERNAL_ATTEMPTS_MAX) return this.fail(job, internalError(error));
      return this.later(job, this.timeBox.after(refusalBackoffMs(job.attempts)), internalError(error));
    }
    const syncError = toSyncErrors(error)[0] ?? null;
    // A rate limit or rejected credentials concern the whole third party, so pushes and runs wait too.
    if (error instanceof RateLimited || error instanceof Unauthorized)
      await this.inTenant((work) =>
        recordThirdPartyState(work, integration, stateAfter(error), {
          now: this.timeBox.now(),
          outage: this.deps.pulling.outage,
        }),
      );
    if (error instanceof RateLimited)
      return this.later(job, this.timeBox.after(rateLimitDelayMs(error.retryAfterMs)), syncError);
    if (error instanceof Unavailable)
      return this.later(job, this.timeBox.after(refusalBackoffMs(job.attempts)), syncError);
    return this.fail(job, syncError);
  }

  /** Retries after a short delay, for 15 minutes at most. */
  private async later(
    job: OverviewJob,
    until: Date,
    error: SyncError | null,
  ): Promise<OverviewReport | 'next'> {
    const failingSince = job.failingSince ?? this.timeBox.now();
    if (until.getTime() - failingSince.getTime() > OVERVIEW_GIVE_UP_MS)
      return this.fail(
        job,
        error ??
          stoppedReason(
            'no_answer',
            'The app could not be read for 15 minutes. Request a new Sync Overview later.',
          ),
      );
    await this.inTenant((work) =>
      changeOverviewJob(work, job, {
        state: 'waiting',
        waitingUntil: until,
        failingSince,
        attempts: job.attempts + 1,
        error,
      }),
    );
    return { state: 'waiting', until: until.getTime() };
  }

  private async fail(job: OverviewJob, error: SyncError | null): Promise<'next'> {
    await this.inTenant((work) => endOverviewJob(work, job, { state: 'failed', error }));
    return 'next';
  }

  private inTenant<T>(callback: (work: TenantWork) => Promise<T>): Promise<T> {
    return this.deps.database.withTenant(this.input.tenantId, this.timeBox.tracking(callback));
  }
}

function stoppedReason(code: string, explanation: string): SyncError {
  return {
    category: 'config',
    origin: 'us',
    code,
    field: null,
    remote_field: null,
    message: 'The Sync Overview could not read everything.',
    explanation,
  };
}
