/**
 * One piece of a job: goes on where the rows say it stands, page by page, until it has ended, has to wait, or its time is up. What
 * goes wrong with the third party as a whole is written on the integration once, as pushes do (rules.md 10, 11); what goes
 * wrong with this dataset alone is tried again for 72 h, or fails at once where trying again is pointless (rules.md 35).
 */
import { Context } from '@temporalio/activity';
import {
  ConnectorError,
  RateLimited,
  RecordRejected,
  Unauthorized,
  Unavailable,
} from '../../connectors/errors';
import type { SyncJobInput, SyncJobReport } from '../../contract/sync-run';
import type { TenantWork } from '../../db/database';
import { claimProbe } from '../../db/integrations/availability';
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import {
  changeSyncJob,
  findSyncRun,
  type JobChange,
  lockSyncJob,
  type SyncJob,
  type SyncRun,
} from '../../db/sync-runs/sync-jobs';
import { recordUnmapped } from '../../db/pull/apply-reviewed';
import { pullsType, pushesType } from '../../domain/records/mapping-directions';
import { recordSkippedRecords } from '../../db/pull/apply-page';
import { METADATA_JOB } from '../../db/tables/pull';
import { directionOfJob } from '../../domain/overviews/overview';
import { rateLimitDelayMs, refusalBackoffMs } from '../../domain/retry';
import type { RequestPriority } from '../../domain/rate-limit/rate-limiter';
import { isJobEnded, type JobWait, type RunKind } from '../../domain/sync-runs/sync-run';
import type { SyncError } from '../../domain/sync-error';
import { RateLimitExhausted } from '../integrations/rate-limited-http';
import { DatasetFailed, DatasetReader } from './dataset-reader';
import type { ActivityDependencies, OpenConnector } from '../dependencies';
import { internalError, toSyncErrors } from '../integrations/connector-failures';
import { readMetadata } from './metadata-reader';
import { pushSyncNow, type SyncNowPushResult } from '../sync-runs/sync-now-pushes';
import {
  askThirdParty,
  recordThirdPartyState,
  stateAfter,
  type ThirdPartyState,
} from '../integrations/third-party-health';

type Dependencies = Pick<
  ActivityDependencies,
  'database' | 'openConnector' | 'log' | 'isStopping' | 'pulling'
>;

/** A mistake of ours with this dataset is tried so often. */
const INTERNAL_ATTEMPTS_MAX = 5;
/** Nobody needs to look before a signal comes; a lost signal is noticed after this. */
const CHECK_AGAIN_MS = 3_600_000;
/** Pushes that take longer are being retried. */
const PUSHES_CHECK_AGAIN_MS = 30_000;
const HEARTBEAT_MS = 4_000;
/** Trouble that it got over on the way is no longer said of it. */
const SUCCEEDED: JobChange = {
  state: 'succeeded',
  error: null,
  isLastAttemptFailed: false,
  failingSince: null,
};

export class SyncJobExecutor {
  private readonly startedAt = performance.now();
  private readonly canceled = new AbortController();
  private offsetMs: number;
  /** Until the run is known, that of what may wait longest. */
  private priority: RequestPriority = 'full';

  constructor(
    private readonly deps: Dependencies,
    private readonly input: SyncJobInput,
  ) {
    this.offsetMs = input.firedAt - this.startedAt;
  }

  async run(): Promise<SyncJobReport> {
    const { cancellationSignal, heartbeat } = contextOf();
    const cancel = () => this.canceled.abort();
    cancellationSignal.addEventListener('abort', cancel);
    const beating = setInterval(heartbeat, HEARTBEAT_MS);
    try {
      return await this.step();
    } finally {
      clearInterval(beating);
      cancellationSignal.removeEventListener('abort', cancel);
    }
  }

