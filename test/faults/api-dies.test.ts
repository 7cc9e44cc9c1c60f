/**
 * API processes killed around the commit, and the outbox that carries on (rules.md R3, R4); changes that come
 * twice, a hundred times at once, or in the wrong order (R11, R12). Slow links to PostgreSQL and Temporal
 * make the moments exact.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Client as TemporalClient, Connection } from '@temporalio/client';
import { recordPushWorkflowId } from '../../contract/record-push';
import { fromTypeId } from '../../db/sql/ids';
import { recordPath } from '../support/clients/api-client';
import { holdCommits } from '../support/environments/held-commits';
import { createTestDatabase } from '../support/environments/database';
import { type FaultyLink, startToxiproxy, type Toxiproxy } from '../support/servers/fault-servers';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';
import { type Product, type ProductTenant, startProduct, throughPort } from '../support/environments/product';
import { temporalAddress } from '../support/servers/shared-servers';
import { createNamespace } from '../support/servers/temporal';
import { until } from '../support/until';

/** From a replica being up to the call at the third party. */
let product: Product;
let tenant: ProductTenant;
let integrationId: string;
let toxiproxy: Toxiproxy;
let databaseLink: FaultyLink;
let temporalLink: FaultyLink;
let ledger: LedgerServer;
let superuser: Client;

const batchOf = (externalId: string, rev = 1) => ({
  records: [{ record_type: 'employees', external_id: externalId, fields: { name: 'N', rev }, version: rev }],
});
const untilPushed = (externalId: string): Promise<unknown> =>
  until(`${externalId} is there`, () => ledger.person('main', externalId));
const callsFor = (externalId: string) =>
  ledger.changes('main').filter((call) => call.externalId === externalId);

beforeAll(async () => {
  const database = await createTestDatabase();
  [toxiproxy, ledger] = await Promise.all([startToxiproxy(), startLedgerServer()]);
  databaseLink = await toxiproxy.linkTo(Number(new URL(database.url).port));
  temporalLink = await toxiproxy.linkTo(Number(temporalAddress().split(':')[1]));
  product = await startProduct({
    databaseUrl: database.url,
    apiDatabaseUrl: throughPort(database.url, databaseLink.port),
    temporalAddress: `127.0.0.1:${temporalLink.port}`,
    namespace: await createNamespace(),
  });
  tenant = await product.givenTenant();
  integrationId = (
    await tenant.api.must(
      'POST',
      '/v1/integrations',
      ledgerIntegration(ledger.url, 'main', { grace_period_ms: 0 }),
    )
  ).id;
  superuser = new Client({ connectionString: database.url });
  await superuser.connect();
});

afterEach(async () => {
  ledger.reset();
  await Promise.all([databaseLink.heal(), temporalLink.heal()]);
  if (!product.isApiRunning()) await product.startApi();
  if (!product.isWorkerRunning()) await product.startWorker();
});

afterAll(async () => {
  await superuser?.end();
  await product?.stop();
  await Promise.all([toxiproxy?.stop(), ledger?.stop()]);
});

