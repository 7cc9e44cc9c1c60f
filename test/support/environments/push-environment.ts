/**
 * Everything of the push path but HTTP: a real PostgreSQL, the real push queue on the time-skipping server, a
 * ledger as the third party. One clock for all of it, the server's: `sleep` moves it. One environment per
 * test file.
 */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Worker } from '@temporalio/worker';
import {
  type ActivityDependencies,
  DELIVERING_LIMITS,
  PULLING_LIMITS,
  PUSHING_LIMITS,
} from '../../../activities/dependencies';
import type { HttpClient } from '../../../connectors/connector';
import { rest } from '../../../connectors/rest';
import { scim } from '../../../connectors/scim';
import { recordPushWorkflowId } from '../../../contract/record-push';
import { OUTAGE_LIMITS } from '../../../domain/retry';
import { Database } from '../../../db/database';
import { newUuid } from '../../../db/sql/ids';
import { createIntegration, type NewIntegration } from '../../../db/sync-runs/create-integration';
import { acceptChanges, type AcceptedChange } from '../../../db/records/accept-changes';
import type { RecordChange } from '../../../domain/records/record-change';
import { applyRecordSyncAction, type RecordSyncAction } from '../../../db/records/record-sync-actions';
import { createEncryption, type Encryption } from '../../../db/platform/encryption';
import { openErasureKey } from '../../../db/platform/erasure-key';
import { createWebhookSender } from '../../../egress/webhook-sender';
import { createDependencies } from '../../../worker/dependencies';
import { flushOutbox } from '../flush-outbox';
import { createOutboxHandlers, type OutboxHandler } from '../../../worker/outbox-handlers';
import { createWorkers } from '../../../worker/worker';
import { oneTransactionAtATime } from '../one-transaction-at-a-time';
import { createTestDatabase, type TestDatabase } from './database';
import { createCrm, type Crm } from '../servers/crm';
import { createLedger, type Ledger } from '../servers/ledger';
import { createRecordedMail, type RecordedMail } from '../fakes/recorded-mail';
import { timeSkippingBundle } from '../servers/shared-servers';
import { createTimeSkippingEnvironment } from '../servers/temporal';

export const MINUTE = 60_000;
export const GRACE_MS = 5 * MINUTE;

const silent = { info() {}, warn() {}, error() {} };

export interface RecordSyncState {
  status: string | null;
  dueAt: Date | null;
  errors: { code: string; field: string | null; message: string; category: string }[] | null;
  relevantVersion: number;
  resultVersion: number | null;
  nextAttemptAt: Date | null;
  heldAt: Date | null;
}

export class PushEnvironment {
  private constructor(
    readonly env: TestWorkflowEnvironment,
    readonly database: Database,
    readonly ledger: Ledger,
    readonly crm: Crm,
    readonly mail: RecordedMail,
    readonly handleRow: OutboxHandler,
    readonly dependencies: ActivityDependencies,
    readonly encryption: Encryption,
    private readonly testDatabase: TestDatabase,
    private workers: Worker[],
    private running: Promise<unknown>,
  ) {}

