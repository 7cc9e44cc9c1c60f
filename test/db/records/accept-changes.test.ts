/** Concurrent acceptances on a real PostgreSQL: rules.md 7, R11 to R13. */
import { newUuid } from '../../../db/sql/ids';
import { createIntegration } from '../../../db/sync-runs/create-integration';
import {
  changeIntegration,
  replaceCredentials,
  resumeIntegration,
} from '../../../db/sync-runs/integration-lifecycle';
import { openBackfillWindows } from '../../../db/push/backfill';
import { acceptChanges } from '../../../db/records/accept-changes';
import type { RecordChange } from '../../../domain/records/record-change';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { Random, testSeed } from '../../support/random';
import { GivenTenant, GRACE_MS, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});

const by = { actor: 'test', requestId: 'test' };
const put = (
  externalId: string,
  fields: RecordChange['fields'],
  more: Partial<RecordChange> = {},
): RecordChange => ({
  recordType: 'employees',
  externalId,
  kind: 'put',
  fields,
  ...more,
});
const records = () =>
  tenant.work(({ trx }) => trx.selectFrom('records').selectAll().orderBy('externalId').execute());
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('R11: the same change, delivered a hundred times at once', () => {
  it.each([
    ['with a version', { version: 7 }],
    ['without one', {}],
  ])(
    'is one record, one change and one window, and every request gets the same answer: %s',
    async (_what, more) => {
      await tenant.integration();

      const answers = await Promise.all(
        Array.from({ length: 100 }, () =>
          tenant.accept({ externalId: 'e1', fields: { name: 'A' }, ...more }),
        ),
      );

      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(answers[0]?.[0]).toMatchObject({ outcome: 'accepted', syncs: [{ status: 'sync_pending' }] });
      expect(await records()).toHaveLength(1);
      expect(
        await tenant.work(({ trx }) => trx.selectFrom('recordChanges').selectAll().execute()),
      ).toHaveLength(1);
      const pushes = "select * from outbox where tenant_id = $1 and topic = 'record_push'";
      expect(await db.superuser(pushes, [tenant.tenantId])).toHaveLength(1);
    },
  );
});

describe('R12: changes out of order', () => {
  it('end with the highest version of each record, in batches of any mixture and any order', async () => {
    const random = new Random();
    const integrationId = await tenant.integration();
    const changes = random.shuffled(
      Array.from({ length: 200 }, (_, record) =>
        Array.from({ length: 5 }, (__, version) =>
          put(`e${record}`, { name: `v${version + 1}` }, { version: version + 1 }),
        ),
      ).flat(),
    );
    const batches = Array.from({ length: 20 }, (_, index) => changes.slice(index * 50, index * 50 + 50));

    await Promise.all(batches.map((batch) => tenant.accept(...batch)));

    const stored = await records();
    expect(stored).toHaveLength(200);
    expect(
      stored.filter((record) => record.version !== 5 || (record.fields as { name: string }).name !== 'v5'),
    ).toEqual([]);
    const behind = await db.superuser(
      'select * from record_syncs where integration_id = $1 and relevant_version <> 5',
      [integrationId],
    );
    expect(behind).toEqual([]);
  });

  it('end with the change that occurred last, if changes have no versions', async () => {
    const random = new Random(testSeed + 1);
    const from = Date.now() - 3_600_000;
    const changes = Array.from({ length: 100 }, (_, record) =>
      Array.from({ length: 5 }, (__, step) =>
        put(`e${record}`, { name: `v${step % 3}` }, { occurredAt: new Date(from + step * 1_000) }),
      ),
    ).flat();

    const shuffled = random.shuffled([...changes, ...changes]);
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => tenant.accept(...shuffled.slice(index * 25, index * 25 + 25))),
    );

    // Step 4 repeats step 1: the last change counts, even if it contains nothing new.
    expect((await records()).filter((record) => (record.fields as { name: string }).name !== 'v1')).toEqual(
      [],
    );
  });

  it('are logged as stale and move no window', async () => {
    const integrationId = await tenant.integration();
    await tenant.accept({ externalId: 'e1', fields: { name: 'new' }, version: 2 });
    const before = await tenant.recordSync(integrationId, 'e1');

    const [answer] = await tenant.accept({ externalId: 'e1', fields: { name: 'old' }, version: 1 });

    expect(answer).toMatchObject({ outcome: 'stale', version: 2 });
    expect(await tenant.recordSync(integrationId, 'e1')).toEqual(before);
    expect(
      (
        await tenant.work(({ trx }) =>
          trx.selectFrom('recordChanges').select('outcome').orderBy('changeId').execute(),
        )
      ).map(({ outcome }) => outcome),
    ).toEqual(['applied', 'stale']);
  });
});