  private async step(): Promise<SyncJobReport> {
    const { syncRunId, recordType, integrationId } = this.input;
    const found = await this.inTenant(async (work) => {
      const [run, job, integration] = [
        await findSyncRun(work, { syncRunId }),
        await lockSyncJob(work, { syncRunId, recordType }),
        await findIntegration(work, { integrationId }),
      ];
      return { run, job, integration };
    });
    const { run, job, integration } = found;
    if (run === undefined || job === undefined || isJobEnded(job.state)) return { state: 'ended' };
    this.priority = priorityOf(run.kind, recordType === METADATA_JOB);
    if (integration === undefined || run.cancelRequestedAt !== null) return this.end({ state: 'canceled' });
    // The clock of its 72 hours does not run while people have stopped it (rules.md 16).
    if (integration.pausedAt !== null)
      return this.wait('paused', new Date(this.now().getTime() + CHECK_AGAIN_MS), { failingSince: null });
    if (integration.needsReauthorizationAt !== null)
      return this.end({ state: 'failed', error: needsCredentials(integration), isLastAttemptFailed: true });
    // A signal is no reason to try again before its time: it may be about anything.
    if (job.waitingReason === 'retry' && job.waitingUntil !== null && job.waitingUntil > this.now())
      return { state: 'waiting', until: job.waitingUntil.getTime(), reason: 'retry' };
    const { direction, recordType: type } = directionOfJob(recordType);
    const mapping = integration.recordTypes[type];
    if (type !== METADATA_JOB && !(direction === 'pull' ? pullsType(mapping) : pushesType(mapping)))
      return this.leave(run);
    const blocked = await this.whileBlocked(integration, job);
    if (blocked !== undefined) return blocked;
    return this.attempt(run, job, integration);
  }

  /** Waits while the third party is down or asked for a pause; of all that wake when it may be back, one asks. */
  private async whileBlocked(integration: Integration, job: SyncJob): Promise<SyncJobReport | undefined> {
    const { blockedUntil, blockedReason, blockedDetail } = integration;
    if (blockedUntil === null || blockedReason === null) return undefined;
    if (blockedReason === 'outage' && this.isGivenUp(job))
      return this.end({
        state: 'failed',
        isLastAttemptFailed: true,
        error: job.error ?? unreachable(blockedDetail),
      });
    if (blockedUntil > this.now())
      return this.wait(blockedReason, blockedUntil, blockedReason === 'outage' ? this.failing(job) : {});
    if (blockedReason === 'outage') {
      const isOurTurn = await this.inTenant((work) =>
        claimProbe(work, { integrationId: integration.integrationId, now: this.now(), blockedUntil }),
      );
      if (!isOurTurn) return { state: 'more' };
      await this.note(await askThirdParty(() => this.open(integration)), integration);
    } else await this.note({ kind: 'well' }, integration);
    return { state: 'more' };
  }

  private async attempt(run: SyncRun, job: SyncJob, integration: Integration): Promise<SyncJobReport> {
    try {
      await this.inTenant((work) =>
        changeSyncJob(work, this.input, {
          state: 'running',
          ...(isGoingOn(job) ? {} : { attempts: job.attempts + 1 }),
        }),
      );
      const opened = await this.open(integration);
      const parts = { database: this.deps.database, tenantId: this.input.tenantId, run, integration, opened };
      if (this.input.recordType === METADATA_JOB) {
        await readMetadata(parts);
        return await this.end(SUCCEEDED);
      }
      const { direction, recordType } = directionOfJob(this.input.recordType);
      if (direction === 'push')
        return await this.afterPushes(
          await pushSyncNow({ ...parts, recordType, isWithinTimeBox: () => this.isWithinTimeBox() }),
        );
      const pass = new DatasetReader({
        ...parts,
        recordType,
        isWithinTimeBox: () => this.isWithinTimeBox(),
        log: this.deps.log,
      });
      return await this.afterPass(await pass.run());
    } catch (error) {
      return await this.afterTrouble(error, integration);
    }
  }

  private async afterPushes(result: SyncNowPushResult): Promise<SyncJobReport> {
    if (result === 'more') return { state: 'more' };
    if (result === 'waiting')
      return this.wait('pushes', new Date(this.now().getTime() + PUSHES_CHECK_AGAIN_MS), {
        failingSince: null,
      });
    return this.end({ state: 'succeeded' });
  }

  private async afterPass(result: Awaited<ReturnType<DatasetReader['run']>>): Promise<SyncJobReport> {
    if (result === 'more') return { state: 'more' };
    if (result === 'stopped') return this.isWithinTimeBox() ? this.step() : { state: 'more' };
    if (result === 'not_supported') return this.end({ state: 'not_supported' });
    return this.end(SUCCEEDED);
  }