  static async create({
    pushing = PUSHING_LIMITS,
    pulling = PULLING_LIMITS,
    hasMailer = true,
    webhookTimeoutMs = 2_000,
    statementTimeoutMs = 20_000,
    http = { send: () => Promise.reject(new Error('The ledger needs no network.')) },
  }: {
    pushing?: ActivityDependencies['pushing'];
    pulling?: ActivityDependencies['pulling'];
    hasMailer?: boolean;
    webhookTimeoutMs?: number;
    statementTimeoutMs?: number;
    /** The third party of the connectors `rest` and `scim`. */
    http?: HttpClient;
  } = {}): Promise<PushEnvironment> {
    const [env, testDatabase] = await Promise.all([createTimeSkippingEnvironment(), createTestDatabase()]);
    const encryption = createEncryption({ keys: [{ keyId: 'test', secret: randomBytes(32) }] });
    const database = oneTransactionAtATime(
      new Database({
        openErasureKey: (work) => openErasureKey(work, encryption),
        url: testDatabase.url,
        poolSize: 10,
        statementTimeoutMs,
        waitForConnectionMs: 20_000,
        clock: async () => new Date(await env.currentTimeMs()),
      }),
    );
    const ledger = createLedger(() => env.currentTimeMs());
    const crm = createCrm(() => env.currentTimeMs());
    const mail = createRecordedMail(() => env.currentTimeMs());
    const dependencies = createDependencies({
      database,
      encryption,
      connectors: { ledger: ledger.connector, crm: crm.connector, rest, scim },
      createHttpClient: () => http,
      createSocketOpener: () => ({ open: () => Promise.reject(new Error('The ledger needs no network.')) }),
      mailer: hasMailer ? mail.mailer : null,
      webhookSender: createWebhookSender({
        policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: true },
        timeoutMs: webhookTimeoutMs,
      }),
      log: silent,
      isStopping: () => false,
      whyUrlIsRefused: () => undefined,
      pushing: { ...pushing },
      pulling: { ...pulling },
      delivering: { ...DELIVERING_LIMITS },
    });
    const handleRow = insistently(createOutboxHandlers(env.client, { hasSearchAttributes: false, database }));
    const workers = await createWorkers({
      connection: env.nativeConnection,
      namespace: env.namespace ?? 'default',
      dependencies,
      workflows: { workflowBundle: timeSkippingBundle() },
    });
    const running = Promise.all(workers.map((worker) => worker.run()));
    return new PushEnvironment(
      env,
      database,
      ledger,
      crm,
      mail,
      handleRow,
      dependencies,
      encryption,
      testDatabase,
      workers,
      running,
    );
  }

  async end(): Promise<void> {
    for (const worker of this.workers) worker.shutdown();
    await this.running;
    await this.dependencies.webhookSender.close();
    await this.env.teardown();
    await this.database.close();
    await this.testDatabase.drop();
  }

  /** As the superuser, beside everything that runs. */
  async superuser(statement: string): Promise<void> {
    const client = new Client({ connectionString: this.testDatabase.url });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }

  async now(): Promise<number> {
    return this.env.currentTimeMs();
  }

  /** Moves the clock on; timers of push queues fire on the way, and what they start is awaited. */
  async sleep(ms: number): Promise<void> {
    await this.dispatch();
    // An hour at a time: the server drops a connection that waits for one answer for minutes, as a busy
    // machine may have it.
    for (let left = ms; left > 0; left -= 60 * MINUTE) await this.env.sleep(Math.min(left, 60 * MINUTE));
    // An activity that started in the last instant needs a moment more.
    await this.env.sleep(50);
    await this.dispatch();
  }

  /** What the dispatcher does all the time in production. */
  async dispatch(): Promise<void> {
    await flushOutbox({ database: this.database, handleRow: this.handleRow });
  }

  /**
   * Shorter limits let a test live through an outage with few probes. The limits of production are the
   * default.
   */
  limit({
    giveUpAfterMs = OUTAGE_LIMITS.giveUpAfterMs,
    probeEachMs,
  }: { giveUpAfterMs?: number; probeEachMs?: number } = {}) {
    const probeDelaysMs = probeEachMs === undefined ? OUTAGE_LIMITS.probeDelaysMs : [probeEachMs];
    const outage = { ...OUTAGE_LIMITS, probeDelaysMs, giveUpAfterMs };
    for (const limits of [this.dependencies.pushing, this.dependencies.pulling])
      Object.assign(limits, { outage });
  }

  /** The third party answers normally again, and its list of received calls is empty. */
  resetLedger(): void {
    this.ledger.calls.length = 0;
    this.ledger.checks = 0;
    this.ledger.refusals = 0;
    this.ledger.answer = () => undefined;
    this.ledger.checkAnswer = () => undefined;
  }

  async tenant({ contactEmail = null }: { contactEmail?: string | null } = {}): Promise<TestTenant> {
    const tenantId = newUuid();
    await this.database.withTenant(tenantId, ({ trx }) =>
      trx
        .insertInto('tenants')
        .values({ tenantId, name: 'Test', timeZone: 'Europe/Brussels', contactEmail })
        .execute(),
    );
    return new TestTenant(this, tenantId);
  }
}

/**
 * The time-skipping server refuses a signal-with-start in the instant in which the workflow ends; the real
 * one does not.
 */
function insistently(handleRow: OutboxHandler): OutboxHandler {
  return async (due) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await handleRow(due);
      } catch (error) {
        if (tries === 5 || !(error as Error).message.includes('Completed workflow')) throw error;
      }
    }
  };
}

export class TestTenant {
  constructor(
    readonly environment: PushEnvironment,
    readonly tenantId: string,
  ) {}

