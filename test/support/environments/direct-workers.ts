/**
 * Workers without Temporal: outbox messages call the activities directly, an attempt that fails is repeated
 * as Temporal repeats it, and timers move the clock. Hundreds of repetitions of a scenario take seconds.
 */
import { randomBytes } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { Client } from 'pg';
import { createActivities } from '../../../activities';
import {
  type ActivityDependencies,
  DELIVERING_LIMITS,
  PULLING_LIMITS,
  PUSHING_LIMITS,
} from '../../../activities/dependencies';
import type { SyncRunKey } from '../../../contract/sync-run';
import { Database } from '../../../db/database';
import { createEncryption, type Encryption } from '../../../db/platform/encryption';
import { openErasureKey } from '../../../db/platform/erasure-key';
import { type DueMessage, subjectIdOf } from '../../../db/platform/outbox';
import { STALLED_WORK, STALLED_WORK_KINDS } from '../../../db/platform/stalled-work';
import { newUuid } from '../../../db/sql/ids';
import { createWebhookSender } from '../../../egress/webhook-sender';
import { createDependencies } from '../../../worker/dependencies';
import type { OutboxHandler } from '../../../worker/outbox-handlers';
import { sweep } from '../../../worker/stalled-work-sweeper';
import { createCrm } from '../servers/crm';
import { createLedger } from '../servers/ledger';
import { flushOutbox } from '../flush-outbox';
import { oneTransactionAtATime } from '../one-transaction-at-a-time';
import { StatementFaults } from '../statement-faults';
import { createTestDatabase, type TestDatabase } from './database';
import { type PushEnvironment, TestTenant } from './push-environment';

/** Timers that fire later are not waited for. */
const HORIZON_MS = 20 * 60_000;
const ATTEMPTS_MAX = 12;
/** Failures of activities are what these tests are about. */
const SILENT = new DefaultLogger('ERROR', () => undefined);
/** More rounds than any scenario needs. */
const ROUNDS_MAX = 60;

function countdown(): () => void {
  let left = ROUNDS_MAX;
  return () => {
    left -= 1;
    if (left === 0) throw new Error('The work does not end.');
  };
}

export class DirectWorkers {
  readonly ledger = createLedger(() => this.now());
  readonly crm = createCrm(() => this.now());
  readonly faults: StatementFaults;
  readonly database: Database;
  readonly dependencies: ActivityDependencies;
  /** What attempts threw. */
  readonly thrown: unknown[] = [];
  /** What the log of the worker says. */
  readonly logged: string[] = [];
  handleRow: OutboxHandler = (message) => {
    this.messages.set(`${message.topic} ${subjectIdOf(message)}`, message);
    return Promise.resolve();
  };
  private readonly activities: ReturnType<typeof createActivities>;
  private readonly messages = new Map<string, DueMessage>();
  private skippedMs = 0;
  private turns = 0;

