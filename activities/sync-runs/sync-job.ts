/**
 * One time-boxed execution of a sync job: continues from its rows, page by page, until the job has ended, has
 * to wait, or the time box ends. The table in job-failure.ts decides what follows from a failure.
 */
import { Context } from '@temporalio/activity';
import { Unavailable } from '../../connectors/errors';
import type { SyncJobInput, SyncJobReport } from '../../contract/sync-run';
import { claimProbe, endPause, readsBlockedUntil } from '../../db/integrations/availability';
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import { findSyncRun, lockSyncJob, type SyncJob, type SyncRun } from '../../db/pull/job-rows';
import { skipUnmappedItems } from '../../db/pull/reviewed-items';
import { changeSyncJob, type JobChange } from '../../db/sync-runs/sync-jobs';
import { METADATA_JOB } from '../../db/tables/pull';
import { directionOfJob } from '../../domain/overviews/overview';
import type { RequestPriority } from '../../domain/rate-limit/rate-limiter';
import { pullsType, pushesType } from '../../domain/records/mapping-directions';
import type { SyncError } from '../../domain/sync-error';
import { isJobEnded, priorityOfRun } from '../../domain/sync-runs/sync-run';
import { PRIORITIES } from '../../domain/work-priorities';
import type { ActivityDependencies, OpenConnector } from '../dependencies';
import { toSyncErrors } from '../integrations/connector-failures';
import { keepSubscription } from '../integrations/keep-subscription';
import { askThirdParty } from '../integrations/third-party-health';
import { pushSyncNow } from './sync-now-pushes';
import { TimeBox } from '../time-box';
import { noteProgress } from '../work-progress';
import { DatasetReader } from '../pull/dataset-reader';
import { DatasetVerifier } from '../verify/dataset-verifier';
import { JobTransitions } from './job-transitions';
import { afterFailure } from './job-failure';
import { readMetadata } from '../pull/metadata-reader';

type Dependencies = Pick<
  ActivityDependencies,
  'database' | 'openConnector' | 'log' | 'isStopping' | 'pulling' | 'oauth'
>;

/** A resumed integration signals the workflow; a lost signal is noticed after this. */
const PAUSE_CHECK_INTERVAL_MS = 3_600_000;
/** Pushes that are still in progress after the first wait are being retried. */
const PUSHES_CHECK_INTERVAL_MS = 30_000;
/** Reviewed items of a record type that is no longer mapped. */
const ITEMS_PER_TRANSACTION = 1_000;
/** Clears errors from earlier attempts. */
const SUCCEEDED: JobChange = {
  state: 'succeeded',
  error: null,
  isLastAttemptFailed: false,
  failingSince: null,
};

interface JobFacts {
  run: SyncRun;
  job: SyncJob;
  integration: Integration;
}

export class SyncJobExecutor {
  private readonly timeBox: TimeBox;
  private readonly job: JobTransitions;
  /** The lowest priority, until the run is known. */
  private priority: RequestPriority = 'full';

  constructor(
    private readonly deps: Dependencies,
    private readonly input: SyncJobInput,
  ) {
    const { firedAt } = input;
    this.timeBox = new TimeBox({ firedAt, timeBoxMs: deps.pulling.timeBoxMs, isStopping: deps.isStopping });
    this.job = new JobTransitions(deps, input, this.timeBox);
  }

  async run(): Promise<SyncJobReport> {
    const report = await this.timeBox.withHeartbeat(Context.current(), () => this.continueJob());
    if (report.state !== 'more') return report;
    // A person may have joined the run meanwhile.
    const run = await this.job.inTenant((work) => findSyncRun(work, this.input));
    return run === undefined ? report : { ...report, priorityKey: priorityOfRun(run) };
  }