describe('rule 55: versions per field', () => {
  const second = (seconds: number) => new Date(Date.UTC(2026, 10, 21, 10) + seconds * 1_000);
  const patch = (
    fields: RecordChange['fields'],
    more: Partial<RecordChange>,
  ): Partial<RecordChange> & { externalId: string } => ({ externalId: 'e1', kind: 'patch', fields, ...more });
  const stored = async () => (await records())[0];

  it.each([
    ['occurred_at', (at: number) => ({ occurredAt: second(at) }), 3],
    ['versions of the caller', (at: number) => ({ version: at }), 3],
  ])('an older PATCH of another field is stored and pushed: %s', async (_what, at, version) => {
    const integrationId = await tenant.integration();
    await tenant.accept({ externalId: 'e1', fields: { name: 'A', city: 'Rome' }, ...at(1) });
    await tenant.accept(patch({ city: 'Oslo' }, at(3)));
    await tenant.claim(integrationId, new Date(Date.now() + 2 * GRACE_MS));

    const [answer] = await tenant.accept(patch({ name: 'B', city: 'old' }, at(2)));

    expect(answer).toMatchObject({ outcome: 'accepted', version, staleFields: ['city'] });
    expect(await stored()).toMatchObject({ version, fields: { name: 'B', city: 'Oslo' } });
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      windowFields: ['name'],
      windowOpenedAt: expect.any(Date),
    });
    expect(
      await tenant.work(({ trx }) =>
        trx.selectFrom('recordChanges').select(['outcome', 'changedFields']).orderBy('changeId').execute(),
      ),
    ).toEqual([
      { outcome: 'applied', changedFields: ['name', 'city'] },
      { outcome: 'applied', changedFields: ['city'] },
      { outcome: 'applied', changedFields: ['name'] },
      { outcome: 'stale', changedFields: ['city'] },
    ]);
  });

  it('a record without PATCH stores no versions of its fields, and a PUT removes them', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    expect(await stored()).toMatchObject({ fieldVersions: null });
    await tenant.accept(patch({ name: 'B' }, {}));
    expect(await stored()).toMatchObject({ fieldVersions: { fields: { name: [2, expect.any(Number)] } } });

    await tenant.accept({ externalId: 'e1', fields: { name: 'C' } });

    expect(await stored()).toMatchObject({ fieldVersions: null });
  });

  it('a confirmed field is stored, although its value is the same', async () => {
    await tenant.accept({ externalId: 'e1', fields: { a: 1, b: 1 }, occurredAt: second(1) });
    await tenant.accept(patch({ a: 1 }, { occurredAt: second(9) }));
    await tenant.accept(patch({ b: 1 }, { occurredAt: second(5) }));

    const answers = await tenant.accept(
      patch({ a: 2 }, { occurredAt: second(8) }),
      patch({ b: 2 }, { occurredAt: second(4) }),
      patch({ b: 3 }, { occurredAt: second(6) }),
    );

    expect(answers.map(({ outcome }) => outcome)).toEqual(['stale', 'stale', 'accepted']);
    expect(await stored()).toMatchObject({ fields: { a: 1, b: 3 } });
  });

  it('concurrent PATCHes in any order end with the newest value of each field', async () => {
    const random = new Random(testSeed + 3);
    const names = ['a', 'b', 'c', 'd'];
    const patches = Array.from({ length: 60 }, (_, index) =>
      patch({ [random.pick(names)]: index, [random.pick(names)]: index }, { version: index + 2 }),
    );
    const expected = Object.assign({}, ...patches.map(({ fields }) => fields));
    await tenant.accept({ externalId: 'e1', fields: {}, version: 1 });

    await Promise.all(random.shuffled([...patches, ...patches]).map((one) => tenant.accept(one)));

    expect(await stored()).toMatchObject({ version: 61, fields: expected });
  });
});