  private constructor(
    private readonly testDatabase: TestDatabase,
    private readonly admin: Client,
    readonly encryption: Encryption,
  ) {
    this.faults = new StatementFaults().install(admin);
    this.database = oneTransactionAtATime(
      new Database({
        url: testDatabase.url,
        poolSize: 10,
        statementTimeoutMs: 20_000,
        waitForConnectionMs: 20_000,
        openErasureKey: (work) => openErasureKey(work, encryption),
        clock: () => new Date(this.now()),
      }),
    );
    const log = (_fields: object, message: string) => void this.logged.push(message);
    const nothing = () => Promise.reject(new Error('These third parties need no network.'));
    this.dependencies = createDependencies({
      database: this.database,
      encryption,
      connectors: { ledger: this.ledger.connector, crm: this.crm.connector },
      createHttpClient: () => ({ send: nothing }),
      createSocketOpener: () => ({ open: nothing }),
      mailer: null,
      webhookSender: createWebhookSender({
        policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: true },
        timeoutMs: 2_000,
      }),
      log: { info() {}, warn: log, error: log },
      isStopping: () => false,
      whyUrlIsRefused: () => undefined,
      pushing: { ...PUSHING_LIMITS },
      pulling: { ...PULLING_LIMITS },
      delivering: { ...DELIVERING_LIMITS },
    });
    this.activities = createActivities(this.dependencies);
  }

  static async create(): Promise<DirectWorkers> {
    const testDatabase = await createTestDatabase();
    const admin = new Client({ connectionString: testDatabase.url });
    await admin.connect();
    const encryption = createEncryption({ keys: [{ keyId: 'test', secret: randomBytes(32) }] });
    return new DirectWorkers(testDatabase, admin, encryption);
  }

  async end(): Promise<void> {
    await this.dependencies.webhookSender.close();
    await this.database.close();
    await this.admin.end();
    await this.testDatabase.drop();
  }

  now(): number {
    return Date.now() + this.skippedMs;
  }

  async pass(ms: number): Promise<void> {
    this.skippedMs += Math.max(ms, 0);
    // Leases of the outbox go by the database's own clock.
    await this.superuser(
      `update outbox set leased_until = leased_until - make_interval(secs => ${ms / 1_000})`,
    );
  }

  async superuser(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await this.admin.query<Record<string, unknown>>(text, values)).rows;
  }

  async tenant(): Promise<TestTenant> {
    const tenantId = newUuid();
    await this.database.withTenant(tenantId, ({ trx }) =>
      trx
        .insertInto('tenants')
        .values({ tenantId, name: 'Test', timeZone: 'Europe/Brussels', contactEmail: null })
        .execute(),
    );
    // It needs the third parties, the database and `dispatch` only.
    return new TestTenant(this as unknown as PushEnvironment, tenantId);
  }

  /** Nothing: `work` sends the outbox. */
  async dispatch(): Promise<void> {}

  /** Sends the outbox and does what follows, until nothing is left to do for now. */
  async work(): Promise<void> {
    for (const endless = countdown(); ; endless()) {
      await this.flush();
      const [next] = this.messages;
      if (next === undefined) return;
      const [key, message] = next;
      this.messages.delete(key);
      await this.workOn(message);
    }
  }

  flush(): Promise<void> {
    return this.repeated(() => flushOutbox({ database: this.database, handleRow: this.handleRow }));
  }

  /** A turn of the sweeper. */
  sweep(): Promise<number> {
    const { database, dependencies, handleRow } = this;
    return this.repeated(() => sweep({ database, handleRow, log: dependencies.log }));
  }

  /** What the sweeper finds later, without the deletion of expired rows. */
  async findStalled(): Promise<void> {
    await this.pass(3 * 60_000);
    await this.database.withDispatcher(async (work) => {
      const search = { overdueSince: new Date(work.now.getTime() - 60_000), after: undefined, limit: 500 };
      for (const kind of STALLED_WORK_KINDS)
        for (const message of (await STALLED_WORK[kind](work, search)).stalled)
          await this.handleRow({ ...message, nextDueAt: work.now });
    });
  }

  private async workOn(message: DueMessage): Promise<void> {
    if (message.topic === 'record_push') return this.push(message);
    if (message.topic === 'sync_run') return this.runSyncs(message);
    if (message.topic === 'overview') return this.generate(message);
    if (message.topic === 'webhook_endpoint') return this.deliver(message.endpointId);
    if (message.topic === 'notification')
      return void (await this.execute(this.activities.decideNotification, message));
    if (message.topic !== 'background_task') return;
    const advance = () => this.execute(this.activities.advanceBackgroundTask, message);
    for (const endless = countdown(); !(await advance()).isFinished; endless());
  }

  private async push({ tenantId, integrationId, nextDueAt }: Extract<DueMessage, { topic: 'record_push' }>) {
    let dueAt: number | null = nextDueAt.getTime();
    for (const endless = countdown(); dueAt !== null && (await this.until(dueAt)); endless()) {
      const turn = { number: (this.turns += 1), beside: [] };
      const input = { tenantId, integrationId, firedAt: this.now(), turn };
      ({ nextDueAt: dueAt } = await this.execute(this.activities.pushDueRecords, input));
    }
  }

  private async deliver(endpointId: string): Promise<void> {
    let dueAt: number | null = this.now();
    let recentFailures: readonly number[] = [];
    for (const endless = countdown(); dueAt !== null && (await this.until(dueAt)); endless()) {
      const input = { endpointId, firedAt: this.now(), recentFailures };
      ({ nextDueAt: dueAt, recentFailures } = await this.execute(this.activities.deliverDueWebhooks, input));
    }
  }

  private async generate(key: { tenantId: string; overviewId: string }): Promise<void> {
    for (const endless = countdown(); ; endless()) {
      const report = await this.execute(this.activities.advanceOverview, { ...key, firedAt: this.now() });
      if (report.state === 'ended') return;
      if (report.state === 'waiting' && !(await this.until(report.until))) return;
    }
  }

  private async runSyncs({ tenantId, integrationId }: SyncRunKey): Promise<void> {
    const key = { tenantId, integrationId };
    for (const endless = countdown(); ; endless()) {
      const run = await this.execute(this.activities.startNextSyncRun, key);
      if (run === null) return;
      const { syncRunId, jobs } = run;
      const ofPushes = jobs.filter(({ kind }) => kind === 'push');
      for (const job of [...jobs.filter(({ kind }) => kind !== 'push'), ...ofPushes])
        await this.runJob({ ...key, syncRunId, job });
    }
  }

  private async runJob(of: Omit<Parameters<typeof this.activities.advanceSyncJob>[0], 'firedAt'>) {
    const isPush = of.job.kind === 'push';
    for (const endless = countdown(); ; endless()) {
      // A job of pushes would wait for them.
      this.dependencies.pulling.timeBoxMs = isPush ? 0 : PULLING_LIMITS.timeBoxMs;
      const report = await this.execute(this.activities.advanceSyncJob, { ...of, firedAt: this.now() });
      if (report.state === 'ended') return;
      if (report.state === 'waiting' && !(await this.until(report.until)))
        throw new Error(`A job waits: ${report.reason}.`);
      if (!isPush) continue;
      await this.flush();
      const isWaiting = ![...this.messages.values()].some(({ topic }) => topic === 'record_push');
      // Such as for the end of a lease of the outbox.
      if (isWaiting) await this.pass(1_000);
      for (const [name, message] of this.messages)
        if (message.topic === 'record_push') {
          this.messages.delete(name);
          await this.push(message);
        }
    }
  }

  /** @returns false if the instant is beyond the horizon */
  private async until(instant: number): Promise<boolean> {
    const ms = instant - this.now();
    if (ms > HORIZON_MS) return false;
    if (ms > 0) await this.pass(ms);
    return true;
  }

  private execute<In, Out>(activity: (input: In) => Promise<Out>, input: In): Promise<Out> {
    return this.repeated((attempt) =>
      new MockActivityEnvironment({ attempt }, { logger: SILENT }).run(activity, input),
    );
  }

  /** As Temporal repeats an activity, and loops of the worker their turns. */
  private async repeated<T>(once: (attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(attempt);
      } catch (error) {
        this.thrown.push(error);
        this.faults.heal();
        if (attempt === ATTEMPTS_MAX) throw error;
        await this.pass(Math.min(1_000 * 2 ** (attempt - 1), 30_000));
      }
    }
  }
}
