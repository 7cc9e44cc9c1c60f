/**
 * Announces in PostgreSQL what this worker executes, so that work that takes workers down is found and parked
 * (rule 60; domain/running-work.ts says which).
 */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import { withProgress } from '../activities/work-progress';
import type { ThirdPartySlots } from './third-party-slots';
import type { AdvanceOverviewInput } from '../contract/overview';
import type { AdvanceSyncJobInput } from '../contract/sync-run';
import type { CheckIntegrationInput } from '../contract/integration-check';
import type { DeliverDueWebhooksInput } from '../contract/webhook-endpoint';
import type { PushDueRecordsInput } from '../contract/record-push';
import type { Database } from '../db/database';
import {
  type AnnouncedWork,
  type Announcement,
  announceWork,
  clearSuspicion,
  type Place,
  postponeWork,
  renewAnnouncements,
  type RunningWork,
  withdrawAll,
  withdrawWork,
} from '../db/platform/running-work';
import { PLATFORM_TENANT_ID } from '../db/tables/tenants';
import { newUuid, toTypeId } from '../db/sql/ids';
import { rangeName, syncJobName } from '../domain/sync-runs/sync-job';
import { showParkedWork } from '../db/push/parked-work';

const RENEW_MS = 2_000;
/** Twice the time in which another worker renews. */
const JUDGE_AFTER_MS = 2 * RENEW_MS;
const NOT_WITHDRAWN = 'could not withdraw the announcement of work';

export class WorkGuard {
  private readonly workerId = newUuid();
  private readonly renewing: NodeJS.Timeout;
  private suspect: string | undefined;
  /** Work that ended while PostgreSQL could not be reached. */
  private readonly ended = new Map<string, Place>();
  /** Since when PostgreSQL has answered each time; undefined = it does not. */
  private reachedSince: number | undefined;

  constructor(
    private readonly database: Database,
    private readonly log: Logger,
    private readonly slots: ThirdPartySlots,
  ) {
    this.renewing = setInterval(() => void this.renew(), RENEW_MS);
  }

  readonly interceptor: ActivityInterceptorsFactory = ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        if (SHORT_CALLS.has(info.activityType)) {
          const { tenantId } = input.args[0] as { tenantId: string };
          return this.slots.run(info, { tenantId, kind: 'check', subjectId: '' }, () => next(input));
        }
        const describe = GUARDED[info.activityType];
        if (describe === undefined) return next(input);
        const announced = await withTenantOf(this.database, describe(input.args[0] as never));
        return this.slots.run(info, announced, () => this.execute(announced, () => next(input)));
      },
    },
  });

  async stop(): Promise<void> {
    clearInterval(this.renewing);
    await this.database
      .withDispatcher((work) => withdrawAll(work, this.workerId))
      .catch((error: unknown) => this.log.warn({ err: error }, NOT_WITHDRAWN));
  }

  private async renew(): Promise<void> {
    const ended = [...this.ended];
    try {
      await this.database.withDispatcher(async (work) => {
        for (const [, place] of ended) await withdrawWork(work, place);
        await renewAnnouncements(work, this.workerId);
      });
      for (const [key] of ended) this.ended.delete(key);
      this.reachedSince ??= performance.now();
    } catch {
      this.reachedSince = undefined; // other workers cannot renew either
    }
  }

  private async execute<T>(announced: AnnouncedWork, run: () => Promise<T>): Promise<T> {
    const place = { ...announced, workerId: this.workerId };
    const key = JSON.stringify(announced);
    this.ended.delete(key);
    const { state, isSuspect } = await this.announce(announced);
    if (state !== 'running') throw notNow(state);
    if (isSuspect) await this.becomeOnlySuspect(key, place);
    const clear = async (): Promise<void> => {
      if (this.suspect !== key) return;
      this.suspect = undefined;
      await this.database.withDispatcher((work) => clearSuspicion(work, place));
    };
    try {
      return await withProgress(clear, run);
    } finally {
      if (this.suspect === key) this.suspect = undefined;
      await this.database
        .withDispatcher((work) => withdrawWork(work, place))
        .catch((error: unknown) => {
          this.ended.set(key, place);
          this.log.warn({ err: error }, NOT_WITHDRAWN);
        });
    }
  }

  private async announce(announced: AnnouncedWork): Promise<Announcement> {
    const { workerId, reachedSince } = this;
    const mayJudge = reachedSince !== undefined && performance.now() - reachedSince > JUDGE_AFTER_MS;
    const announcer = { workerId, runsSuspect: this.suspect !== undefined, mayJudge };
    const announcement = await this.database.withDispatcher((work) =>
      announceWork(work, announced, announcer),
    );
    for (const parked of announcement.newlyParked) await this.report(parked);
    return announcement;
  }

  /** Another suspect may have been announced at the same time. */
  private async becomeOnlySuspect(key: string, place: Place): Promise<void> {
    if (this.suspect === undefined) {
      this.suspect = key;
      return;
    }
    await this.database.withDispatcher((work) => postponeWork(work, place));
    throw notNow('later');
  }

  /** The work stays parked if this fails; the log line is not lost. */
  private async report(parked: RunningWork): Promise<void> {
    const [workId, tenantId] = [toTypeId('wrk', parked.workId), toTypeId('ten', parked.tenantId)];
    this.log.error(
      { work_id: workId, tenant_id: tenantId, kind: parked.kind },
      'parked work that took its worker down repeatedly',
    );
    await this.database
      .withTenant(parked.tenantId, (work) => showParkedWork(work, parked))
      .catch((error: unknown) => this.log.error({ err: error }, 'could not show parked work to the tenant'));
  }
}

