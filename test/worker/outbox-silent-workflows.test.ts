/** Workflows that do not answer, refuse or are healthy, of several tenants (rules.md 60). */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { RecordPushInput } from '../../contract/record-push';
import { newUuid } from '../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import { type OutboxDispatcher, startOutboxDispatcher } from '../../worker/outbox-dispatcher';
import { createOutboxHandlers } from '../../worker/outbox-handlers';
import { TemporalAway } from '../../worker/temporal-away';
import { openTestDb, type TestDb } from '../db/given';
import { temporalError } from '../support/fakes/temporal-errors';
import { flushOutbox } from '../support/flush-outbox';
import { Random } from '../support/random';
import { until } from '../support/until';

let db: TestDb;
let dispatcher: OutboxDispatcher | undefined;
let answers: Map<string, () => Promise<void>>;
let signaled: string[];
/** Of each workflow; together and at most. */
let underWay: Map<string, number>;
let atOnceMax: number;
let looks: (() => Promise<never>)[];

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  await db.superuser('truncate outbox');
  [answers, signaled, underWay, atOnceMax, looks] = [new Map(), [], new Map(), 0, []];
});
afterEach(async () => {
  await dispatcher?.stop();
  dispatcher = undefined;
});

const silent = { info() {}, warn() {}, error() {} };
const rejects = (error: unknown) => () => Promise.reject(error);
const notFound = rejects(new WorkflowNotFoundError('not found', '', undefined));
const noAnswer = temporalError(4, 'Deadline exceeded');
const client = {
  workflow: {
    async signalWithStart(_type: string, { args: [{ integrationId }] }: { args: [RecordPushInput] }) {
      signaled.push(integrationId);
      underWay.set(integrationId, (underWay.get(integrationId) ?? 0) + 1);
      atOnceMax = Math.max(atOnceMax, underWay.get(integrationId) ?? 0);
      try {
        await sleep(1);
        await answers.get(integrationId)?.();
      } finally {
        underWay.set(integrationId, (underWay.get(integrationId) ?? 0) - 1);
      }
    },
    getHandle: () => ({ describe: () => (looks.shift() ?? notFound)() }),
    withDeadline: <T>(_deadline: number, run: () => Promise<T>) => run(),
  },
} as unknown as Client;
const handleRow = createOutboxHandlers(client, { hasSearchAttributes: false });
const flush = () => flushOutbox({ database: db.database, handleRow });
const start = () =>
  (dispatcher = startOutboxDispatcher({
    database: db.database,
    databaseUrl: db.url,
    handleRow,
    log: silent,
  }));
const message = async (tenantId: string, integrationId = newUuid()) => {
  await db.superuser(
    `insert into outbox (tenant_id, topic, subject_id, next_due_at) values ($1, 'record_push', $2, now())`,
    [tenantId, integrationId],
  );
  return integrationId;
};
const messages = async (tenantId: string, count: number) => {
  const ids: string[] = [];
  for (let each = 0; each < count; each += 1) ids.push(await message(tenantId));
  return ids;
};
const rows = () =>
  db.superuser('select attempts, leased_until > now() as backs_off from outbox order by outbox_id');
/** Workflows that answer at the end of the test. */
const hold = (ids: readonly string[]) => {
  let end = (): void => undefined;
  const ended = new Promise<void>((_, reject) => (end = () => reject(noAnswer)));
  ended.catch(() => undefined);
  for (const id of ids) answers.set(id, () => ended);
  return () => {
    for (const id of ids) answers.delete(id);
    end();
  };
};
const held = (ids: readonly string[]) => ids.filter((id) => (underWay.get(id) ?? 0) > 0).length;