  private async afterTrouble(error: unknown, integration: Integration): Promise<SyncJobReport> {
    // Ours to stop: whoever goes on finds everything in the rows.
    if (this.canceled.signal.aborted || this.deps.isStopping()) throw error;
    if (error instanceof DatasetFailed)
      return this.end({ state: 'failed', error: error.syncError, isLastAttemptFailed: true });
    if (!(error instanceof ConnectorError)) return this.afterMistake(error);
    const [syncError] = toSyncErrors(error);
    if (error instanceof RateLimitExhausted) return this.wait('permits', error.retryAt, {});
    if (error instanceof RateLimited) {
      const until = new Date(this.now().getTime() + rateLimitDelayMs(error.retryAfterMs));
      await this.note(stateAfter(error), integration);
      return this.waitOrGiveUp(syncError ?? null, 'rate_limit', until);
    }
    if (error instanceof Unauthorized) {
      if (await this.hasNewCredentials(integration)) return { state: 'more' };
      await this.note(stateAfter(error), integration);
      return this.end({ state: 'failed', error: syncError ?? null, isLastAttemptFailed: true });
    }
    if (error instanceof RecordRejected && !error.isForbidden)
      return this.end({ state: 'failed', error: syncError ?? null, isLastAttemptFailed: true });
    // Is it this dataset, or the third party as a whole? Its check says (rules.md 10, 11).
    const state = await askThirdParty(() => this.open(integration));
    if (state.kind === 'unauthorized' && (await this.hasNewCredentials(integration)))
      return { state: 'more' };
    if (state.kind !== 'well') await this.note(state, integration);
    if (state.kind === 'unauthorized' || error instanceof RecordRejected)
      return this.end({ state: 'failed', error: syncError ?? null, isLastAttemptFailed: true });
    return this.tryAgain(syncError ?? null, state);
  }

  /** They were replaced while this piece went by the old ones: that those are refused says nothing about the new. */
  private async hasNewCredentials({ integrationId, credentialsUpdatedAt }: Integration): Promise<boolean> {
    const current = await this.inTenant((work) => findIntegration(work, { integrationId }));
    return (
      current !== undefined && current.credentialsUpdatedAt?.getTime() !== credentialsUpdatedAt?.getTime()
    );
  }

  /** Transient: again after a while, for 72 h from the first failure on. */
  private async tryAgain(error: SyncError | null, state: ThirdPartyState): Promise<SyncJobReport> {
    const now = this.now();
    return this.inTenant(async (work) => {
      const [job, integration] = [
        await lockSyncJob(work, this.input),
        await findIntegration(work, this.input),
      ];
      if (job === undefined || isJobEnded(job.state)) return { state: 'ended' };
      const change = { ...this.failing(job), isLastAttemptFailed: true, error };
      if (this.isGivenUp(job)) return this.endIn(work, { ...change, state: 'failed' });
      const isDown = state.kind === 'outage' && integration?.blockedUntil != null;
      const until =
        isDown && integration.blockedUntil !== null
          ? integration.blockedUntil
          : new Date(now.getTime() + jittered(refusalBackoffMs(job.attempts)));
      return this.waitIn(work, isDown ? 'outage' : 'retry', until, change);
    });
  }

  /** It answers nothing but "slow down": no attempt is used up, but not for ever either. */
  private async waitOrGiveUp(error: SyncError | null, reason: JobWait, until: Date): Promise<SyncJobReport> {
    return this.inTenant(async (work) => {
      const job = await lockSyncJob(work, this.input);
      if (job === undefined || isJobEnded(job.state)) return { state: 'ended' };
      if (this.isGivenUp(job)) return this.endIn(work, { state: 'failed', error, isLastAttemptFailed: true });
      return this.waitIn(work, reason, until, this.failing(job));
    });
  }

  /** Since when nothing could be read. */
  private failing(job: SyncJob): Pick<JobChange, 'failingSince'> {
    return { failingSince: job.failingSince ?? this.now() };
  }

  private isGivenUp({ failingSince }: SyncJob): boolean {
    return (
      failingSince !== null &&
      this.now().getTime() - failingSince.getTime() >= this.deps.pulling.giveUpAfterMs
    );
  }

  private async afterMistake(error: unknown): Promise<SyncJobReport> {
    // The database being away is no fault of the dataset: the activity is tried again as a whole.
    if (isDatabaseAway(error)) throw error;
    this.deps.log.error(
      { err: error, record_type: this.input.recordType },
      'a sync job failed inside Syncline',
    );
    return this.inTenant(async (work) => {
      const job = await lockSyncJob(work, this.input);
      if (job === undefined || isJobEnded(job.state)) return { state: 'ended' };
      const change = { ...this.failing(job), isLastAttemptFailed: true, error: internalError(error) };
      if (job.attempts >= INTERNAL_ATTEMPTS_MAX) return this.endIn(work, { ...change, state: 'failed' });
      return this.waitIn(
        work,
        'retry',
        new Date(this.now().getTime() + refusalBackoffMs(job.attempts)),
        change,
      );
    });
  }