describe('batches over the same records', () => {
  it('cause no deadlock and lose no update, creations included', async () => {
    const random = new Random(testSeed + 2);
    await tenant.integration();
    await tenant.integration();
    const batch = (index: number) =>
      random.shuffled(Array.from({ length: 40 }, (_, record) => record)).map((record) => ({
        externalId: `e${record}`,
        kind: 'patch' as const,
        fields: { [`from${index}`]: index },
      }));
    await tenant.accept(
      ...Array.from({ length: 20 }, (_, record) => ({ externalId: `e${record}`, fields: { name: 'A' } })),
    );
    const creations = Array.from({ length: 8 }, () =>
      tenant.accept(
        ...random.shuffled(
          Array.from({ length: 40 }, (_, record) => ({ externalId: `e${record}`, fields: { name: 'A' } })),
        ),
      ),
    );
    await Promise.all(creations);

    await Promise.all(Array.from({ length: 12 }, (_, index) => tenant.accept(...batch(index))));

    const stored = await records();
    expect(stored).toHaveLength(40);
    for (const record of stored) {
      expect(record.fields).toEqual({
        name: 'A',
        ...Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`from${index}`, index])),
      });
      expect(record.version).toBe(13);
    }
  });

  it('accepts many clients that create overlapping records at once', async () => {
    const random = new Random(testSeed + 3);
    const clients = Array.from({ length: 20 }, () =>
      random.shuffled(Array.from({ length: 100 }, (_, record) => record)).slice(0, 50),
    );

    await Promise.all(
      clients.map((mine) =>
        tenant.accept(...mine.map((record) => ({ externalId: `e${record}`, fields: { name: 'A' } }))),
      ),
    );

    expect(await records()).toHaveLength(new Set(clients.flat()).size);
  });

  it('does not move a window back when a change had to wait for another one', async () => {
    const integrationId = await tenant.integration();
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    let release = (): void => {};
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    let tellBegun = (): void => {};
    const hasBegun = new Promise<void>((resolve) => (tellBegun = resolve));
    // Starts first, has to wait, and commits last.
    const first = tenant.work(async (work) => {
      tellBegun();
      await isReleased;
      return acceptChanges(work, [put('e1', { name: 'B' })], by);
    });
    await hasBegun;
    await after(50);
    await tenant.accept({ externalId: 'e1', fields: { name: 'C' } });
    const { dueAt } = (await tenant.recordSync(integrationId, 'e1')) ?? {};

    release();
    await first;

    expect((await tenant.recordSync(integrationId, 'e1'))?.dueAt?.getTime()).toBeGreaterThanOrEqual(
      (dueAt as Date).getTime(),
    );
  });
});

