/**
 * Deliveries of webhooks, the outbox and the sweeper, whose statements fail, one after the other: nothing is
 * lost, and what a receiver gets again has the id that it knows (rules.md 44, 45, R3).
 */
import type { Client } from '@temporalio/client';
import { incomingChangesWorkflowId } from '../../../contract/incoming-changes';
import { overviewWorkflowId } from '../../../contract/overview';
import { recordPushWorkflowId } from '../../../contract/record-push';
import { syncRunWorkflowId } from '../../../contract/sync-run';
import { enqueue } from '../../../db/platform/outbox';
import { newUuid, toTypeId } from '../../../db/sql/ids';
import { emitEvents } from '../../../db/webhooks/events';
import { createOutboxHandlers } from '../../../worker/outbox-handlers';
import { DirectWorkers } from '../../support/environments/direct-workers';
import { failuresOf } from '../../support/environments/failing-statements';
import { givenPerson } from '../../support/environments/people';
import { MINUTE, type TestTenant } from '../../support/environments/push-environment';
import { createEndpoint, type Receiver, startReceiver } from '../../support/fakes/webhooks';

let workers: DirectWorkers;
let receiver: Receiver;
let goneReceiver: Receiver;

beforeAll(async () => {
  workers = await DirectWorkers.create();
  [receiver, goneReceiver] = await Promise.all([startReceiver(), startReceiver()]);
  goneReceiver.answer = (response) => void response.writeHead(410).end();
});
afterAll(async () => {
  await Promise.all([workers.end(), receiver.close(), goneReceiver.close()]);
});

const EVENTS = 3;

interface Webhooks {
  tenant: TestTenant;
  endpointId: string;
  goneId: string;
  eventIds: string[];
}

const deliveriesTo = (endpointId: string, { eventIds }: Webhooks) =>
  workers.superuser(
    `select delivery.state, delivery.finished_at is not null as is_finished, last_status,
       (select count(*)::int from webhook_attempts attempt
         where attempt.webhook_delivery_id = delivery.webhook_delivery_id) as attempts
     from webhook_deliveries delivery where webhook_endpoint_id = $1 and event_id = any($2::uuid[])`,
    [endpointId, eventIds],
  );

it('D2: deliveries survive a failure of any of their statements', async () => {
  const failures = await failuresOf<Webhooks>(
    workers,
    {
      async world() {
        const tenant = await workers.tenant();
        await givenPerson(workers.database, tenant.tenantId);
        const endpointId = await createEndpoint(workers, { tenantId: tenant.tenantId, url: receiver.url });
        return { tenant, endpointId, goneId: '', eventIds: [] };
      },
      async prepare(world) {
        const { tenantId } = world.tenant;
        world.goneId = await createEndpoint(workers, {
          tenantId,
          url: goneReceiver.url,
          eventTypes: ['TEST'],
        });
        receiver.received.length = 0;
        world.eventIds = await workers.database.withTenant(tenantId, (work) =>
          emitEvents(
            work,
            Array.from({ length: EVENTS }, () => ({
              type: 'TEST' as const,
              integrationId: null,
              data: { message: '' },
            })),
          ),
        );
      },
      async outcome(world) {
        const received = receiver.received.map(({ id }) => id);
        const [gone] = await workers.superuser(
          'select disabled_reason from webhook_endpoints where webhook_endpoint_id = $1',
          [world.goneId],
        );
        const ofEndpoint = { tenantId: world.tenant.tenantId, endpointId: toTypeId('whe', world.goneId) };
        const [told] = await workers.superuser(
          `select (select count(*)::int from events where tenant_id = $1 and type = 'ENDPOINT_DISABLED'
               and payload->'data'->>'endpoint_id' = $2) as events,
             (select count(*)::int from notifications where tenant_id = $1 and kind = 'endpoint_disabled'
               and webhook_endpoint_id = $3) as notifications`,
          [ofEndpoint.tenantId, ofEndpoint.endpointId, world.goneId],
        );
        return {
          missing: world.eventIds.filter((id) => !received.includes(toTypeId('evt', id))).length,
          isOftenRepeated: world.eventIds.some(
            (id) => received.filter((one) => one === toTypeId('evt', id)).length > 2,
          ),
          deliveries: await deliveriesTo(world.endpointId, world),
          gone: gone?.['disabled_reason'],
          states: (await deliveriesTo(world.goneId, world)).map(({ state }) => state),
          told,
        };
      },
    },
    { atMost: 120 },
  );

  expect(failures).toBe('');
});