  async integration(settings: Partial<NewIntegration> = {}): Promise<string> {
    const integrationId = newUuid();
    const input: NewIntegration = {
      integrationId,
      connector: 'ledger',
      app: 'Ledger',
      accountName: 'Test',
      config: { owner: integrationId },
      recordTypes: {
        employees: {
          direction: 'push',
          fields: [
            { name: 'name', to: 'name' },
            { name: 'email', to: 'email' },
          ],
          onDelete: 'deactivate',
        },
      },
      encryptedCredentials: null,
      gracePeriodMs: GRACE_MS,
      maxWaitMs: 60 * MINUTE,
      initialPush: 'none',
      isPaused: false,
      ...settings,
    };
    await this.environment.database.withTenant(this.tenantId, (work) => createIntegration(work, input));
    return integrationId;
  }

  /** Accepts changes; the outbox is sent. */
  async accept(...changes: (Partial<RecordChange> & { externalId: string })[]): Promise<AcceptedChange[]> {
    const complete = changes.map((change) => ({
      recordType: 'employees',
      kind: 'put' as const,
      fields: {},
      ...change,
    }));
    const accepted = await this.environment.database.withTenant(this.tenantId, (work) =>
      acceptChanges(work, complete, { actor: 'test', requestId: 'test' }),
    );
    await this.environment.dispatch();
    return accepted;
  }

  async change(
    externalId: string,
    fields: RecordChange['fields'],
    more: Partial<RecordChange> = {},
  ): Promise<AcceptedChange> {
    const [accepted] = await this.accept({ externalId, fields, ...more });
    return accepted as AcceptedChange;
  }

  async act(action: RecordSyncAction, integrationId: string, externalId: string): Promise<string> {
    const recordId = await this.recordId(externalId);
    const outcome = await this.environment.database.withTenant(this.tenantId, (work) =>
      applyRecordSyncAction(work, { action, integrationId, recordId, actor: 'ana' }),
    );
    await this.environment.dispatch();
    return outcome;
  }

  async recordId(externalId: string): Promise<string> {
    return this.environment.database.withTenant(this.tenantId, async ({ trx }) => {
      const row = await trx
        .selectFrom('records')
        .select('recordId')
        .where('externalId', '=', externalId)
        .executeTakeFirstOrThrow();
      return row.recordId;
    });
  }

  async recordSync(integrationId: string, externalId: string): Promise<RecordSyncState | undefined> {
    const recordId = await this.recordId(externalId);
    return this.environment.database.withTenant(this.tenantId, ({ trx }) =>
      trx
        .selectFrom('recordSyncs')
        .select(['status', 'dueAt', 'errors', 'relevantVersion', 'resultVersion', 'nextAttemptAt', 'heldAt'])
        .where('integrationId', '=', integrationId)
        .where('recordId', '=', recordId)
        .executeTakeFirst(),
    );
  }

  async status(integrationId: string, externalId: string): Promise<string | null | undefined> {
    return (await this.recordSync(integrationId, externalId))?.status;
  }

  async pushes(integrationId: string) {
    return this.environment.database.withTenant(this.tenantId, ({ trx }) =>
      trx
        .selectFrom('pushes')
        .innerJoin('records', (join) =>
          join
            .onRef('records.tenantId', '=', 'pushes.tenantId')
            .onRef('records.recordId', '=', 'pushes.recordId'),
        )
        .selectAll('pushes')
        .select('records.externalId')
        .where('pushes.integrationId', '=', integrationId)
        .orderBy('pushId')
        .execute(),
    );
  }

  async notifications() {
    return this.environment.database.withTenant(this.tenantId, ({ trx }) =>
      trx.selectFrom('notifications').selectAll().execute(),
    );
  }

  /**
   * As `pushWorkflowStatus`, once the workflow has ended: the server closes it a moment after its last
   * activity.
   */
  async endOfPushWorkflow(integrationId: string): Promise<string | null> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const status = await this.pushWorkflowStatus(integrationId);
      if (status !== 'RUNNING' || Date.now() > deadline) return status;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** `RUNNING`, `COMPLETED`, … of the integration's push queue, or null when it never ran. */
  async pushWorkflowStatus(integrationId: string): Promise<string | null> {
    try {
      const { status } = await this.environment.env.client.workflow
        .getHandle(recordPushWorkflowId({ integrationId }))
        .describe();
      return status.name;
    } catch {
      return null;
    }
  }

  /** The calls that reached the third party of this integration, in order. */
  sent(integrationId: string): { externalId: string; operation: string; payload: unknown }[] {
    const calls = this.environment.ledger.calls.filter((call) => call.owner === integrationId);
    return calls.map(({ externalId, operation, payload }) => ({ externalId, operation, payload }));
  }
}
