/** One workflow that refuses or does not answer, beside those of other tenants (rules.md 60). */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { RecordPushInput } from '../../contract/record-push';
import { type DueMessage, enqueuePush } from '../../db/platform/outbox';
import { newUuid } from '../../db/sql/ids';
import { TemporalAway } from '../../worker/temporal-away';
import { type OutboxDispatcher, startOutboxDispatcher } from '../../worker/outbox-dispatcher';
import { createOutboxHandlers, type OutboxHandler } from '../../worker/outbox-handlers';
import { sweep } from '../../worker/stalled-work-sweeper';
import { GivenTenant, openTestDb, type TestDb } from '../db/given';
import { temporalError } from '../support/fakes/temporal-errors';
import { flushOutbox } from '../support/flush-outbox';
import { until } from '../support/until';

let db: TestDb;
let tenant: GivenTenant;
let other: GivenTenant;
let signaled: string[];
let answers: Map<string, () => Promise<void>>;
let dispatchers: OutboxDispatcher[];
/** What Temporal answers to a look for a workflow that does not exist. */
let look: () => Promise<never>;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  await db.superuser('truncate outbox');
  [tenant, other] = [await GivenTenant.create(db), await GivenTenant.create(db)];
  [signaled, answers, dispatchers] = [[], new Map(), []];
  look = rejects(new WorkflowNotFoundError('not found', '', undefined));
});
afterEach(() => Promise.all(dispatchers.map((each) => each.stop())));

const silent = { info() {}, warn() {}, error() {} };
/** A client of Temporal that answers for the push queue of an integration as `answers` says. */
const client = {
  workflow: {
    async signalWithStart(_type: string, { args: [{ integrationId }] }: { args: [RecordPushInput] }) {
      signaled.push(integrationId);
      await sleep(1);
      await answers.get(integrationId)?.();
    },
    getHandle: () => ({ describe: () => look() }),
    withDeadline: <T>(_deadline: number, run: () => Promise<T>) => run(),
  },
} as unknown as Client;
const handleRow: OutboxHandler = createOutboxHandlers(client, { hasSearchAttributes: false });
const rejects = (error: unknown) => () => Promise.reject(error);
const flush = () => flushOutbox({ database: db.database, handleRow });
const start = () =>
  dispatchers.push(
    startOutboxDispatcher({ database: db.database, databaseUrl: db.url, handleRow, log: silent }),
  );
const message = async (by: GivenTenant, integrationId = newUuid()) => {
  await by.work((work) => enqueuePush(work, { integrationId, nextDueAt: new Date() }));
  return integrationId;
};
const messages = async (by: GivenTenant, count: number) => {
  const ids: string[] = [];
  for (let each = 0; each < count; each += 1) ids.push(await message(by));
  return ids;
};
const rows = () =>
  db.superuser(
    `select subject_id, attempts, last_error, leased_until > now() as backs_off from outbox order by outbox_id`,
  );

describe('rule 60: Temporal refuses the messages of one workflow', () => {
  it.each([
    ['it is busy', temporalError(8, 'Workflow is busy.', 'BUSY_WORKFLOW')],
    ['it has had too many signals', temporalError(3, 'exceeded workflow execution limit for signal events')],
    ['its history has reached the limit', temporalError(9, 'history size exceeds limit')],
    ['its run is not found', temporalError(5, 'workflow execution already completed')],
    ['its shard is moving', temporalError(14, 'shard status unknown')],
    ['its shard is slow', temporalError(4, 'context deadline exceeded')],
    ['a proxy limits it', temporalError(8, 'Too many requests')],
  ])('because %s: its message backs off alone, and all others are sent', async (_why, error) => {
    const bad = await message(tenant);
    const others = [...(await messages(tenant, 15)), ...(await messages(other, 25))];
    answers.set(bad, rejects(error));

    await flush();

    expect(signaled.toSorted()).toEqual([bad, ...others].toSorted());
    expect(await rows()).toEqual([
      {
        subject_id: bad,
        attempts: 1,
        last_error: `ServiceError: Failed to signalWithStart Workflow: ${String(error.cause)}`,
        backs_off: true,
      },
    ]);
  });

  it('a shard of a quarter of the workflows is away: the others get their signals', async () => {
    const all = [...(await messages(tenant, 40)), ...(await messages(other, 40))];
    const bad = all.filter((_id, index) => index % 4 === 0);
    for (const each of bad) answers.set(each, rejects(temporalError(14, 'shard status unknown')));

    await flush().catch(() => undefined);

    expect(new Set(signaled)).toEqual(new Set(all));
    const left = await rows();
    expect(left.map((row) => bad.includes(row.subject_id as string))).toEqual(left.map(() => true));
  });

  it('a message that was refused for an hour by a busy workflow is tried again within a minute', async () => {
    const bad = await message(tenant);
    answers.set(bad, rejects(temporalError(8, 'Workflow is busy.', 'BUSY_WORKFLOW')));
    await db.superuser('update outbox set attempts = 40');

    await flush();

    const [row] = await db.superuser(
      `select leased_until between now() + interval '50 s' and now() + interval '1 min' as soon from outbox`,
    );
    expect(row).toEqual({ soon: true });
  });

  it('new messages about it cause about one call a second', async () => {
    const bad = newUuid();
    answers.set(bad, rejects(temporalError(8, 'Workflow is busy.', 'BUSY_WORKFLOW')));
    start();
    const beganAt = performance.now();
    for (let each = 0; each < 40; each += 1) {
      await message(tenant, bad);
      await sleep(20);
    }

    const seconds = (performance.now() - beganAt) / 1_000;
    expect(signaled.length).toBeLessThan(Math.min(10 + 2 * seconds, 40));
    answers.clear();
    await until('everything is sent', async () => (await rows()).length === 0);
  });
});

