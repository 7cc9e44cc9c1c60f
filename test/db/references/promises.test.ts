/** Pulled records that refer to records which are not known here yet (rules.md 64, docs/decisions/0033). */
import { storeHashes } from '../../../db/erasures/block-records';
import { lockMappings } from '../../../db/records/mapping-lock';
import { newUuid } from '../../../db/sql/ids';
import { openTestDb, type TestDb } from '../given';
import { PullWorld } from './pull-world';

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

describe.each(['pull', 'both'] as const)('direction %s', (direction) => {
  let world: PullWorld;
  beforeEach(async () => {
    world = await PullWorld.create(db, direction);
  });

  it('a manager on the same page is known at once', async () => {
    await world.run([
      {
        type: 'people',
        records: [
          ['1', { name: 'Ada', manager_id: '2', friends: ['2', '1'] }],
          ['2', { name: 'Bob' }],
        ],
      },
    ]);

    const bob = await world.idOf('2');
    expect((await world.fields())['1']).toEqual({
      name: 'Ada',
      manager: bob,
      friends: [bob, await world.idOf('1')],
    });
    expect(await world.promises()).toEqual([]);
    expect(await world.events()).toEqual(['DATA_NEW']);
  });

  it('a company that comes later is filled in as a pulled change', async () => {
    const people = { type: 'people', records: [['1', { name: 'Ada', company: { id: '9' } }]] as never };
    await world.run([people]);

    expect((await world.fields())['1']).toEqual({ name: 'Ada' });
    expect(await world.promises()).toEqual([{ field: 'company', remoteId: '9' }]);
    expect(await world.warnings()).toEqual([]);

    await world.run([people, { type: 'companies', records: [['9', { name: 'Acme' }]] }]);

    expect((await world.fields())['1']).toEqual({ name: 'Ada', company: await world.idOf('9') });
    expect(await world.promises()).toEqual([]);
    expect(await world.events()).toEqual(['DATA_NEW', 'DATA_NEW', 'DATA_UPDATE']);
  });

  it('rule 62: nothing waits for a company that was erased, and keeps its id', async () => {
    await world.run([{ type: 'companies', records: [['9', { name: 'Acme' }]] }]);
    const externalId = await world.idOf('9');
    await db.database.withEraser(world.tenant.tenantId, async (work) => {
      const companies = work.trx
        .selectFrom('records')
        .select('recordId')
        .where('externalId', '=', externalId);
      const { recordId } = await companies.executeTakeFirstOrThrow();
      await lockMappings(work, 'alone');
      await storeHashes(work, { erasureId: newUuid() }, [recordId]);
    });
    await db.superuser(`delete from record_links where integration_id = $1`, [world.integrationId]);

    await world.run([
      {
        type: 'people',
        records: [
          ['1', { name: 'Ada', company: { id: '9' } }],
          ['2', { name: 'Bob', company: { id: '8' } }],
        ],
      },
    ]);

    expect((await world.fields())['1']).toEqual({ name: 'Ada' });
    expect(await world.promises()).toEqual([{ field: 'company', remoteId: '8' }]);
  });

  it('a list is filled in once all of its records are there', async () => {
    await world.run([{ type: 'people', records: [['1', { name: 'Ada', friends: ['2', '3'] }]] }]);
    await world.run([{ type: 'people', records: [['2', { name: 'Bob' }]] }]);
    const before = (await world.fields())['1'];
    await world.run([{ type: 'people', records: [['3', { name: 'Cyd' }]] }]);

    expect(before).toEqual({ name: 'Ada' });
    expect((await world.fields())['1']).toEqual({
      name: 'Ada',
      friends: [await world.idOf('2'), await world.idOf('3')],
    });
    expect(await world.promises()).toEqual([]);
  });

  it('what a dead worker did not fill in is filled in at the end of the pass', async () => {
    await world.run(
      [
        { type: 'people', records: [['1', { name: 'Ada', manager_id: '2' }]] },
        { type: 'people', records: [['2', { name: 'Bob' }]] },
      ],
      { skipsSettling: true },
    );

    expect((await world.fields())['1']).toEqual({ name: 'Ada', manager: await world.idOf('2') });
  });

  it('a page and a push that commit at the same time do not overlook each other', async () => {
    await world.run(
      [
        { type: 'people', records: [['1', { name: 'Ada', manager_id: '2' }]] },
        { type: 'people', records: [['2', { name: 'Bob' }]] },
      ],
      { skipsSettling: true, isFull: false },
    );
    expect((await world.fields())['1']).toEqual({ name: 'Ada' });

    await world.settle('people', ['1']);

    expect((await world.fields())['1']).toEqual({ name: 'Ada', manager: await world.idOf('2') });
    expect(await world.promises()).toEqual([]);
  });

  it('a page costs the same, however many records refer to some that never come', async () => {
    const page = { type: 'people', records: [['1', { name: 'Ada', manager_id: '2' }]] as never };
    await world.run([page], { isFull: false });
    const alone = await world.settle('people', ['1']);
    await world.run([
      {
        type: 'people',
        records: Array.from({ length: 1_200 }, (_, at) => [`p${at}`, { name: 'P', manager_id: `gone${at}` }]),
      },
    ]);

    expect(await world.promises()).toHaveLength(1_201);
    expect(await world.settle('people', ['1'])).toBe(alone);
  });

  it('a text that is longer than any id is reported, and promises nothing', async () => {
    const text = Array.from({ length: 3_000 }, (_, index) => index.toString(36)).join('');
    await world.run([{ type: 'people', records: [['1', { name: 'Ada', manager_id: text }]] }]);

    expect((await world.fields())['1']).toEqual({ name: 'Ada' });
    expect(await world.promises()).toEqual([]);
    expect(await world.warnings()).toEqual(['value_not_expressible']);
  });

  it('a newer value there takes the place of the promise', async () => {
    await world.run([{ type: 'people', records: [['1', { name: 'Ada', manager_id: '2' }]] }]);
    await world.run([{ type: 'people', records: [['1', { name: 'Ada', manager_id: null }]] }]);

    expect(await world.promises()).toEqual([]);
  });

  it('a value here stays while the new one is not known', async () => {
    await world.run([
      { type: 'people', records: [['2', { name: 'Bob' }]] },
      { type: 'people', records: [['1', { name: 'Ada', manager_id: '2' }]] },
    ]);
    await world.run([{ type: 'people', records: [['1', { name: 'Ada', manager_id: '3' }]] }]);

    expect((await world.fields())['1']).toEqual({ name: 'Ada', manager: await world.idOf('2') });
    expect(await world.promises()).toEqual([{ field: 'manager', remoteId: '3' }]);
  });
});