it('D2: messages reach Temporal although any statement of the dispatcher fails', async () => {
  const signalled = new Set<string>();
  const signal = (_type: string, { workflowId }: { workflowId: string }) => {
    signalled.add(workflowId);
    return Promise.resolve({});
  };
  const client = { workflow: { signalWithStart: signal, start: signal } } as unknown as Client;
  const { database, handleRow } = workers;
  workers.handleRow = createOutboxHandlers(client, { hasSearchAttributes: false, database });
  let wanted: string[] = [];
  const failures = await failuresOf<TestTenant>(
    workers,
    {
      world: () => workers.tenant(),
      async prepare({ tenantId }) {
        const [one, other, overview] = [
          { integrationId: newUuid() },
          { integrationId: newUuid() },
          { overviewId: newUuid() },
        ];
        await workers.pass(MINUTE);
        const nextDueAt = new Date(workers.now());
        await database.withTenant(tenantId, async (work) => {
          for (const topic of ['record_push', 'sync_run', 'incoming_changes'] as const)
            await enqueue(work, { topic, ...one, nextDueAt });
          await enqueue(work, { topic: 'record_push', ...other, nextDueAt });
          await enqueue(work, { topic: 'overview', ...overview, nextDueAt });
        });
        wanted = [
          recordPushWorkflowId(one),
          syncRunWorkflowId(one),
          incomingChangesWorkflowId(one),
          recordPushWorkflowId(other),
          overviewWorkflowId(overview),
        ];
      },
      run: () => workers.flush(),
      outcome: async () => ({ missing: wanted.filter((id) => !signalled.has(id)).length }),
    },
    { atMost: 100 },
  ).finally(() => void (workers.handleRow = handleRow));

  expect(failures).toBe('');
});

interface Overdue {
  tenant: TestTenant;
  integrationId: string;
  round: number;
}

it('D2: a turn of the sweeper that fails at any statement is made good by the next one', async () => {
  const failures = await failuresOf<Overdue>(
    workers,
    {
      async world() {
        const tenant = await workers.tenant();
        return { tenant, integrationId: await tenant.integration({ gracePeriodMs: 0 }), round: 0 };
      },
      async prepare(world) {
        const round = (world.round += 1);
        await world.tenant.accept({ externalId: 'e1', fields: { name: `name ${round}` } });
        // Their messages were lost, as Temporal's data may be.
        await workers.superuser('delete from outbox');
        await workers.superuser(
          `insert into stream_events (tenant_id, topic, body, created_at)
           values ($1, 'sync_runs', '{}', now() - interval '1 day')`,
          [world.tenant.tenantId],
        );
        await workers.pass(5 * MINUTE);
      },
      async run() {
        await workers.sweep();
        await workers.work();
      },
      async outcome({ tenant, integrationId, round }) {
        await workers.sweep();
        await workers.work();
        const [kept] = await workers.superuser(
          `select count(*)::int as count from stream_events
           where tenant_id = $1 and created_at < now() - interval '2 hours'`,
          [tenant.tenantId],
        );
        const there = workers.ledger.held.get(`${integrationId} e1`) as { name?: string };
        return {
          kept: kept?.['count'],
          isThere: there?.name === `name ${round}`,
          status: await tenant.status(integrationId, 'e1'),
        };
      },
    },
    { atMost: 100 },
  );

  expect(failures).toBe('');
});