describe('rule 60: Temporal as a whole', () => {
  it.each([
    ['limits the namespace', temporalError(8, 'namespace rate limit exceeded', 'RPS_LIMIT')],
    ['is overloaded', temporalError(8, 'overloaded', 'SYSTEM_OVERLOADED')],
    ['refuses the API key', temporalError(16, 'no identity')],
  ])('%s: no further call begins, and no message counts as refused', async (_what, error) => {
    const all = await messages(tenant, 60);
    answers.set(all[0] as string, rejects(error));

    await expect(flush()).rejects.toEqual(new TemporalAway(error));

    expect(signaled.length).toBeLessThanOrEqual(32);
    expect((await rows()).map(({ attempts }) => attempts)).not.toContain(1);
  });

  it.each([1, 5, 60])('is away: none of %i messages counts as refused', async (count) => {
    const all = await messages(tenant, count);
    for (const each of all) answers.set(each, rejects(temporalError(14, 'No connection established')));
    look = rejects(temporalError(14, 'No connection established'));

    await expect(flush()).rejects.toThrow(TemporalAway);

    expect(signaled.length).toBeLessThanOrEqual(16);
    expect((await rows()).map(({ attempts, backs_off: backsOff }) => [attempts, backsOff])).toEqual(
      all.map(() => [0, null]),
    );
  });
});

describe('rule 60: Temporal does not answer for one workflow', () => {
  it('the messages of all others are sent meanwhile, also later ones, and its own wait', async () => {
    const bad = await message(tenant);
    let answer = (_error?: unknown): void => undefined;
    const answered = new Promise<void>((resolve, reject) => {
      answer = (error) => (error === undefined ? resolve() : reject(error));
    });
    answers.set(bad, () => answered);
    const earlier = await messages(other, 30);
    start();
    await until('the first are sent', () => earlier.every((id) => signaled.includes(id)));
    await sleep(1_500);

    const later = await messages(other, 30);
    for (let each = 0; each < 20; each += 1) await message(tenant, bad);
    await until('the later ones are sent', () => later.every((id) => signaled.includes(id)));

    expect(signaled.filter((id) => id === bad)).toHaveLength(1);
    answer(temporalError(4, 'Deadline exceeded'));
    answers.delete(bad);
    await until('its own are sent', async () => (await rows()).length === 0);
  });

  it('calls that are slow for all workflows of a tenant keep their number and their messages', async () => {
    const all = await messages(tenant, 48);
    let [atOnce, atOnceMax] = [0, 0];
    for (const each of all)
      answers.set(each, async () => {
        atOnceMax = Math.max(atOnceMax, (atOnce += 1));
        await sleep(2_500);
        atOnce -= 1;
      });
    start();

    await until('everything is sent', async () => (await rows()).length === 0);

    expect([atOnceMax, signaled.length]).toEqual([8, 48]);
  });

  it('a dispatcher that stops waits for the call', async () => {
    const slow = await message(tenant);
    answers.set(slow, () => sleep(2_500));
    start();
    await until('the call is under way', () => signaled.length === 1);
    await sleep(1_200);

    await Promise.all(dispatchers.splice(0).map((each) => each.stop()));

    expect(await rows()).toEqual([]);
  });
});

describe('rule 60: the sweep', () => {
  const stalled = async (count: number) => {
    const ids: string[] = [];
    for (let each = 0; each < count; each += 1) ids.push(await tenant.integration());
    await tenant.accept({ externalId: newUuid(), fields: { name: 'A' } });
    await db.superuser(`update record_syncs set due_at = now() - interval '2 minutes' where tenant_id = $1`, [
      tenant.tenantId,
    ]);
    return ids;
  };
  const sweeping = (isEverything = false) => {
    const mine = (each: DueMessage) => each.topic === 'record_push' && each.tenantId === tenant.tenantId;
    const send: OutboxHandler = (each) => (mine(each) ? handleRow(each) : Promise.resolve());
    return sweep({ database: db.database, handleRow: send, log: silent, isEverything });
  };

  it('goes on behind a busy workflow, and behind one whose shard is away', async () => {
    const ids = await stalled(40);
    answers.set(ids[3] as string, rejects(temporalError(8, 'Workflow is busy.', 'BUSY_WORKFLOW')));
    answers.set(ids[38] as string, rejects(temporalError(14, 'shard status unknown')));

    await expect(sweeping()).rejects.toThrow('signalWithStart');

    expect(new Set(signaled)).toEqual(new Set(ids));
  });

  it('stops for a limit of the namespace', async () => {
    const ids = await stalled(40);
    for (const id of ids) answers.set(id, rejects(temporalError(8, 'rate limit exceeded', 'RPS_LIMIT')));

    await expect(sweeping()).rejects.toThrow(TemporalAway);

    expect(signaled.length).toBeLessThanOrEqual(16);
  });

  it('after a loss of data a refused message does not have everything started once more', async () => {
    const ids = await stalled(3);
    answers.set(ids[1] as string, rejects(temporalError(3, 'search attribute has another type')));
    answers.set(ids[2] as string, rejects(temporalError(4, 'Deadline exceeded')));

    await sweeping(true);

    expect(new Set(signaled)).toEqual(new Set(ids));
  });

  it('after a loss of data it fails, and is repeated, if Temporal went away again', async () => {
    const ids = await stalled(3);
    for (const id of ids) answers.set(id, rejects(temporalError(14, 'No connection established')));
    look = rejects(temporalError(14, 'No connection established'));

    await expect(sweeping(true)).rejects.toThrow(TemporalAway);
  });
});
