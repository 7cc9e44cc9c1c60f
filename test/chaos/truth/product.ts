/**
 * The product in one process without Temporal: its own activities against a real PostgreSQL, called as the
 * workflows call them, with a clock that the world moves. A worker can die between any two transactions, and
 * a connection can break.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createActivities } from '../../../activities';
import { PULLING_LIMITS, PUSHING_LIMITS } from '../../../activities/dependencies';
import type { Connector } from '../../../connectors/connector';
import { Database, type TenantWork } from '../../../db/database';
import { createEncryption } from '../../../db/platform/encryption';
import type { WebhookSender } from '../../../egress/webhook-sender';
import { createDependencies } from '../../../worker/dependencies';
import { createTestDatabase } from '../../support/environments/database';
import { sql } from 'kysely';

/** How the next activity fails, after so many transactions. */
export interface Accident {
  kind: 'worker_dies' | 'connection_breaks';
  /** The transaction is committed, and its answer is lost. */
  isCommitted: boolean;
  afterTransactions: number;
}

class WorkerDied extends Error {}

interface Life {
  accident: Accident | undefined;
  transactions: number;
  isDead: boolean;
}

/** Temporal gives an activity up after its heartbeat timeout. */
const HEARTBEAT_TIMEOUT_MS = 20_000;
const RETRY_MS = 1_000;
const ATTEMPTS_MAX = 10;
const logger = new DefaultLogger('ERROR', () => {});
const silent = { info() {}, warn() {}, error() {} };

export class ProductInProcess {
  /** The clock of the product, of its database and of the third parties. */
  now = 0;
  accident: Accident | undefined;
  onAccident: (text: string) => void = () => {};
  readonly activities: ReturnType<typeof createActivities>;
  private readonly lives = new AsyncLocalStorage<Life>();

  private constructor(
    url: string,
    readonly drop: () => Promise<void>,
    connector: Connector,
    private readonly log: typeof silent,
  ) {
    const { lives } = this;
    const clock = (): Date => new Date((this.now += 1));
    this.database = new (class extends Database {
      override async withTenant<T>(
        ...[tenantId, work, commit]: Parameters<typeof Database.prototype.withTenant<T>>
      ): Promise<T> {
        const run = (callback: typeof work): Promise<T> => super.withTenant(tenantId, callback, commit);
        const life = lives.getStore();
        return life === undefined ? run(work) : withAccident(life, run, work);
      }
    })({ url, poolSize: 4, statementTimeoutMs: 20_000, waitForConnectionMs: 20_000, clock });
    this.activities = createActivities(
      createDependencies({
        database: this.database,
        encryption: createEncryption({ keys: [{ keyId: 'test', secret: Buffer.alloc(32, 1) }] }),
        connectors: { [connector.kind]: connector },
        createHttpClient: () => ({ send: () => Promise.reject(new Error('No network.')) }),
        createSocketOpener: () => ({ open: () => Promise.reject(new Error('No network.')) }),
        mailer: null,
        webhookSender: {} as WebhookSender,
        log: this.log,
        isStopping: () => false,
        whyUrlIsRefused: () => undefined,
        // One batch at a time, so that a seed repeats a world.
        pushing: { ...PUSHING_LIMITS, parallelBatches: 1 },
        pulling: PULLING_LIMITS,
      }),
    );
  }

  readonly database: Database;

  static async create(connector: Connector, log = silent): Promise<ProductInProcess> {
    const { url, drop } = await createTestDatabase();
    return new ProductInProcess(url, drop, connector, log);
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.drop();
  }

  /** As Temporal does: an activity that fails, or whose worker has died, is called again. */
  async call<Input, Result>(activity: (input: Input) => Promise<Result>, input: Input): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      const life: Life = { accident: this.accident, transactions: 0, isDead: false };
      this.accident = undefined;
      try {
        return await this.lives.run(life, () =>
          new MockActivityEnvironment({}, { logger }).run(activity, input),
        );
      } catch (error) {
        this.onAccident(String(error));
        if (life.accident === undefined || attempt === ATTEMPTS_MAX) throw error;
        this.now += life.isDead ? HEARTBEAT_TIMEOUT_MS : RETRY_MS;
      }
    }
  }

  /** A transaction of a process that no accident concerns. */
  inTenant<T>(tenantId: string, work: (context: TenantWork) => Promise<T>): Promise<T> {
    return this.lives.exit(() => this.database.withTenant(tenantId, work));
  }

  /** True in the calls that a dead worker leaves behind. */
  isDead(): boolean {
    return this.lives.getStore()?.isDead === true;
  }
}

async function withAccident<T>(
  life: Life,
  run: (work: (context: TenantWork) => Promise<T>) => Promise<T>,
  work: (context: TenantWork) => Promise<T>,
): Promise<T> {
  if (life.isDead) throw new WorkerDied('The worker is dead.');
  const { accident } = life;
  life.transactions += 1;
  if (accident === undefined || life.transactions !== accident.afterTransactions) return run(work);
  const isKill = accident.kind === 'worker_dies';
  if (accident.isCommitted) await run(work);
  if (isKill) life.isDead = true;
  if (isKill) throw new WorkerDied('The worker dies.');
  if (accident.isCommitted)
    throw Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
  return run(async (context) => {
    await sql`reset role`.execute(context.trx);
    await sql`select pg_terminate_backend(pg_backend_pid())`.execute(context.trx);
    return work(context);
  });
}