describe('R3: killed after the commit', () => {
  it('pushes the change once although the API was killed before its answer, and the repeated request gets that result', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const commits = await holdCommits(product.databaseUrl, 'records');

    const request = tenant.api.call('POST', '/v1/records/batch', batchOf('committed'), key);
    request.catch(() => undefined);
    await commits.untilHeld();
    await databaseLink.addToxic('timeout', { timeout: 0 }); // the API does not get the answer of PostgreSQL
    await commits.release();
    await product.killApi();
    await expect(request).rejects.toThrow('fetch failed');
    await untilPushed('committed'); // by the worker's dispatcher, with no API at all

    await databaseLink.heal();
    await product.startApi();
    const repeated = await tenant.api.call('POST', '/v1/records/batch', batchOf('committed'), key);
    expect(repeated.status).toBe(202);
    expect(repeated.headers.get('idempotent-replayed')).toBe('true');
    expect(repeated.body.results).toMatchObject([
      { status: 202, change: { outcome: 'accepted', version: 1 } },
    ]);
    expect(callsFor('committed')).toHaveLength(1);
  });

  it('pushes the change once, with a new worker, when the dispatcher was killed before it sent the signal', async () => {
    await temporalLink.addToxic('latency', { latency: 1_500 }, 'upstream');
    await tenant.api.put('in-hand', { name: 'N', rev: 1 });
    await sleep(500);
    await product.killWorker();
    await temporalLink.heal();
    expect(callsFor('in-hand')).toEqual([]);

    await product.startWorker();
    await untilPushed('in-hand');

    await sleep(1_000);
    expect(callsFor('in-hand')).toHaveLength(1);
  });

  it('pushes the change once, by one workflow, when the dispatcher was killed between the signal and the deletion of its row', async () => {
    await tenant.api.put('twice', { name: 'N', rev: 1 });
    await untilPushed('twice');
    const uuids = [fromTypeId('ten', tenant.id), fromTypeId('int', integrationId)];

    // Exactly what such a death leaves behind.
    await superuser.query(
      `insert into outbox (tenant_id, topic, subject_id, next_due_at) values ($1, 'record_push', $2, now())`,
      uuids,
    );
    await until(
      'the row is sent again',
      async () => (await superuser.query('select 1 from outbox')).rowCount === 0,
    );
    await sleep(1_000);

    expect(callsFor('twice')).toHaveLength(1);
    const connection = await Connection.connect({ address: temporalAddress() });
    const { workflow } = new TemporalClient({ connection, namespace: product.namespace });
    const running = [];
    for await (const { workflowId } of workflow.list({ query: `ExecutionStatus = 'Running'` }))
      running.push(workflowId);
    await connection.close();
    expect(
      running.filter(
        (workflowId) => workflowId !== recordPushWorkflowId({ integrationId: uuids[1] as string }),
      ),
    ).toEqual([]);
  });
});

describe('R4: killed before the commit', () => {
  it('leaves nothing behind, and the repeated request has one effect', async () => {
    const key = { 'idempotency-key': randomUUID() };
    await databaseLink.addToxic('latency', { latency: 200 });
    const request = tenant.api.call('POST', '/v1/records/batch', batchOf('uncommitted'), key);
    request.catch(() => undefined);
    await sleep(900); // four of its statements, and there are more
    await product.killApi();
    await expect(request).rejects.toThrow('fetch failed');

    await databaseLink.heal();
    await product.startApi();
    expect((await tenant.api.call('GET', '/v1/records/employees/uncommitted')).status).toBe(404);
    const repeated = await tenant.api.call('POST', '/v1/records/batch', batchOf('uncommitted'), key);
    expect(repeated.status).toBe(202);
    expect(repeated.headers.get('idempotent-replayed')).toBeNull();
    await untilPushed('uncommitted');
    expect(callsFor('uncommitted')).toHaveLength(1);
  });

  it('has one effect per request that is repeated until it is answered, whenever the API is killed', async () => {
    const requests = Array.from({ length: 60 }, (_, index) => ({
      externalId: `stormy-${index}`,
      key: { 'idempotency-key': randomUUID() },
    }));
    const answers = Promise.all(
      requests.map(async ({ externalId, key }, index) => {
        await sleep(index * 60);
        return tenant.api.persist('POST', '/v1/records/batch', batchOf(externalId), key);
      }),
    );
    for (let kills = 0; kills < 3; kills += 1) {
      await sleep(400 + 170 * kills);
      await product.killApi();
      await product.startApi();
    }

    expect((await answers).filter(({ status }) => status !== 202)).toEqual([]);
    for (const { externalId } of requests) await untilPushed(externalId);
    expect(
      requests.filter(({ externalId }) => callsFor(externalId).filter((call) => call.isEffect).length !== 1),
    ).toEqual([]);
  });
});

describe('R11: the same change a hundred times at once', () => {
  it('is one change, one push and one answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        tenant.api.persist('PUT', recordPath('same'), { fields: { name: 'Same', rev: 1 }, version: 1 }),
      ),
    );
    await untilPushed('same');
    await until(
      'nothing waits',
      async () => (await tenant.api.sync('same', integrationId)).status === 'synced',
    );

    // Only the state of the push, which goes on meanwhile, may differ.
    const withoutState = answers.map(({ status, body }) =>
      JSON.stringify([status, { ...body, syncs: body.syncs.length }]),
    );
    expect(new Set(withoutState).size).toBe(1);
    expect(answers[0]?.status).toBe(202);
    expect(callsFor('same')).toHaveLength(1);
    expect(await tenant.api.list('/v1/pushes?record_type=employees&external_id=same')).toHaveLength(1);
    const { rows } = await superuser.query(
      `select count(*)::int as changes from record_changes where record_id = (select record_id from records where external_id = 'same')`,
    );
    expect(rows).toEqual([{ changes: 1 }]);
  });

  it('is one effect when requests with one Idempotency-Key race: each other one gets 409 or its answer', async () => {
    const key = { 'idempotency-key': randomUUID() };

    const answers = await Promise.all(
      Array.from({ length: 20 }, () => tenant.api.call('POST', '/v1/records/batch', batchOf('raced'), key)),
    );

    const statuses = [...new Set(answers.map(({ status }) => status))];
    expect(statuses.filter((status) => status !== 202 && status !== 409)).toEqual([]);
    const [first, ...others] = answers.filter(({ status }) => status === 202).map(({ body }) => body);
    expect(first).toMatchObject({ accepted: 1 });
    for (const other of others) expect(other).toEqual(first);
    await untilPushed('raced');
    expect(callsFor('raced')).toHaveLength(1);
  });
});