  private async wait(reason: JobWait, until: Date, change: Omit<JobChange, 'state'>): Promise<SyncJobReport> {
    return this.inTenant((work) => this.waitIn(work, reason, until, change));
  }

  private async waitIn(
    work: TenantWork,
    reason: JobWait,
    until: Date,
    change: Omit<JobChange, 'state'>,
  ): Promise<SyncJobReport> {
    const isOpen = await changeSyncJob(work, this.input, {
      ...change,
      state: 'waiting',
      waitingUntil: until,
      waitingReason: reason,
    });
    return isOpen ? { state: 'waiting', until: until.getTime(), reason } : { state: 'ended' };
  }

  private async end(change: JobChange): Promise<SyncJobReport> {
    return this.inTenant((work) => this.endIn(work, change));
  }

  private async endIn(work: TenantWork, change: JobChange): Promise<SyncJobReport> {
    await changeSyncJob(work, this.input, change);
    return { state: 'ended' };
  }

  /** Its mapping has gone meanwhile. */
  private async leave({ overviewId }: SyncRun): Promise<SyncJobReport> {
    return this.inTenant(async (work) => {
      if (overviewId !== null) {
        const { skippedRecords, count } = await recordUnmapped(work, {
          overviewId,
          ...directionOfJob(this.input.recordType),
        });
        await recordSkippedRecords(work, this.input, skippedRecords, count);
      }
      return this.endIn(work, { state: 'not_supported' });
    });
  }

  private async note(state: ThirdPartyState, integration: Integration): Promise<void> {
    const now = this.now();
    await this.inTenant((work) =>
      recordThirdPartyState(work, integration, state, { now, outage: this.deps.pulling.outage }),
    );
  }

  private open(integration: Integration): Promise<OpenConnector> {
    return this.deps.openConnector(this.input.tenantId, integration, this.canceled.signal, this.priority);
  }

  private isWithinTimeBox(): boolean {
    return (
      performance.now() - this.startedAt < this.deps.pulling.timeBoxMs &&
      !this.deps.isStopping() &&
      !this.canceled.signal.aborted
    );
  }

  /** Workflow time: when the piece began, plus what has passed since; never behind the database's clock. */
  private now(): Date {
    return new Date(this.offsetMs + performance.now());
  }

  private inTenant<T>(work: (context: TenantWork) => Promise<T>): Promise<T> {
    return this.deps.database.withTenant(this.input.tenantId, (context) => {
      this.offsetMs = Math.max(this.offsetMs, context.now.getTime() - performance.now());
      return work(context);
    });
  }
}

/** Whose requests go first within one budget (rules.md 34): what somebody waits for before what comes by itself. */
function priorityOf(kind: RunKind, isMetadata: boolean): RequestPriority {
  if (kind === 'incremental' || kind === 'last_day' || kind === 'sync_now') return 'manual';
  if (kind === 'sign_in') return 'sign_in';
  return kind === 'hourly' || isMetadata ? 'hourly' : 'full';
}

function contextOf(): { cancellationSignal: AbortSignal; heartbeat: () => void } {
  const context = Context.current();
  return { cancellationSignal: context.cancellationSignal, heartbeat: () => context.heartbeat() };
}

function needsCredentials({ blockedDetail }: Integration): SyncError {
  return {
    category: 'credentials',
    origin: 'app',
    code: 'unauthorized',
    field: null,
    remote_field: null,
    message: blockedDetail ?? 'The credentials are not accepted.',
    explanation: 'Give the integration new credentials; what was not read is read then.',
  };
}

/** It was being read, or waits for what uses up no attempt. */
function isGoingOn({ state, attempts, waitingReason }: SyncJob): boolean {
  if (attempts === 0) return false;
  return (
    state === 'running' || (state === 'waiting' && waitingReason !== 'retry' && waitingReason !== 'outage')
  );
}

function unreachable(detail: string | null): SyncError | null {
  return toSyncErrors(new Unavailable(detail ?? 'The third party cannot be reached.'))[0] ?? null;
}

/** ±20 %, so that many do not come back at once. */
const jittered = (ms: number): number => ms * (0.8 + Math.random() * 0.4);

/** PostgreSQL's classes for a connection that is gone, a server that stops or is overloaded, and a statement that took too long. */
function isDatabaseAway(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string')
    return /timeout|terminated|Connection/i.test((error as Error | null)?.message ?? '');
  return /^(08|53|57|25|58)/.test(code) || /^E[A-Z]+$/.test(code);
}
