/** What operators see of the promise that due pushes are sent and lists are read (rules.md 60). */
import { createMetrics } from '../../../api/http/metrics';
import { createPromiseFigures, type PromiseFigures } from '../../../api/http/promise-metrics';
import { GivenTenant, openTestDb, type TestDb } from '../../db/given';

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(() => db.superuser('truncate integrations cascade'));

async function scrape(promise: PromiseFigures = createPromiseFigures(db.database)): Promise<string[]> {
  const { registry } = createMetrics({
    outboxAgeSeconds: async () => 0,
    outboxRefusals: async () => 0,
    outboxTopics: async () => [],
    parkedWork: async () => 0,
    stoppedRollouts: async () => 0,
    openStreams: () => 0,
    promise,
  });
  const text = await registry.metrics();
  return text.split('\n').filter((line) => /^syncline_\w*(push|pull)/.test(line));
}

const valueOf = (lines: readonly string[], name: string): number =>
  Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1));

/** Record syncs with a window that is due in `dueIn` seconds. */
async function givenWindows(
  { tenantId }: GivenTenant,
  integrationId: string,
  { count = 1, dueIn, kind = 1 }: { count?: number; dueIn: number; kind?: number },
): Promise<void> {
  await db.superuser(
    `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, window_opened_at,
       due_at, window_reason, is_backfill, push_priority)
     select $1, $2, gen_random_uuid(), 1, now(), now() + make_interval(secs => $3), 'quiet', $4 = 3, $4 % 3
     from generate_series(1, $5)`,
    [tenantId, integrationId, dueIn, kind, count],
  );
}

it('rule 60: an operator sees by kind what is due, overdue, waiting and pushed now, of all tenants', async () => {
  for (let each = 0; each < 2; each += 1) {
    const tenant = await GivenTenant.create(db);
    const integrationId = await tenant.integration();
    await givenWindows(tenant, integrationId, { count: 3, dueIn: -10 });
    await givenWindows(tenant, integrationId, { dueIn: -600, kind: 0 });
    await givenWindows(tenant, integrationId, { count: 2, dueIn: 300, kind: 2 });
    await givenWindows(tenant, integrationId, { dueIn: -3_600, kind: 3 });
    await tenant.accept({ externalId: 'a', fields: { name: 'A' } });
    await db.superuser(
      `update record_syncs set push_id = gen_random_uuid(), claim_id = gen_random_uuid(),
         lease_until = now() + interval '1 minute', window_opened_at = null, due_at = null
       where tenant_id = '${tenant.tenantId}' and exists (
         select from records where records.record_id = record_syncs.record_id)`,
    );
  }

  const lines = await scrape();

  expect(lines).toEqual(
    expect.arrayContaining([
      'syncline_due_pushes{kind="manual"} 2',
      'syncline_due_pushes{kind="edit"} 6',
      'syncline_due_pushes{kind="bulk"} 0',
      'syncline_due_pushes{kind="backfill"} 2',
      'syncline_overdue_pushes{kind="manual"} 2',
      'syncline_overdue_pushes{kind="edit"} 0',
      'syncline_overdue_pushes{kind="backfill"} 2',
      'syncline_waiting_pushes{kind="bulk"} 4',
      'syncline_leased_pushes{kind="edit"} 2',
      'syncline_oldest_due_push_age_seconds{kind="bulk"} 0',
      'syncline_push_figures_partial 0',
    ]),
  );
  const oldest = (kind: string) => valueOf(lines, `syncline_oldest_due_push_age_seconds{kind="${kind}"}`);
  expect(oldest('manual')).toBeGreaterThanOrEqual(600);
  expect(oldest('backfill')).toBeGreaterThanOrEqual(3_600);
  expect(oldest('edit')).toBeLessThan(600);
});