  private async continueJob(): Promise<SyncJobReport> {
    const { syncRunId, recordType, integrationId } = this.input;
    const { run, job, integration } = await this.job.inTenant(async (work) => ({
      run: await findSyncRun(work, { syncRunId }),
      job: await lockSyncJob(work, { syncRunId, recordType }),
      integration: await findIntegration(work, { integrationId }),
    }));
    if (run === undefined || job === undefined || isJobEnded(job.state)) return { state: 'ended' };
    this.priority = requestPriority(priorityOfRun(run), recordType === METADATA_JOB);
    if (integration === undefined || run.cancelRequestedAt !== null)
      return this.job.end({ state: 'canceled' });
    const facts = { run, job, integration };
    return (await this.waitOrEnd(facts)) ?? (await this.attempt(facts));
  }

  /** Returns undefined if the job can be executed now. */
  private async waitOrEnd({ job, integration }: JobFacts): Promise<SyncJobReport | undefined> {
    // A pause stops the clock after which the job is given up (rules.md 16).
    if (integration.pausedAt !== null)
      return this.job.wait('paused', this.timeBox.after(PAUSE_CHECK_INTERVAL_MS), { failingSince: null });
    if (integration.needsReauthorizationAt !== null) return this.job.fail(needsCredentials(integration));
    // It is ended at once, as work that may fail.
    if (!this.isMapped(integration)) return undefined;
    // A signal may be about something else: it does not shorten the delay of a retry.
    if (job.waitingReason === 'retry' && job.waitingUntil !== null && job.waitingUntil > this.timeBox.now())
      return { state: 'waiting', until: job.waitingUntil.getTime(), reason: 'retry' };
    return this.waitWhileBlocked(integration, job);
  }

  private isMapped({ recordTypes }: Integration): boolean {
    if (this.input.recordType === METADATA_JOB) return true;
    const { direction, recordType } = directionOfJob(this.input.recordType);
    const mapping = recordTypes[recordType];
    if (direction === 'verify') return pushesType(mapping) && !pullsType(mapping);
    return direction === 'pull' ? pullsType(mapping) : pushesType(mapping);
  }

  private async endUnmapped({ overviewId }: SyncRun): Promise<SyncJobReport> {
    const { direction, recordType } = directionOfJob(this.input.recordType);
    if (overviewId !== null && direction !== 'verify') {
      const items = { overviewId, recordType, direction, limit: ITEMS_PER_TRANSACTION };
      const skip = () => this.job.inTenant((work) => skipUnmappedItems(work, this.input, items));
      while ((await skip()) === ITEMS_PER_TRANSACTION) {
        await noteProgress();
        if (!this.timeBox.isWithinTimeBox()) return { state: 'more' };
      }
    }
    return this.job.end({ state: 'not_supported' });
  }

  /**
   * Waits for the end of an outage or rate limit. After an outage one job probes the third party for all of
   * them.
   */
  private async waitWhileBlocked(integration: Integration, job: SyncJob): Promise<SyncJobReport | undefined> {
    const { integrationId, blockedReason, blockedDetail } = integration;
    const blockedUntil = readsBlockedUntil(integration);
    if (blockedUntil === null || blockedReason === null) return undefined;
    const isOutage = blockedReason === 'outage';
    if (isOutage && this.job.isGivenUp(job)) return this.job.fail(job.error ?? unreachable(blockedDetail));
    const now = this.timeBox.now();
    if (blockedUntil > now)
      return this.job.wait(blockedReason, blockedUntil, isOutage ? this.job.failing(job) : {});
    if (!isOutage) await this.job.inTenant((work) => endPause(work, { integrationId, now }));
    else if (
      (await this.job.inTenant((work) => claimProbe(work, { integrationId, now, blockedUntil }))) !==
      undefined
    )
      await this.job.saveThirdPartyState(await askThirdParty(() => this.open(integration)), integration);
    return { state: 'more' };
  }