describe('R12: changes out of order', () => {
  it('ends with the highest version of each record, in Syncline and at the third party, and logs the stale ones', async () => {
    const externalIds = Array.from({ length: 40 }, (_, index) => `shuffled-${index}`);
    const changes = externalIds.flatMap((externalId) => [1, 2, 3, 4, 5].map((rev) => ({ externalId, rev })));
    const shuffled = changes
      .map((change, index) => ({ change, order: (index * 7_919) % 1_009 }))
      .sort((a, b) => a.order - b.order);

    const answers = await Promise.all(
      shuffled.map(({ change: { externalId, rev } }) =>
        tenant.api.persist('PUT', recordPath(externalId), { fields: { name: 'S', rev }, version: rev }),
      ),
    );
    const outcomes: string[] = answers.map(({ body }) => body.outcome);
    await until('nothing waits', async () => {
      const open = [
        ...(await tenant.api.list('/v1/record-syncs?status=sync_pending')),
        ...(await tenant.api.list('/v1/record-syncs?status=syncing')),
      ];
      return open.length === 0;
    });

    expect([...new Set(outcomes)].sort()).toEqual(['accepted', 'stale']);
    for (const externalId of externalIds) {
      expect((await tenant.api.record(externalId)).version).toBe(5);
      expect(ledger.person('main', externalId)).toMatchObject({ rev: 5 });
      const revs = callsFor(externalId).map((call) => call.rev as number);
      expect(revs).toEqual([...new Set(revs)].sort((a, b) => a - b)); // never back, never twice
    }
    const { rows } = await superuser.query(
      `select count(*)::int as stale from record_changes where outcome = 'stale'`,
    );
    expect(rows[0].stale).toBeGreaterThanOrEqual(outcomes.filter((outcome) => outcome === 'stale').length);
  });
});

describe('R13: many changes of one record', () => {
  it('is pushed once per window, with few signals', async () => {
    const own = await product.givenTenant('Busy');
    const { id } = await own.api.must(
      'POST',
      '/v1/integrations',
      ledgerIntegration(ledger.url, 'busy', { grace_period_ms: 5_000, max_wait_ms: null }),
    );
    let rev = 0;
    const dueAt = new Map<number, number>();
    const edit = async (): Promise<void> => {
      while (rev < 200) {
        const accepted = await own.api.put('busy', { name: 'B', rev: (rev += 1) });
        dueAt.set(accepted.version, Date.parse(accepted.syncs[0].due_at));
      }
    };
    await Promise.all([edit(), edit(), edit(), edit()]);
    expect(ledger.changes('busy')).toEqual([]);
    await until('it is synced', async () => (await own.api.sync('busy', id)).status === 'synced');

    const deadlines = [...dueAt].sort(([a], [b]) => a - b).map(([, at]) => at);
    expect(deadlines.filter((at, index) => at < (deadlines[index - 1] ?? 0))).toEqual([]); // a change never moves a window back
    expect(ledger.changes('busy')).toHaveLength(1);
    const connection = await Connection.connect({ address: temporalAddress() });
    const handle = new TemporalClient({ connection, namespace: product.namespace }).workflow.getHandle(
      recordPushWorkflowId({ integrationId: fromTypeId('int', id) as string }),
    );
    const { events = [] } = await handle.fetchHistory();
    await connection.close();
    expect(
      events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length,
    ).toBeLessThanOrEqual(2);
    expect(events?.length).toBeLessThan(120); // a few runs of the push queue, nothing per change
  });
});