it.each([
  ['is paused', 'paused_at = now()'],
  ['was deleted', 'deleted_at = now()'],
  ['has rejected credentials', 'needs_reauthorization_at = now()'],
  ['is down', `blocked_until = now() + interval '1 minute', blocked_reason = 'outage', outage_since = now()`],
])('rule 60: pushes of an integration that %s are not overdue by Syncline', async (_, change) => {
  const tenant = await GivenTenant.create(db);
  const integrationId = await tenant.integration();
  await givenWindows(tenant, integrationId, { dueIn: -600 });
  expect(await scrape()).toContain('syncline_overdue_pushes{kind="edit"} 1');

  await db.superuser(`update integrations set ${change} where integration_id = $1`, [integrationId]);

  expect(await scrape()).toContain('syncline_overdue_pushes{kind="edit"} 0');
});

it('rule 60: of 12,000 due pushes a scrape counts 10,000', async () => {
  const tenant = await GivenTenant.create(db);
  await givenWindows(tenant, await tenant.integration(), { count: 12_000, dueIn: -600 });

  const lines = await scrape();

  expect(lines).toContain('syncline_due_pushes{kind="edit"} 10000');
  expect(lines).toContain('syncline_overdue_pushes{kind="edit"} 10000');
});

it('rule 60: an operator sees by connector how long ago lists were read', async () => {
  const tenant = await GivenTenant.create(db);
  const recordTypes = {
    employees: {
      direction: 'both' as const,
      fields: [{ name: 'name', to: 'name' }],
      onDelete: 'deactivate' as const,
    },
    teams: {
      direction: 'push' as const,
      fields: [{ name: 'name', to: 'name' }],
      onDelete: 'deactivate' as const,
    },
  };
  const read = async (secondsAgo: number | null, recordType = 'employees', connector = 'ledger') => {
    const integrationId = await tenant.integration({ recordTypes, connector });
    await db.superuser(
      `insert into sync_datasets (tenant_id, integration_id, record_type, is_initial, last_succeeded_at)
       values ($1, $2, $3, false, now() - make_interval(secs => $4))
       on conflict (tenant_id, integration_id, record_type) do update
         set last_succeeded_at = excluded.last_succeeded_at`,
      [tenant.tenantId, integrationId, recordType, secondsAgo],
    );
    await db.superuser('delete from sync_datasets where integration_id = $1 and record_type <> $2', [
      integrationId,
      recordType,
    ]);
    return integrationId;
  };
  await read(100);
  await read(200);
  await read(9_000);
  await read(90_000, 'teams');
  await read(1_000_000, 'no_longer_mapped');
  await read(50, 'employees', 'scim');
  const paused = await read(500_000);
  await db.superuser('update integrations set paused_at = now() where integration_id = $1', [paused]);
  const neverRead = await read(null, 'employees', 'rest');
  await db.superuser(
    `update integrations set created_at = now() - interval '1 day' where integration_id = $1`,
    [neverRead],
  );

  const lines = await scrape();

  const age = (connector: string, figure: string) =>
    Math.round(
      valueOf(lines, `syncline_pull_age_seconds{connector="${connector}",figure="${figure}"}`) / 100,
    );
  expect([age('ledger', 'median'), age('ledger', 'max')]).toEqual([2, 90]);
  expect([age('scim', 'max'), age('rest', 'max')]).toEqual([1, 864]);
});

describe('rule 60: a scrape', () => {
  it('shares one read of the database with the scrapes of the next 15 s', async () => {
    const reads = jest.spyOn(db.database, 'withDispatcher');
    const promise = createPromiseFigures(db.database);

    await Promise.all([scrape(promise), scrape(promise)]);
    await scrape(promise);

    expect(reads).toHaveBeenCalledTimes(2);
    reads.mockRestore();
  });

  it('reads again after a read that failed', async () => {
    const promise = createPromiseFigures(db.database);
    const reads = jest.spyOn(db.database, 'withDispatcher').mockRejectedValue(new Error('away'));
    const lines = await scrape(promise);
    reads.mockRestore();

    expect(lines.filter((line) => /_pushes\{|pull_age/.test(line))).toEqual([]);
    expect(await scrape(promise)).toContain('syncline_due_pushes{kind="edit"} 0');
  });

  it('answers without these figures while the database does not', async () => {
    const never = new Promise<never>(() => {});

    const lines = await scrape({ push: () => never, pull: () => never });

    expect(lines.filter((line) => /_pushes\{|pull_age/.test(line))).toEqual([]);
  });
});
