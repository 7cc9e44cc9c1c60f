/** Gives work that calls third parties and receivers a slot of its task queue, or lets it ask again later. */
import type { Info } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { TASK_QUEUES } from '../contract/task-queues';
import type { Database } from '../db/database';
import type { AnnouncedWork } from '../db/platform/running-work';
import { databaseNowMs } from '../db/sql/ids';
import { findSyncRun } from '../db/pull/job-rows';
import { type DEFAULT_SLOTS, type SlotRequest, SlotShares, slotRetrySeconds } from '../domain/slot-shares';
import { isAwaitedRun } from '../domain/sync-runs/sync-run';
import { PRIORITIES } from '../domain/work-priorities';

type Work = Pick<AnnouncedWork, 'tenantId' | 'kind' | 'subjectId'>;

/**
 * After this time the work returns to the queue, because another worker may have a free slot. Much shorter
 * than the heartbeat timeouts of activities, because waiting work sends no heartbeat.
 */
const WAIT_MS = 3_000;
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
  async run<T>(info: Info, work: Work, run: () => Promise<T>): Promise<T> {
    const shares = this.queues[info.taskQueue];
    if (shares === undefined) return run();
    const giveBack = await take(shares, {
      tenantId: work.tenantId,
      isForPerson: await this.isForPerson(info, work),
      priorityKey: priorityOf(info),
      since: info.scheduledTimestampMs,
    });
    if (giveBack === undefined)
      throw slotsInUse(work, slotRetrySeconds(info.scheduledTimestampMs, databaseNowMs()));
    try {
      return await run();
    } finally {
      giveBack();
    }
  }

  /** Webhooks have a queue of their own, of which nothing is kept for other work. */
  private async isForPerson(info: Info, { kind, tenantId, subjectId }: Work): Promise<boolean> {
    if (kind === 'push') return priorityOf(info) <= PRIORITIES.signIn;
    if (kind !== 'pull') return true;
    const run = await this.database.withTenant(tenantId, (work) =>
      findSyncRun(work, { syncRunId: subjectId }),
    );
    return run !== undefined && isAwaitedRun(run);
  }
}

/** Work without a priority, such as the pushes of version 0.3.0, arrives with 0: as urgent as an edit. */
function priorityOf({ priority }: Info): number {
  const { priorityKey = 0 } = priority ?? {};
  return priorityKey === 0 ? PRIORITIES.edit : priorityKey;
}

/** @returns undefined if no slot became free in time. */
async function take(shares: SlotShares, request: SlotRequest): Promise<(() => void) | undefined> {
  let endWait: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      endWait = setTimeout(shares.ask(request, resolve), WAIT_MS);
    });
  } finally {
    clearTimeout(endWait);
  }
}

function slotsInUse({ kind }: Work, seconds: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'SlotsInUse',
    message: "Other work holds the tenant's share of this worker. The work is repeated shortly.",
    nextRetryDelay: `${kind === 'check' ? CHECK_RETRY_SECONDS : seconds} seconds`,
    category: ApplicationFailureCategory.BENIGN,
  });
}
