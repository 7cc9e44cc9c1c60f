/** Pushes of records that refer to others (rules.md 64, docs/decisions/0033). */
import { World } from './world';

let worlds: Awaited<ReturnType<typeof World.open>>;
let world: World;
beforeAll(async () => {
  worlds = await World.open();
});
beforeEach(async () => {
  world = await worlds.create();
});
afterAll(() => worlds.end());

const EVERY_WAIT_MS = 16 * 60_000;
const refusing = (...externalIds: string[]) => ({
  dies: () => false,
  refuses: ({ externalId }: { externalId: string }) => externalIds.includes(externalId),
});

it('the manager goes first, and the app gets its own id of the manager', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'bob' });
  await world.put('people', 'bob', { name: 'Bob' });

  await world.push();

  expect(world.created).toEqual(['bob', 'ada']);
  expect([...world.there.values()].map(({ fields }) => fields)).toEqual([
    { name: 'Bob' },
    { name: 'Ada', manager_id: 101 },
  ]);
});

it('a record says for whom it waits, and that the sync of that record failed', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'bob' });
  await world.put('people', 'bob', { name: 'Bob' });

  await world.push(refusing('bob'));

  expect(world.created).toEqual([]);
  expect(await world.sync('ada')).toMatchObject({
    status: 'sync_pending',
    waitsFor: [{ field: 'manager', recordType: 'people', externalId: 'bob', hasFailed: true }],
  });

  await world.retryFailed();
  await world.push();

  expect(world.created).toEqual(['bob', 'ada']);
  expect(await world.sync('ada')).toMatchObject({ status: 'synced', waitsFor: null });
});

it('two people who manage each other are created, and completed by a second push', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'bob' });
  await world.put('people', 'bob', { name: 'Bob', manager: 'ada' });

  await world.push();

  expect(world.graphThere()).toEqual({
    'people ada': { name: 'Ada', manager_id: 'bob' },
    'people bob': { name: 'Bob', manager_id: 'ada' },
  });
  expect([await world.sync('ada'), await world.sync('bob')]).toMatchObject([
    { status: 'synced' },
    { status: 'synced' },
  ]);
});

it('a circle that is longer than a search is broken too', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'bob' });
  await world.put('people', 'bob', { name: 'Bob' });
  await world.push(refusing('bob'));
  await world.db.superuser(`
    with ring as (
      select gen_random_uuid() as record_id, at from generate_series(1, 30000) at
      union all select record_id, 0 from records where external_id = 'bob' and tenant_id = '${world.tenant.tenantId}'
      union all select record_id, 30001 from records where external_id = 'ada' and tenant_id = '${world.tenant.tenantId}')
    insert into push_references (tenant_id, integration_id, record_id, place, record_type, external_id, target_id,
      field, state)
    select '${world.tenant.tenantId}', '${world.integrationId}', one.record_id, '/manager_id', 'people',
      'p' || next.at, next.record_id, 'manager', 'waiting'
    from ring one join ring next on next.at = one.at + 1`);
  await world.db.superuser('analyze push_references');

  world.pass(EVERY_WAIT_MS);
  await world.push(refusing('bob'));

  expect(world.graphThere()).toEqual({ 'people ada': { name: 'Ada' } });
  expect(await world.sync('ada')).toMatchObject({
    status: 'sync_pending',
    waitsFor: [{ field: 'manager', externalId: 'bob' }],
  });
});

it('a person who manages herself is created, and completed by a second push', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'ada' });

  await world.push();

  expect(world.graphThere()).toEqual({ 'people ada': { name: 'Ada', manager_id: 'ada' } });
  expect(await world.sync('ada')).toMatchObject({ status: 'synced' });
});

it('a record that went out without a reference is Sync pending until it is complete', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'bob' });
  await world.put('people', 'bob', { name: 'Bob', manager: 'ada' });

  await world.push(refusing('bob'));
  await world.push(refusing('bob'));

  const [created] = world.created;
  expect(created === undefined || (await world.sync(created))?.status === 'sync_pending').toBe(true);
});

it('a reference to a record that does not exist is an error in words, and heals once it is there', async () => {
  await world.put('people', 'ada', { name: 'Ada', company: 'acme' });
  await world.push();

  const failed = await world.sync('ada');
  expect(failed).toMatchObject({ status: 'sync_failed' });
  expect(failed?.errors).toMatchObject([
    {
      code: 'reference_not_there',
      field: 'company',
      message: 'company refers to companies acme, which does not exist here.',
    },
  ]);

  await world.put('companies', 'acme', { name: 'Acme' });
  await world.push();
  await world.push();

  expect(await world.sync('ada')).toMatchObject({ status: 'synced' });
  expect(world.graphThere()['people ada']).toEqual({ name: 'Ada', company_id: 'acme' });
});