/** Temporal repeats it, so parked work continues by itself after a person has decided to retry it. */
function notNow(state: 'parked' | 'later'): ApplicationFailure {
  const isParked = state === 'parked';
  return ApplicationFailure.create({
    type: isParked ? 'WorkParked' : 'WorkDeferred',
    message: isParked
      ? 'This work took its worker down repeatedly and waits for a decision (GET /v1/parked-work).'
      : 'This work was under way when a worker died, and runs after other such work.',
    nextRetryDelay: isParked ? '30 seconds' : '3 seconds',
  });
}

/** They hold a slot like other work that calls third parties. They read too little to end a worker. */
const SHORT_CALLS: ReadonlySet<string> = new Set(['endSubscription', 'exchangeCode', 'readMappingSamples']);

const ofIntegration = (
  kind: 'push' | 'check',
  { tenantId, integrationId }: PushDueRecordsInput | CheckIntegrationInput,
): AnnouncedWork => ({ tenantId, kind, subjectId: integrationId, job: '', integrationId });

function jobOfPush({ shard, turn, priorityKey }: PushDueRecordsInput): string {
  if (shard !== undefined) return `execution ${shard + 1}`;
  // The one that it overtakes may have begun: its announcement stays.
  return turn === undefined || turn.beside.length === 0 ? '' : `priority ${priorityKey}`;
}

/** What can meet words of third parties and receivers, by activity. */
const GUARDED: Readonly<Record<string, ((input: never) => AnnouncedWork) | undefined>> = {
  pushDueRecords: (input: PushDueRecordsInput) => ({
    ...ofIntegration('push', input),
    job: jobOfPush(input),
  }),
  checkIntegration: (input: CheckIntegrationInput) => ofIntegration('check', input),
  advanceSyncJob: ({ tenantId, integrationId, syncRunId, job, range }: AdvanceSyncJobInput) => ({
    tenantId,
    kind: 'pull',
    subjectId: syncRunId,
    job: range === undefined ? syncJobName(job) : rangeName(syncJobName(job), range),
    integrationId,
  }),
  advanceOverview: ({ tenantId, overviewId }: AdvanceOverviewInput) => ({
    tenantId,
    kind: 'overview',
    subjectId: overviewId,
    job: '',
    integrationId: null,
  }),
  deliverDueWebhooks: ({ endpointId }: DeliverDueWebhooksInput) => ({
    tenantId: PLATFORM_TENANT_ID,
    kind: 'webhook_delivery',
    subjectId: endpointId,
    job: '',
    integrationId: null,
  }),
};

async function withTenantOf(database: Database, announced: AnnouncedWork): Promise<AnnouncedWork> {
  if (announced.tenantId !== PLATFORM_TENANT_ID) return announced;
  const endpoint = await database.withWebhooksRole(({ trx }) =>
    trx
      .selectFrom('webhookEndpoints')
      .select('tenantId')
      .where('webhookEndpointId', '=', announced.subjectId)
      .executeTakeFirst(),
  );
  return { ...announced, tenantId: endpoint?.tenantId ?? PLATFORM_TENANT_ID };
}
