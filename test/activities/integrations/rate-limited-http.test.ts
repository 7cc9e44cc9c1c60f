/** Requests within the rate limit, as a connector sees it: rules.md 34, R9. */
import { RateLimitExhausted, rateLimitedHttp } from '../../../activities/integrations/rate-limited-http';
import { createRateLimitPermits } from '../../../activities/integrations/rate-limit-permits';
import type { HttpResponse } from '../../../connectors/connector';
import { RateLimited, Unavailable } from '../../../connectors/errors';
import { NoRoom } from '../../../connectors/page-memory';
import type { RequestPriority } from '../../../domain/rate-limit/rate-limiter';
import { GivenTenant, openTestDb, type TestDb } from '../../db/given';

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
let sent: number;
let transactions: number;
let troubles: unknown[];

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
  [sent, transactions, troubles] = [0, 0, []];
});

/** One worker process. */
function worker(answer: (sent: number) => Partial<HttpResponse> = () => ({}), isDatabaseDown = false) {
  const grants = createRateLimitPermits({
    database: {
      withTenant: (tenantId, work) => {
        transactions += 1;
        return isDatabaseDown
          ? Promise.reject(new Error('no database'))
          : db.database.withTenant(tenantId, work);
      },
    },
    onTrouble: (error) => troubles.push(error),
  });
  const http = { send: async () => ({ status: 200, headers: {}, text: '', ...answer((sent += 1)) }) };
  return (priority: RequestPriority, signal = new AbortController().signal, of = integrationId) => {
    const client = rateLimitedHttp(http, { budget: grants(tenant.tenantId, of), priority, signal });
    return () => client.send({ method: 'GET', url: 'https://example.test' });
  };
}
const rate = async () =>
  (
    await db.superuser('select rate_per_second from rate_limits where integration_id = $1', [integrationId])
  )[0]?.rate_per_second as number | null;
/** So slow that the next request is some seconds away for a push, and too far for a full pass. */
const setRate = (perSecond: number) =>
  db.superuser(
    `insert into rate_limits (tenant_id, integration_id, rate_per_second, ceiling_per_second, refilled_at, counting_since, slowed_at) values ($1, $2, $3, $3, now(), now(), now())`,
    [tenant.tenantId, integrationId, perSecond],
  );

