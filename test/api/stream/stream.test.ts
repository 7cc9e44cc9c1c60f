import { get, type IncomingMessage } from 'node:http';
import { Client } from 'pg';
import { toTypeId } from '../../../db/sql/ids';
import { appendStreamEvent } from '../../../db/platform/change-feed';
import { postgresUrl } from '../../support/servers/shared-servers';
import { givenOnboarded, givenPulled, SimulatedWorker } from '../support/simulated-worker';
import {
  eventually,
  expectProblem,
  givenIntegration,
  type GivenTenant,
  listening,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let server: Awaited<ReturnType<typeof listening>>;
let tenant: GivenTenant;
const open: OpenStream[] = [];
beforeAll(async () => {
  service = await startService();
  server = await listening(service.app);
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterEach(() => open.splice(0).forEach((stream) => stream.close()));
afterAll(async () => {
  await server.close();
  await service.close();
});

interface Received {
  id: string;
  event: string;
  data: Record<string, unknown>;
}
interface OpenStream {
  headers: IncomingMessage['headers'];
  events: Received[];
  text: () => string;
  isEnded: () => boolean;
  close: () => void;
}

async function follow(
  key: string,
  { query = '', lastEventId }: { query?: string; lastEventId?: string } = {},
): Promise<OpenStream> {
  const headers = {
    Authorization: `Bearer ${key}`,
    ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
  };
  return new Promise((resolve, reject) => {
    const request = get(
      { port: server.port, path: `/v1/stream${query}`, headers, agent: false },
      (response) => {
        let text = '';
        let isEnded = false;
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('close', () => (isEnded = true));
        const stream = {
          headers: response.headers,
          get events() {
            return parse(text);
          },
          text: () => text,
          isEnded: () => isEnded,
          close: () => request.destroy(),
        };
        open.push(stream);
        resolve(stream);
      },
    );
    request.on('error', reject);
  });
}

function parse(text: string): Received[] {
  return text.split('\n\n').flatMap((block) => {
    const fields = Object.fromEntries(
      block
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
    );
    return fields.data === undefined || fields.event === undefined
      ? []
      : [
          {
            id: fields.id as string,
            event: fields.event,
            data: JSON.parse(fields.data) as Record<string, unknown>,
          },
        ];
  });
}

const emit = (number: number, topic = 'record_syncs', of = tenant) =>
  service.database.withTenant(of.uuid, (work) => appendStreamEvent(work, { topic, body: { number } }));
const numbers = (stream: OpenStream) => stream.events.map(({ data }) => data.number);

it('sends changes as they happen, with the ids of the API', async () => {
  const stream = await follow(tenant.keys.viewer);

  const { id } = await givenIntegration(tenant, { is_paused: false });
  await tenant.operator.put('/v1/records/employees/e-1', { fields: { email: 'a@example.org' } }).expect(202);

  await eventually(async () =>
    expect(stream.events.map(({ event }) => event)).toEqual(['integrations', 'record_syncs']),
  );
  expect(stream.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'x-accel-buffering': 'no',
    'cache-control': expect.stringContaining('no-store'),
  });
  expect(stream.events[0]?.data).toEqual({ integration_id: id });
  expect(stream.events[1]?.data).toMatchObject({
    integration_ids: [id],
    records: [{ record_type: 'employees', external_id: 'e-1' }],
  });
});

it('sends the starts and ends of sync runs', async () => {
  const stream = await follow(tenant.keys.viewer, { query: '?topics=sync_runs' });
  const worker = new SimulatedWorker(service, tenant, await givenPulled(tenant));
  const { syncRunId } = await worker.run();

  const about = { integration_id: worker.integration.id, sync_run_id: toTypeId('run', syncRunId) };
  await eventually(async () => expect(stream.events.at(-1)?.data).toEqual({ ...about, state: 'succeeded' }));
  expect(stream.events[0]?.data).toEqual(about);
  expect(new Set(stream.events.map(({ event }) => event))).toEqual(new Set(['sync_runs']));
});

it('sends changes of overviews with the ids of the API', async () => {
  const { integration } = await givenOnboarded(service, tenant);
  const stream = await follow(tenant.keys.viewer, { query: '?topics=overviews' });
  const asked = await tenant.operator
    .post(`/v1/integrations/${integration.id}/overviews`, {})
    .set('prefer', 'respond-async')
    .expect(202);

  await eventually(async () =>
    expect(stream.events[0]).toMatchObject({
      event: 'overviews',
      data: { integration_id: integration.id, overview_id: asked.body.overview.id },
    }),
  );
});

it('sends only the requested topics', async () => {
  const stream = await follow(tenant.keys.viewer, { query: '?topics=integrations' });

  await emit(1, 'record_syncs');
  await emit(2, 'integrations');

  await eventually(async () => expect(numbers(stream)).toEqual([2]));
  expectProblem(await tenant.viewer.get('/v1/stream?topics=secrets'), 400, 'invalid_query');
});

it('continues after the last received event, and repeats none', async () => {
  const first = await follow(tenant.keys.viewer);
  await emit(1);
  await emit(2);
  await eventually(async () => expect(numbers(first)).toEqual([1, 2]));
  first.close();
  await emit(3);
  await emit(4);

  const second = await follow(tenant.keys.viewer, { lastEventId: first.events[0]?.id as string });
  await emit(5);

  await eventually(async () => expect(numbers(second)).toEqual([2, 3, 4, 5]));
});

it('skips no event of a transaction that commits late, and delays no other for it', async () => {
  const stream = await follow(tenant.keys.viewer);
  const mayCommit = deferred();
  const hasWritten = deferred();
  const slow = service.database.withTenant(tenant.uuid, async (work) => {
    await appendStreamEvent(work, { topic: 'record_syncs', body: { number: 1 } });
    hasWritten.resolve();
    await mayCommit.promise;
  });
  await hasWritten.promise;
  await emit(2);
  await eventually(async () => expect(numbers(stream)).toEqual([2]));

  mayCommit.resolve();
  await slow;

  await eventually(async () => expect(numbers(stream)).toEqual([2, 1]));
});

it('B9: sends changes at once while a transaction in another database of the cluster is open', async () => {
  const elsewhere = new Client({ connectionString: postgresUrl() });
  await elsewhere.connect();
  const stream = await follow(tenant.keys.viewer);
  try {
    await elsewhere.query('begin');
    await elsewhere.query('select pg_current_xact_id()');
    await emit(1);

    await eventually(async () => expect(numbers(stream)).toEqual([1]));
  } finally {
    await elsewhere.end();
  }
});

it('sends every event once to all readers while many transactions commit', async () => {
  const streams = await Promise.all([1, 2, 3].map(() => follow(tenant.keys.viewer)));
  const all = Array.from({ length: 60 }, (_, number) => number);
  const left = [...all];
  const writeAll = async (): Promise<void> => {
    for (let number = left.shift(); number !== undefined; number = left.shift())
      await service.database.withTenant(tenant.uuid, async (work) => {
        await appendStreamEvent(work, { topic: 'record_syncs', body: { number } });
        await new Promise((resolve) => setTimeout(resolve, (number * 7) % 40));
      });
  };
  // As many at once as the pool has connections to spare.
  await Promise.all([writeAll(), writeAll(), writeAll()]);

  for (const stream of streams) {
    await eventually(async () => expect(numbers(stream)).toHaveLength(all.length));
    expect(numbers(stream).toSorted((a, b) => Number(a) - Number(b))).toEqual(all);
    const ids = stream.events.map(({ id }) => Number(id));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(all.length);
  }
});

it('sends what there is to a client whose last event is newer than the restored database', async () => {
  await emit(1);

  const stream = await follow(tenant.keys.viewer, { lastEventId: '900000000000000000' });

  await eventually(async () => expect(numbers(stream)).toEqual([1]));
});

it('sends nothing of other tenants, not even from a position in their stream', async () => {
  const other = await service.givenTenant('Other');
  const otherStream = await follow(other.keys.viewer);
  await emit(1, 'record_syncs', other);
  await eventually(async () => expect(numbers(otherStream)).toEqual([1]));
  const zero = `${BigInt(otherStream.events[0]?.id as string) - 1n}`;

  const mine = await follow(tenant.keys.viewer, { lastEventId: zero });
  await emit(2, 'record_syncs', other);
  await emit(3);

  await eventually(async () => expect(numbers(mine)).toContain(3));
  expect(numbers(mine)).not.toContain(1);
  expect(numbers(mine)).not.toContain(2);
});

it('ends when its key is revoked, before another event is sent', async () => {
  const { body: made } = await tenant.admin.post('/v1/api-keys', { name: 'short-lived', role: 'viewer' });
  const stream = await follow(made.key);
  await tenant.admin.delete(`/v1/api-keys/${made.id}`).expect(200);
  await new Promise((resolve) => setTimeout(resolve, 1_050));

  await emit(1);

  await eventually(async () => expect(stream.isEnded()).toBe(true));
  expect(numbers(stream)).toEqual([]);
});

it('continues by itself after PostgreSQL closed its connection', async () => {
  const stream = await follow(tenant.keys.viewer);
  await emit(1);
  await eventually(async () => expect(numbers(stream)).toEqual([1]));

  const superuser = new Client({ connectionString: service.databaseUrl });
  await superuser.connect();
  await superuser.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%'`,
  );
  await superuser.end();
  await emit(2);

  await eventually(async () => expect(numbers(stream)).toEqual([1, 2]));
});

it('needs a key', async () => {
  expectProblem(await service.as(undefined).get('/v1/stream'), 401, 'unauthorized');
});

function deferred() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
