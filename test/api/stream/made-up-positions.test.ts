/** Clients that continue at a position which the database does not know yet. */
import pino from 'pino';
import { createStreamHub, type StreamHub } from '../../../api/stream/stream-hub';
import { appendStreamEvent } from '../../../db/platform/change-feed';
import { GivenTenant, openTestDb, type TestDb } from '../../db/given';
import { until } from '../../support/until';

let db: TestDb;
let hub: StreamHub;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
  hub = createStreamHub({
    database: db.database,
    databaseUrl: db.url,
    log: pino({ enabled: false }),
  });
});
afterAll(async () => {
  await hub.close();
  await db.end();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});

function follow(position: string) {
  const received: unknown[] = [];
  const subscriber: Parameters<StreamHub['subscribe']>[0] = {
    tenantId: tenant.tenantId,
    position,
    send: (events) => received.push(...events.map(({ body }) => body['number'])),
    isStillAllowed: async () => true,
    end: () => undefined,
  };
  hub.subscribe(subscriber);
  return { subscriber, received };
}

it('a client with a made-up position takes no change from itself or from others', async () => {
  const now = await hub.positionNow(tenant.tenantId);
  const madeUp = String(Number(now) + 20);
  const astray = follow(madeUp);
  const other = follow(now);
  await until('the position is given up', () => astray.subscriber.position !== madeUp);

  // Other tenants reach the made-up position before a stream reads this event.
  await db.superuser(
    `with positions as materialized (select nextval('stream_positions') as position from generate_series(1, 50))
     insert into stream_events (tenant_id, topic, body, position)
     select $1, 'record_syncs', '{"number": 1}', min(position) from positions`,
    [tenant.tenantId],
  );
  await tenant.work((work) => appendStreamEvent(work, { topic: 'record_syncs', body: { number: 2 } }));

  await until('both have the last change', () =>
    [astray, other].every(({ received }) => received.includes(2)),
  );
  expect([astray.received, other.received]).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

it('a client without new changes is not sent the former ones again because of one with a made-up position', async () => {
  const other = follow(await hub.positionNow(tenant.tenantId));
  await tenant.work((work) => appendStreamEvent(work, { topic: 'record_syncs', body: { number: 1 } }));
  await until('it has the change', () => other.received.length === 1);

  const astray = follow('900000000000000000');
  await until('the other has all that is kept', () => astray.received.length === 1);
  await tenant.work((work) => appendStreamEvent(work, { topic: 'record_syncs', body: { number: 2 } }));
  await until('both have the next change', () =>
    [astray, other].every(({ received }) => received.includes(2)),
  );

  expect([astray.received, other.received]).toEqual([
    [1, 2],
    [1, 2],
  ]);
});
