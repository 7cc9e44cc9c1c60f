/** The first reader after a pause finds the events of an hour without positions (rules.md 60). */
import { currentStreamPosition, readStreamEvents } from '../../../db/platform/change-feed';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { rowsOf } from '../many-rows';

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});

const happen = (from: number, to: number) =>
  db.superuser(
    `insert into stream_events (tenant_id, topic, body)
     select $1, 'records', jsonb_build_object('n', n) from generate_series($2::int, $3::int) n`,
    [tenant.tenantId, from, to],
  );
const positionNow = () => currentStreamPosition((run) => tenant.work(run));

/** Reads on from a position until nothing waits. @returns the numbers of the events. */
async function readAll(after: string): Promise<number[]> {
  const numbers: number[] = [];
  for (;;) {
    const { events, isWaiting } = await tenant.work((work) => readStreamEvents(work, { after, limit: 500 }));
    numbers.push(...events.map(({ body }) => body['n'] as number));
    after = events.at(-1)?.position ?? after;
    if (!isWaiting) return numbers;
  }
}
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

it('a reader that comes back gets all events once, in order', async () => {
  const position = await positionNow();
  await happen(1, 5_200);

  expect(await readAll(position)).toEqual(range(1, 5_200));
});

it('each read gives a thousand events their positions, however many wait', async () => {
  const position = await positionNow();
  await happen(1, 20_000);
  const read = (work: Parameters<typeof readStreamEvents>[0]) =>
    readStreamEvents(work, { after: position, limit: 500 });

  const first = await rowsOf(tenant, read);
  const second = await rowsOf(tenant, read);

  expect([first.wrote, second.wrote]).toEqual([1_000, 1_000]);
  expect(first.read).toBeLessThan(4_000);
  expect(second.read).toBeLessThan(4_000);
});

it('a new reader gets only events from now on', async () => {
  await happen(1, 3_500);
  const position = await positionNow();
  await happen(3_501, 3_510);

  expect(await readAll(position)).toEqual(range(3_501, 3_510));
});