describe('rule 60: no workflow that has messages answers', () => {
  it.each([1, 3, 7, 8, 29])('and Temporal does: %i of them back off, with a count', async (count) => {
    const all = await messages(newUuid(), count);
    for (const id of all) answers.set(id, rejects(noAnswer));

    await flush();
    await flush();

    expect(signaled.toSorted()).toEqual(all.toSorted());
    expect(await rows()).toEqual(all.map(() => ({ attempts: 1, backs_off: true })));
  });

  it('and one of the shards that are asked does: they back off', async () => {
    const id = await message(newUuid());
    answers.set(id, rejects(temporalError(14, 'shard status unknown')));
    looks = [rejects(temporalError(14, 'shard status unknown')), rejects(noAnswer), notFound];

    await flush();

    expect(await rows()).toEqual([{ attempts: 1, backs_off: true }]);
  });

  it.each([
    ['does not either', noAnswer],
    ['cannot be reached', temporalError(14, 'No connection established')],
    ['limits the namespace', temporalError(8, 'namespace rate limit exceeded', 'RPS_LIMIT')],
  ])('and Temporal %s: they are released without a count', async (_what, error) => {
    const all = await messages(newUuid(), 5);
    for (const id of all) answers.set(id, rejects(noAnswer));
    looks = Array.from({ length: 100 }, () => rejects(error));

    await expect(flush()).rejects.toEqual(new TemporalAway(noAnswer));

    expect(await rows()).toEqual(all.map(() => ({ attempts: 0, backs_off: null })));
  });

  it('calls that end together share a look at Temporal', async () => {
    let asked = 0;
    const all = await messages(newUuid(), 8);
    for (const id of all) answers.set(id, rejects(noAnswer));
    looks = Array.from({ length: 100 }, () => async () => {
      asked += 1;
      await sleep(50);
      return notFound();
    });

    await flush();

    expect(asked).toBeLessThan(3 * all.length);
    expect(await rows()).toEqual(all.map(() => ({ attempts: 1, backs_off: true })));
  });
});

describe('rule 60: workflows of one tenant keep their calls open', () => {
  it.each([
    ['a tenant', newUuid()],
    ['the platform', PLATFORM_TENANT_ID],
  ])('sixteen of %s hold half of the places, and others get theirs', async (_whose, tenantId) => {
    const bad = await messages(tenantId, 16);
    const end = hold(bad);
    start();
    await until('its places are full', () => held(bad) === 8);

    const others = [...(await messages(newUuid(), 20)), ...(await messages(newUuid(), 1))];
    await until('the others are sent', () => others.every((id) => signaled.includes(id)));

    expect(held(bad)).toBe(8);
    end();
    await until('everything is sent', async () => (await rows()).length === 0);
  });

  it('its other messages follow as soon as one of them ends', async () => {
    const tenantId = newUuid();
    const bad = await messages(tenantId, 8);
    const ends = bad.map((id) => hold([id]));
    start();
    await until('its places are full', () => held(bad) === 8);
    const healthy = await messages(tenantId, 30);
    await sleep(1_500);
    expect(signaled).toHaveLength(8);

    ends[3]?.();
    await until('its others are sent', () => healthy.every((id) => signaled.includes(id)));

    expect(held(bad)).toBe(7);
    for (const end of ends) end();
    await until('everything is sent', async () => (await rows()).length === 0);
  });
});

const random = new Random();
const seeds = Array.from({ length: 6 }, () => random.between(1, 1e9));

it.each(seeds)(
  'rule 60: a mix of silent, refused and healthy workflows over tenants (seed %i)',
  async (seed) => {
    const mix = new Random(seed);
    const tenants = Array.from({ length: mix.between(2, 9) }, () => newUuid());
    const troubled = tenants.slice(0, mix.between(1, Math.min(4, tenants.length - 1)));
    const [bad, healthy]: [string[], string[]] = [[], []];
    for (const tenantId of mix.shuffled(
      tenants.flatMap((id) => Array<string>(mix.between(1, 25)).fill(id)),
    )) {
      const kind = mix.weighted({ silent: 3, refused: 1, healthy: 2 });
      const id = newUuid();
      for (let copies = mix.between(1, 3); copies > 0; copies -= 1) await message(tenantId, id);
      if (troubled.includes(tenantId) && kind === 'silent') bad.push(id);
      else if (kind === 'refused') answers.set(id, rejects(temporalError(3, 'it has too many signals')));
      else if (!troubled.includes(tenantId)) healthy.push(id);
    }
    const end = hold(bad);
    start();

    await until('the healthy ones of other tenants are sent', () =>
      healthy.every((id) => signaled.includes(id)),
    );

    expect(held(bad)).toBeLessThan(16);
    end();
    answers.clear();
    await until('everything is sent', async () => (await rows()).length === 0);
    expect(atOnceMax).toBe(1);
  },
);