describe('rule 15: linking and new mappings during concurrent changes', () => {
  const wider: RecordTypeMapping = {
    direction: 'push',
    fields: [
      { name: 'name', to: 'name' },
      { name: 'email', to: 'email' },
    ],
    onDelete: 'deactivate',
  };
  /** The whole backfill, as the push queue runs it. */
  async function backfill(integrationId: string): Promise<void> {
    while (
      !(await tenant.work((work) => openBackfillWindows(work, { integrationId, now: work.now, limit: 20 })))
        .isDone
    );
  }

  it('miss no record, whether it was created before, after or at the same moment', async () => {
    const integrationId = newUuid();
    const coming = Array.from({ length: 120 }, async (_, record) => {
      await after(record % 12);
      await tenant.accept({ externalId: `e${record}`, fields: { name: 'A' } });
    });
    await after(5);
    await tenant.work((work) =>
      createIntegration(work, {
        integrationId,
        connector: 'ledger',
        app: 'Ledger',
        accountName: 'Test',
        config: {},
        recordTypes: { employees: wider },
        encryptedCredentials: null,
        gracePeriodMs: GRACE_MS,
        maxWaitMs: null,
        initialPush: 'all',
        isPaused: false,
      }),
    );
    await Promise.all([...coming, backfill(integrationId)]);
    await backfill(integrationId);

    const recordSyncs = await db.superuser(
      'select * from record_syncs where integration_id = $1 and window_opened_at is not null',
      [integrationId],
    );
    expect(recordSyncs).toHaveLength(120);
  });

  it('open a window for every record to be pushed again, despite concurrent changes and claims', async () => {
    const integrationId = await tenant.integration({ gracePeriodMs: 0 });
    const names = Array.from({ length: 60 }, (_, record) => `e${record}`);
    await tenant.accept(
      ...names.map((externalId) => ({
        externalId,
        fields: { name: 'A', email: `${externalId}@example.org` },
      })),
    );
    const claims = Array.from({ length: 6 }, async (_, index) => {
      await after(index * 3);
      return tenant.claim(integrationId, new Date(Date.now() + 1_000), 10);
    });
    await after(6);
    await tenant.work((work) =>
      changeIntegration(work, { integrationId, change: { recordTypes: { employees: wider } } }),
    );
    await Promise.all(claims);
    await backfill(integrationId);

    // Records claimed under the old mapping are pending again, unclaimed ones still wait, and no push runs
    // under the old mapping alone.
    const rows = await db.superuser(
      `select push.mapping_version, record_sync.window_opened_at
       from record_syncs record_sync left join pushes push on push.push_id = record_sync.push_id
       where record_sync.integration_id = $1`,
      [integrationId],
    );
    expect(rows).toHaveLength(60);
    expect(rows.filter((row) => row.mapping_version === 1 && row.window_opened_at === null)).toEqual([]);
  });
});

describe('rule 16: resuming during a concurrent change', () => {
  it.each([
    [
      'resuming',
      (work: Parameters<Parameters<GivenTenant['work']>[0]>[0], integrationId: string) =>
        resumeIntegration(work, { integrationId }),
    ],
    [
      'new credentials',
      (work: Parameters<Parameters<GivenTenant['work']>[0]>[0], integrationId: string) =>
        replaceCredentials(work, { integrationId, encryptedCredentials: 'encrypted' }),
    ],
  ])('enqueues a push for it: %s', async (_what, goOn) => {
    const integrationId = await tenant.integration();
    await tenant.work(({ trx }) =>
      trx
        .updateTable('integrations')
        .set({
          pausedAt: _what === 'resuming' ? new Date() : null,
          needsReauthorizationAt: _what === 'resuming' ? null : new Date(),
        })
        .where('integrationId', '=', integrationId)
        .execute(),
    );
    let release = (): void => {};
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    let tellAccepted = (): void => {};
    const isAccepted = new Promise<void>((resolve) => (tellAccepted = resolve));
    // This change read the integration as paused and would commit after the resume if there were no lock.
    const accepting = tenant.work(async (work) => {
      const accepted = await acceptChanges(work, [put('e1', { name: 'A' })], by);
      tellAccepted();
      await isReleased;
      return accepted;
    });
    await isAccepted;
    let isResumed = false;
    const resuming = tenant.work((work) => goOn(work, integrationId)).then(() => (isResumed = true));
    await after(100);
    const wasResumedBefore = isResumed;
    release();
    await Promise.all([accepting, resuming]);

    // Either the change is committed before the queue is signalled, or it signals the queue itself.
    const rows = await db.superuser('select next_due_at from outbox where tenant_id = $1', [tenant.tenantId]);
    expect(wasResumedBefore).toBe(false);
    expect(rows.length).toBeGreaterThan(0);
  });
});
