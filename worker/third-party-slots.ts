/** Gives work that calls third parties and receivers a slot of its task queue, or lets it ask again later. */
import type { Info } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { TASK_QUEUES } from '../contract/task-queues';
import type { Database } from '../db/database';
import type { AnnouncedWork } from '../db/platform/running-work';
import { findSyncRun } from '../db/pull/job-rows';
import { type DEFAULT_SLOTS, SlotShares } from '../domain/slot-shares';
import { isAwaitedRun } from '../domain/sync-runs/sync-run';

/** A check is tried twice only, and the checks before it last up to 20 s. */
const CHECK_RETRY_SECONDS = 10;

export class ThirdPartySlots {
  private readonly queues: Readonly<Record<string, SlotShares>>;

  constructor(
    private readonly database: Database,
    { push, pull, webhooks }: Omit<typeof DEFAULT_SLOTS, 'email'>,
  ) {
    this.queues = {
      [TASK_QUEUES.push]: new SlotShares(push),
      [TASK_QUEUES.pull]: new SlotShares(pull),
      [TASK_QUEUES.webhooks]: new SlotShares(webhooks),
    };
  }

  /** Runs work in a slot. @throws a failure after which Temporal repeats the work. */
  async run<T>(info: Info, work: AnnouncedWork, run: () => Promise<T>): Promise<T> {
    const taken = this.queues[info.taskQueue]?.take({
      key: `${info.workflowExecution?.runId} ${info.activityId}`,
      tenantId: work.tenantId,
      isForPerson: await this.isForPerson(work),
      since: info.scheduledTimestampMs,
    });
    if (typeof taken === 'number') throw slotsInUse(work, taken);
    try {
      return await run();
    } finally {
      taken?.();
    }
  }

  /** Webhooks have a queue of their own, of which nothing is kept for other work. */
  private async isForPerson({ kind, tenantId, subjectId }: AnnouncedWork): Promise<boolean> {
    if (kind !== 'pull') return kind !== 'push';
    const run = await this.database.withTenant(tenantId, (work) =>
      findSyncRun(work, { syncRunId: subjectId }),
    );
    return run !== undefined && isAwaitedRun(run);
  }
}

function slotsInUse({ kind }: AnnouncedWork, seconds: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'SlotsInUse',
    message: "Other work holds the tenant's share of this worker. The work is repeated shortly.",
    nextRetryDelay: `${kind === 'check' ? CHECK_RETRY_SECONDS : seconds} seconds`,
    category: ApplicationFailureCategory.BENIGN,
  });
}