it('an edit here ends the promise, and is no conflict', async () => {
  const world = await PullWorld.create(db, 'both');
  await world.run([
    { type: 'people', records: [['2', { name: 'Bob' }]] },
    { type: 'people', records: [['1', { name: 'Ada', manager_id: '3' }]] },
  ]);
  const [ada, bob] = [await world.idOf('1'), await world.idOf('2')];
  await world.tenant.accept({
    recordType: 'people',
    externalId: ada,
    kind: 'patch',
    fields: { manager: bob },
  });

  await world.run([{ type: 'people', records: [['3', { name: 'Cyd' }]] }]);

  expect((await world.fields())['1']).toEqual({ name: 'Ada', manager: bob });
  expect(await world.promises()).toEqual([]);
  const conflicts = await world.tenant.work(({ trx }) =>
    trx.selectFrom('syncConflicts').selectAll().execute(),
  );
  expect(conflicts).toEqual([]);
});

it('a push of another field leaves a reference that is not known here as it is there', async () => {
  const world = await PullWorld.create(db, 'both');
  await world.run([
    { type: 'people', records: [['2', { name: 'Bob' }]] },
    { type: 'people', records: [['1', { name: 'Ada', manager_id: '2' }]] },
  ]);
  await world.run([{ type: 'people', records: [['1', { name: 'Ada', manager_id: '3' }]] }]);
  await world.tenant.accept({
    recordType: 'people',
    externalId: await world.idOf('1'),
    kind: 'patch',
    fields: { name: 'Ada Lovelace' },
  });

  const { pushes } = await world.tenant.claim(world.integrationId, new Date(Date.now() + 1_000));

  expect(pushes.map(({ payload }) => payload)).toEqual([{ name: 'Ada Lovelace' }]);
});