  private async attempt({ run, job, integration }: JobFacts): Promise<SyncJobReport> {
    const attempts = isContinuing(job) ? {} : { attempts: job.attempts + 1 };
    try {
      await this.job.inTenant((work) => changeSyncJob(work, this.input, { state: 'running', ...attempts }));
      if (!this.isMapped(integration)) return await this.endUnmapped(run);
      return await this.execute(run, integration, await this.open(integration));
    } catch (error) {
      // Another worker continues from the rows.
      if (this.timeBox.signal.aborted || this.deps.isStopping()) throw error;
      return await afterFailure(error, {
        job: this.job,
        integration,
        recordType: this.input.recordType,
        timeBox: this.timeBox,
        log: this.deps.log,
        open: () => this.open(integration),
      });
    }
  }

  private async execute(
    run: SyncRun,
    integration: Integration,
    opened: OpenConnector,
  ): Promise<SyncJobReport> {
    const { direction, recordType } = directionOfJob(this.input.recordType);
    const { range } = this.input;
    const options = {
      database: this.deps.database,
      tenantId: this.input.tenantId,
      run,
      integration,
      opened,
      recordType,
      recordsPerType: this.deps.pulling.recordsPerType,
      ranges: this.deps.pulling.ranges,
      divides: this.input.divides === true,
      isWithinTimeBox: () => this.timeBox.isWithinTimeBox(),
    };
    if (this.input.recordType === METADATA_JOB) {
      await keepSubscription({ ...options, encryption: this.deps.oauth.encryption, log: this.deps.log });
      await readMetadata(options);
      return this.job.end(SUCCEEDED);
    }
    const results = {
      pull: () => new DatasetReader(options).run(),
      push: () => pushSyncNow(options),
      verify: () => new DatasetVerifier(options).run(),
    };
    const result =
      range === undefined ? await results[direction]() : await new DatasetReader(options).runRange(range);
    if (typeof result === 'object') return { state: 'more', ranges: result.ranges };
    if (range !== undefined && result === 'done') return { state: 'ended' };
    switch (result) {
      case 'done':
        return this.job.end(SUCCEEDED);
      case 'more':
        return { state: 'more' };
      case 'waiting':
        return this.job.wait('pushes', this.timeBox.after(PUSHES_CHECK_INTERVAL_MS), { failingSince: null });
      case 'stopped':
        return this.timeBox.isWithinTimeBox() ? this.continueJob() : { state: 'more' };
      case 'not_supported':
        return this.job.end({ state: 'not_supported' });
    }
  }

  private open(integration: Integration): Promise<OpenConnector> {
    return this.deps.openConnector(this.input.tenantId, integration, this.timeBox.signal, this.priority);
  }
}

/**
 * Order of requests within one rate limiter (rules.md 34): runs that a user waits for come before scheduled
 * ones.
 */
function requestPriority(ofRun: number, isMetadata: boolean): RequestPriority {
  if (ofRun === PRIORITIES.person) return 'manual';
  if (ofRun === PRIORITIES.signIn) return 'sign_in';
  return ofRun === PRIORITIES.hourly || isMetadata ? 'hourly' : 'full';
}

function needsCredentials({ blockedDetail }: Integration): SyncError {
  return {
    category: 'credentials',
    origin: 'app',
    code: 'unauthorized',
    field: null,
    remote_field: null,
    message: blockedDetail ?? 'The third party rejects the credentials.',
    explanation: 'Enter new credentials for the integration; a new run then reads what this one did not.',
  };
}

/** The job was being read, or waited for something that uses no attempt. */
function isContinuing({ state, attempts, waitingReason }: SyncJob): boolean {
  if (attempts === 0) return false;
  return (
    state === 'running' || (state === 'waiting' && waitingReason !== 'retry' && waitingReason !== 'outage')
  );
}

function unreachable(detail: string | null): SyncError | null {
  return toSyncErrors(new Unavailable(detail ?? 'The third party cannot be reached.'))[0] ?? null;
}