describe('requests within a budget', () => {
  it('query the database at most once per 50 without a limit, from many activities of a process at once', async () => {
    const client = worker();
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const send = client('full');
        for (let count = 0; count < 100; count += 1) await send();
      }),
    );

    expect(sent).toBe(1_000);
    expect(transactions).toBeLessThanOrEqual(1_000 / 50);
    expect(troubles).toEqual([]);
  });

  it('report a "slow down" at once, so that other workers know of it; the answer itself is passed on', async () => {
    const send = worker((count) => (count > 5 ? { status: 429, headers: { 'retry-after': '7' } } : {}))(
      'hourly',
    );
    for (let count = 0; count < 5; count += 1) await send();
    const before = await rate();
    const refused = await send();

    expect(before).toBeNull();
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
    expect(await rate()).toBeGreaterThan(0);
    await expect(worker()('hourly', undefined, await tenant.integration())()).resolves.toMatchObject({
      status: 200,
    });
  });

  it('wait for the whole Retry-After, in this worker and in others, also when they were under way', async () => {
    const refuse = (count: number) => (count === 1 ? { status: 429, headers: { 'retry-after': '60' } } : {});
    const one = worker(refuse);
    const other = worker();
    await one('push')();

    for (const client of [one, other])
      for (const priority of ['push', 'full'] as const) {
        const error: unknown = await client(priority)().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(RateLimitExhausted);
        expect((error as RateLimitExhausted).retryAfterMs).toBeGreaterThan(30_000);
      }
    expect(sent).toBe(1);
  });

  it('are held back by a pause that arrives while their permits are on the way', async () => {
    let grant = (): void => {};
    let isGranted = false;
    const granted = new Promise<void>((resolve) => (grant = resolve));
    const grants = createRateLimitPermits({
      database: {
        async withTenant(tenantId, work) {
          const answer = await db.database.withTenant(tenantId, work);
          // The first grant is committed, and arrives after the pause.
          if (!isGranted) await ((isGranted = true), granted);
          return answer;
        },
      },
      onTrouble: (error) => troubles.push(error),
    })(tenant.tenantId, integrationId);
    const asked = grants.take('push');
    while (!isGranted) await new Promise((resolve) => setTimeout(resolve, 5));
    await grants.note({ isSlowedDown: true, quota: null, pauseMs: 60_000 });
    grant();

    expect((await asked)?.ms).toBeGreaterThan(30_000);
    expect(troubles).toEqual([]);
  });

  it('treat a 503 with Retry-After as a "slow down", and one without as a failure', async () => {
    const client = worker((count) => ({ status: 503, headers: count === 1 ? {} : { 'retry-after': '1' } }));
    await client('push')();
    const before = await rate();
    await client('push')();

    expect(before).toBeNull();
    expect(await rate()).toBeGreaterThan(0);
  });

  it('wait in their place when it is their turn soon', async () => {
    await setRate(4);
    const send = worker()('push');
    await Promise.all([send(), send(), send()]);

    expect(sent).toBe(3);
  });

  it('send nothing when the budget is spent: the work is retried later, and the connector starts no further calls', async () => {
    await setRate(0.1);
    const error: unknown = await worker()('full')().catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(RateLimitExhausted);
    expect(error).toBeInstanceOf(RateLimited);
    const { retryAt, retryAfterMs } = error as RateLimitExhausted;
    expect(retryAfterMs).toBeGreaterThan(5_000);
    expect(Math.abs(retryAt.getTime() - Date.now() - (retryAfterMs ?? 0))).toBeLessThan(5_000);
    expect(sent).toBe(0);
  });

  it('of a full pass wait at the reserve of a quota while pushes get through', async () => {
    const low = {
      headers: { 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '19', 'x-ratelimit-reset': '600' },
    };
    const client = worker(() => low);
    await client('full')();

    await expect(client('full')()).rejects.toBeInstanceOf(RateLimitExhausted);
    await expect(worker(() => low)('full')()).rejects.toBeInstanceOf(RateLimitExhausted);
    await expect(client('push')()).resolves.toMatchObject({ status: 200 });
    expect(sent).toBe(2);
  });

  it('stop waiting when the worker stops, and send nothing', async () => {
    await setRate(0.5);
    const stopping = new AbortController();
    const waiting = worker()('push', stopping.signal)();
    setTimeout(() => stopping.abort(), 50);

    await expect(waiting).rejects.toBeInstanceOf(Unavailable);
    expect(sent).toBe(0);
  });

  it('are repeated if there was no room for the answer, but not a write, which may have succeeded', async () => {
    const full = new Unavailable('Too many large answers.', null, { cause: new NoRoom() });
    const budget = { take: async () => null, note: async () => undefined };
    const { signal } = new AbortController();
    const client = rateLimitedHttp(
      { send: () => Promise.reject(full) },
      { budget, priority: 'push', signal },
    );
    const url = 'https://example.test';

    await expect(client.send({ method: 'POST', url, body: '{}' })).rejects.toBe(full);
    await expect(client.send({ method: 'GET', url })).rejects.toBeInstanceOf(RateLimitExhausted);
    const search = { method: 'POST', url, body: '{}', responseBytesMax: 'page' } as const;
    await expect(client.send(search)).rejects.toBeInstanceOf(RateLimitExhausted);
  });

  it.each([-14, 31])(
    'continue in seconds after such an answer, also where the clock of the worker is wrong by %i minutes',
    async (minutes) => {
      const rightNow = Date.now.bind(Date);
      const clock = jest.spyOn(Date, 'now').mockImplementation(() => rightNow() + minutes * 60_000);
      const budget = { take: () => tenant.work(async () => null), note: async () => undefined };
      const { signal } = new AbortController();
      const full = new Unavailable('Too many large answers.', null, { cause: new NoRoom() });
      const http = { send: () => Promise.reject(full) };
      const client = rateLimitedHttp(http, { budget, priority: 'full', signal });

      const error: unknown = await client
        .send({ method: 'GET', url: 'https://example.test' })
        .catch((thrown: unknown) => thrown);
      clock.mockRestore();

      const { retryAt } = error as RateLimitExhausted;
      expect(Math.abs(retryAt.getTime() - rightNow())).toBeLessThan(60_000);
    },
  );

  it('are sent although the budget cannot be read, and the failure is logged', async () => {
    await worker(undefined, true)('push')();

    expect(sent).toBe(1);
    expect(troubles).toHaveLength(1);
  });
});
