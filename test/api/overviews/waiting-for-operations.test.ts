/**
 * Who waits for an operation and who does not get its answer (rules.md 18), and what a list says of an
 * overview whose time is up (20).
 */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { fromTypeId } from '../../../db/sql/ids';
import type { Operation } from '../../../db/notifications/operations';
import { givenOnboarded, type SimulatedWorker } from '../support/simulated-worker';
import { eventually, expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const AT_ONCE = ['prefer', 'respond-async'] as const;
const operationsOf = (worker: SimulatedWorker): Promise<Operation[]> =>
  worker.work(({ trx }) => trx.selectFrom('operations').selectAll().orderBy('operationId').execute());
async function untilAsked(worker: SimulatedWorker): Promise<void> {
  while ((await operationsOf(worker)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('an operation that a caller waits for', () => {
  it('is answered to connected callers, and not to disconnected ones', async () => {
    const worker = await givenOnboarded(service, tenant);
    const path = `/v1/integrations/${worker.integration.id}/sync-now`;
    const server = createServer(service.app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    const headers = { authorization: `Bearer ${tenant.keys.operator}`, 'content-type': 'application/json' };
    const gone = new AbortController();
    const left = fetch(url, { method: 'POST', headers, body: '{}', signal: gone.signal }).catch(() => 'gone');
    await untilAsked(worker);
    const [first] = await operationsOf(worker);
    gone.abort();
    expect(await left).toBe('gone');
    const stayed = fetch(url, { method: 'POST', headers, body: '{}' });
    while ((await operationsOf(worker)).length === 1) await new Promise((resolve) => setTimeout(resolve, 20));

    await worker.run();

    expect((await stayed).status).toBe(200);
    let operations = await operationsOf(worker);
    while (operations.every(({ answeredAt }) => answeredAt === null)) operations = await operationsOf(worker);
    server.close();
    server.closeAllConnections();
    expect(
      operations.map(({ operationId, endedAt, answeredAt }) => [
        operationId === first?.operationId,
        endedAt !== null,
        answeredAt !== null,
      ]),
    ).toEqual([
      [true, true, false],
      [false, true, true],
    ]);
  });

  it('rule 63: is answered 202 before a proxy gives up, and a repeated request follows the same operation', async () => {
    const own = await startService({ config: { operationWaitMs: 300 } });
    const ownTenant = await own.givenTenant();
    const worker = await givenOnboarded(own, ownTenant);
    const path = `/v1/integrations/${worker.integration.id}/sync-now`;
    const ask = () =>
      ownTenant.operator.post(path, {}).set('Idempotency-Key', 'one').set('Prefer', 'wait=60');

    const first = await ask().expect(202);
    expect(first.headers['preference-applied']).toBe('wait=0.3');
    await worker.run();
    const second = await ask().expect(200);

    expect(second.body.operation.id).toBe(first.body.operation.id);
    await eventually(async () =>
      expect(await operationsOf(worker)).toMatchObject([{ answeredAt: expect.any(Date) }]),
    );
    await own.close();
  });

  it('is answered 202 at once while the service shuts down', async () => {
    const own = await startService();
    const ownTenant = await own.givenTenant();
    const { integration } = await givenOnboarded(own, ownTenant);
    own.readiness.startDraining();

    const answer = await ownTenant.operator
      .post(`/v1/integrations/${integration.id}/sync-now`, {})
      .expect(202);

    expect(answer.headers['location']).toBe(`/v1/operations/${answer.body.operation.id}`);
    await own.close();
  });
});

describe('an expired overview whose state has not been updated yet', () => {
  it('is no longer valid in the list either, and no Sync Now applies it', async () => {
    const worker = await givenOnboarded(service, tenant);
    const { integration } = worker;
    const { body } = await tenant.operator
      .post(`/v1/integrations/${integration.id}/overviews`, {})
      .set(...AT_ONCE)
      .expect(202);
    const overviewId = fromTypeId('ovw', body.overview.id) as string;
    await worker.work(({ trx, now }) =>
      trx
        .updateTable('overviews')
        .set({ state: 'ready', generatedAt: now, expiresAt: now })
        .where('overviewId', '=', overviewId)
        .execute(),
    );

    const listed = await tenant.viewer.get('/v1/overviews').expect(200);

    expect(listed.body.data).toMatchObject([
      { id: body.overview.id, is_valid: false, invalid: { reason: 'expired', by: 'syncline' } },
    ]);
    expectProblem(
      await tenant.viewer.get(`/v1/overviews/${body.overview.id}`),
      410,
      'overview_no_longer_valid',
    );
    const applied = await tenant.operator.post(`/v1/integrations/${integration.id}/sync-now`, {
      overview_id: body.overview.id,
    });
    expectProblem(applied, 410, 'overview_no_longer_valid');
  });
});