it('a text that is longer than any id fails at its record, and stops no other one', async () => {
  const text = Array.from({ length: 3_000 }, (_, index) => index.toString(36)).join('');
  await world.put('people', 'ada', { name: 'Ada', manager: text });
  await world.put('people', 'bob', { name: 'Bob' });

  await world.push();

  expect(world.created).toEqual(['bob']);
  expect(await world.sync('ada')).toMatchObject({ status: 'sync_failed' });
});

it('a list of references waits for all of its records', async () => {
  await world.put('people', 'ada', { name: 'Ada', friends: ['bob', 'cyd'] });
  await world.put('people', 'bob', { name: 'Bob' });
  await world.put('people', 'cyd', { name: 'Cyd' });

  await world.push();

  expect(world.graphThere()['people ada']).toEqual({ name: 'Ada', friends: ['bob', 'cyd'] });
});

it('who lacks a record and waits for another one is pushed once both are there', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'bob', company: 'acme' });
  await world.put('people', 'bob', { name: 'Bob' });
  await world.push(refusing('bob'));
  expect(await world.sync('ada')).toMatchObject({ status: 'sync_failed' });

  await world.put('companies', 'acme', { name: 'Acme' });
  await world.put('people', 'bob', { name: 'Robert' });
  await world.push();
  await world.push();

  expect(await world.sync('ada')).toMatchObject({ status: 'synced' });
  expect(world.graphThere()['people ada']).toEqual({ name: 'Ada', manager_id: 'bob', company_id: 'acme' });
});

it('who refers to a record that was created again there with another id is pushed again', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'bob' });
  await world.put('people', 'bob', { name: 'Bob' });
  await world.push();
  const [bobsId] = [...world.there].find(([, { externalId }]) => externalId === 'bob') ?? [];
  world.there.delete(bobsId ?? '');
  await world.db.superuser(`delete from record_links where remote_id = '${bobsId}'`);

  await world.put('people', 'bob', { name: 'Robert' });
  await world.push();
  await world.push();

  expect(world.graphThere()['people ada']).toEqual({ name: 'Ada', manager_id: 'bob' });
});

it('what is sent on creation only is not missed later', async () => {
  await world.put('people', 'ada', { name: 'Ada', mentor: 'bob' });
  await world.put('people', 'bob', { name: 'Bob' });
  await world.push();
  expect(world.created).toEqual(['bob', 'ada']);
  await world.tenant.accept({ recordType: 'people', externalId: 'bob', kind: 'delete' });
  await world.push();

  await world.put('people', 'ada', { name: 'Ada Lovelace', mentor: 'bob' });
  await world.push();

  expect(await world.sync('ada')).toMatchObject({ status: 'synced' });
  expect([...world.there.values()].map(({ fields }) => fields['name'])).toEqual(['Ada Lovelace']);
});

it('an edit of a record that waits keeps its own deadline', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'bob' });
  await world.put('people', 'bob', { name: 'Bob' });
  await world.push(refusing('bob'));
  await world.put('people', 'ada', { name: 'Ada Lovelace' });

  await world.push();

  expect(world.graphThere()).toEqual({ 'people ada': { name: 'Ada Lovelace' } });
});

it('a wake that was lost with its worker is made up for', async () => {
  await world.put('people', 'ada', { name: 'Ada', manager: 'bob' });
  await world.put('people', 'bob', { name: 'Bob' });
  let steps = 0;
  await world.push({ dies: () => (steps += 1) === 3, refuses: () => false });

  world.pass(EVERY_WAIT_MS);
  await world.push();

  expect(world.graphThere()['people ada']).toEqual({ name: 'Ada', manager_id: 'bob' });
});

it('many who wait for one company are all pushed once it is there', async () => {
  const many = Array.from({ length: 900 }, (_, at) => `p${at}`);
  await world.tenant.accept(
    ...many.map((externalId) => ({
      recordType: 'people',
      externalId,
      fields: { name: externalId, company: 'acme' },
    })),
  );
  await world.put('companies', 'acme', { name: 'Acme' });
  world.recordsPerClaim = 2_000;

  await world.push();
  await world.push();

  expect(world.created[0]).toBe('acme');
  expect(world.created).toHaveLength(many.length + 1);
});
