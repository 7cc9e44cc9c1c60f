/** The feed of events (rules.md 37): all of them, in order, each once. */
import { emitEvents, type NewEvent } from '../../../db/webhooks/events';
import { fromTypeId } from '../../../db/sql/ids';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
});

interface Feed {
  data: { id: string; type: string; sequence: number; tenant_id: string; timestamp: string; data: object }[];
  next_cursor: string;
  has_more: boolean;
}
const read = async (query = ''): Promise<Feed> =>
  (await tenant.viewer.get(`/v1/events?${query}`).expect(200)).body;
const emit = (events: readonly NewEvent[]) =>
  service.database.withTenant(tenant.uuid, (work) => emitEvents(work, events));
const refused = (integrationId: string | null = null): NewEvent => ({
  type: 'INTEGRATION_NEEDS_REAUTHORIZATION',
  integrationId,
  data: { integration_id: 'int_x' },
});
const tested: NewEvent = { type: 'TEST', integrationId: null, data: { message: 'x' } };

it('is read to its end and continues from there with later events', async () => {
  const { next_cursor: beginning } = await read();
  await emit([refused(), refused(), refused()]);

  const first = await read(`limit=2&cursor=${beginning}`);
  const second = await read(`limit=2&cursor=${first.next_cursor}`);
  const nothing = await read(`limit=2&cursor=${second.next_cursor}`);
  await emit([tested]);
  const later = await read(`limit=2&cursor=${nothing.next_cursor}`);

  expect([first.has_more, second.has_more, nothing.has_more, later.has_more]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect([first, second, nothing, later].map(({ data }) => data.map(({ sequence }) => sequence))).toEqual([
    [1, 2],
    [3],
    [],
    [4],
  ]);
  expect(first.data[0]).toEqual({
    id: expect.stringMatching(/^evt_/),
    type: 'INTEGRATION_NEEDS_REAUTHORIZATION',
    tenant_id: tenant.id,
    sequence: 1,
    timestamp: expect.any(String),
    data: { integration_id: 'int_x' },
  });
});

it('leaves out other types and other integrations by filter', async () => {
  const { id } = await givenIntegration(tenant);
  await emit([refused(), tested, refused(fromTypeId('int', id))]);

  expect((await read('type=TEST')).data.map(({ sequence }) => sequence)).toEqual([2]);
  expect((await read('type=TEST,INTEGRATION_NEEDS_REAUTHORIZATION')).data).toHaveLength(3);
  expect((await read(`integration_id=${id}`)).data.map(({ sequence }) => sequence)).toEqual([3]);
  expect((await read(`type=TEST&integration_id=${id}`)).data).toEqual([]);
});

it('refuses cursors of others, of other filters, and forged ones', async () => {
  await emit([refused(), refused()]);
  const { next_cursor: cursor } = await read('limit=1');
  const [mark, position] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string, number];
  const forged = (value: unknown) => Buffer.from(JSON.stringify([mark, value])).toString('base64url');
  const other = await service.givenTenant('Other');

  expect(position).toBe(1);
  for (const wrong of [
    forged(-1),
    forged(1.5),
    forged('1'),
    forged(null),
    forged({}),
    forged(1e300),
    'nonsense',
    '%00',
    `${cursor}x`.slice(2),
  ])
    expectProblem(await tenant.viewer.get(`/v1/events?cursor=${wrong}`), 400);
  expectProblem(await other.viewer.get(`/v1/events?cursor=${cursor}`), 400, 'invalid_cursor');
  expectProblem(await tenant.viewer.get(`/v1/events?type=TEST&cursor=${cursor}`), 400, 'invalid_cursor');
});

it.each([
  'type=NOTHING',
  'type=',
  'type=TEST,',
  `type=${'TEST,'.repeat(200)}TEST`,
  'limit=0',
  'limit=x',
  'after=1',
])('refuses to be read with %s', async (query) => {
  expectProblem(await tenant.viewer.get(`/v1/events?${query}`), 400, 'invalid_query');
});

it('numbers concurrent events without gaps or repetitions, in the order of commits', async () => {
  await Promise.all(Array.from({ length: 20 }, () => emit([refused(), refused()])));

  expect((await read('limit=200')).data.map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
});

it('emits nothing for changes that were rolled back', async () => {
  const failing = service.database.withTenant(tenant.uuid, async (work) => {
    await emitEvents(work, [refused()]);
    throw new Error('rolled back');
  });
  await expect(failing).rejects.toThrow('rolled back');
  await emit([tested]);

  expect((await read()).data).toMatchObject([{ type: 'TEST', sequence: 1 }]);
});
