/** The Sync Status log, drift repair and the cost of a quiet hour, on skipped time (rules.md 28, 32, 36). */
import type { ReadPage } from '../../../connectors/connector';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { CONTACTS, fill, CrmIntegration } from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

const linked = async (
  count: number,
  settings: Parameters<typeof CrmIntegration.link>[1] = {},
  prepare: (account: CrmIntegration['account']) => void = () => undefined,
) => {
  const pulled = await CrmIntegration.onboarded(tenant, settings, async (account) => {
    for (const type of Object.keys(settings.recordTypes ?? {})) account.type(type);
    prepare(account);
    await fill(environment, count)(account);
  });
  await environment.sleep(600_000);
  return pulled;
};
const kinds = async (pulled: CrmIntegration) =>
  (await pulled.runs()).map(({ kind, recordTypes }) =>
    recordTypes === null ? kind : `${kind} of ${recordTypes.join()}`,
  );

describe('rule 32: Sync Status', () => {
  it('has a row per run with totals, their difference and each record type', async () => {
    const pulled = await linked(4, { recordTypes: { contacts: CONTACTS, companies: CONTACTS } });
    await pulled.sync('hourly');
    const rows = await pulled.statuses();
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({
      app: 'CRM',
      totalSyncline: 4,
      totalApp: 4,
      totalDifference: 0,
      breakdown: [
        { record_type: 'companies', syncline: 0, app: 0, difference: 0 },
        { record_type: 'contacts', syncline: 4, app: 4, difference: 0 },
      ],
    });
  });

  it('counts a record that a list contains twice once, if the third party has no total', async () => {
    const pulled = await linked(6, {}, (account) => void (account.canCount = false));
    let first: ReadPage['records'] = [];
    pulled.account.distort = (page, { cursor }) => {
      if (cursor === null) first = page.records.slice(0, 1);
      return { ...page, records: cursor === null ? page.records : [...page.records, ...first] };
    };
    await pulled.sync('full');
    expect((await pulled.statuses()).at(-1)).toMatchObject({
      totalSyncline: 6,
      totalApp: 6,
      totalDifference: 0,
    });
    expect(await pulled.notifications('difference_remains')).toEqual([]);
  });

  it('has null if a side is not known, and not 0', async () => {
    const pulled = await linked(
      2,
      { recordTypes: { contacts: CONTACTS, broken: CONTACTS } },
      (account) => void account.types.delete('broken'),
    );
    expect(await pulled.statuses()).toMatchObject([
      { totalApp: null, totalDifference: null, totalSyncline: null },
    ]);
    expect((await pulled.statuses())[0]?.breakdown).toMatchObject([
      { record_type: 'broken', app: null, difference: null },
      { difference: 0 },
    ]);
  });
});

describe('rule 32: drift', () => {
  it('a tombstone in an incremental run deletes nothing by itself, and starts an early full pass of that type only', async () => {
    const pulled = await linked(
      5,
      { recordTypes: { contacts: CONTACTS, companies: CONTACTS } },
      (account) => void (account.listsTombstones = true),
    );
    await pulled.account.remove('contacts', 'p001');
    const run = await pulled.sync('hourly');
    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsDeleted: 0, hasTombstones: true });
    expect(await kinds(pulled)).toEqual(['onboarding', 'hourly', 'drift_repair of contacts']);
    expect(await pulled.differences()).toEqual([]);
  });

  it('a difference that two counts found starts one early full pass, which resolves it', async () => {
    const pulled = await linked(5);
    await pulled.account.remove('contacts', 'p001');
    await pulled.account.put('contacts', 'p002', { name: 'Changed' }); // so that it is counted
    await pulled.sync('hourly');
    expect(await kinds(pulled)).toEqual(['onboarding', 'hourly']);
    await pulled.sync('hourly'); // nothing has changed, and it is counted again
    expect(await kinds(pulled)).toEqual(['onboarding', 'hourly', 'hourly', 'drift_repair of contacts']);
    expect((await pulled.statuses()).map(({ totalDifference }) => totalDifference)).toEqual([0, 1, 1, 0]);
    expect(await pulled.notifications('difference_remains')).toEqual([]);
  });

  it('rule 52: a deletion an hour does not start a full pass an hour', async () => {
    const pulled = await linked(9);
    for (let hour = 0; hour < 4; hour += 1) {
      await environment.sleep(3_600_000);
      await pulled.account.remove('contacts', `p00${hour}`);
      await pulled.account.put('contacts', 'p008', { name: `Hour ${hour}` });
      await pulled.sync('hourly');
    }
    await pulled.sync('nightly');

    expect(await kinds(pulled)).toEqual(['onboarding', 'hourly', 'hourly', 'hourly', 'hourly', 'nightly']);
    expect(await pulled.differences()).toEqual([]);
  });

  it('rule 52: a listed deletion starts no full pass within six hours of the last one', async () => {
    const pulled = await linked(5, {}, (account) => void (account.listsTombstones = true));
    await pulled.account.remove('contacts', 'p001');
    await pulled.sync('hourly');
    // Skipped time may pass the six hours, so the last repair is moved to the future.
    const moved = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx
        .updateTable('syncDatasets')
        .set({ repairedAt: new Date('9000-01-01') })
        .where('integrationId', '=', pulled.integrationId)
        .where('repairedAt', 'is not', null)
        .executeTakeFirst(),
    );
    await pulled.account.remove('contacts', 'p002');
    await pulled.sync('hourly');

    expect(Number(moved.numUpdatedRows)).toBe(1);
    expect(await kinds(pulled)).toEqual(['onboarding', 'hourly', 'drift_repair of contacts', 'hourly']);
  });

  it('a difference that remains after a full pass is one alert with the ids, without repeated repairs', async () => {
    const pulled = await linked(3, { recordTypes: { contacts: { ...CONTACTS, matchBy: 'email' } } });
    for (const id of ['c-1', 'c-2'])
      await tenant.change(id, { name: id, email: 'same@example.org' }, { recordType: 'contacts' });
    await pulled.account.put('contacts', 'p-twice', { name: 'Which', email: 'same@example.org' });
    for (let hour = 0; hour < 4; hour += 1) {
      await environment.sleep(3_600_000);
      await pulled.account.put('contacts', 'p000', { name: `Hour ${hour}` });
      await pulled.sync('hourly');
    }
    await pulled.sync('nightly');

    expect(await kinds(pulled)).toEqual([
      'onboarding',
      'hourly',
      'hourly',
      'drift_repair of contacts',
      'hourly',
      'hourly',
      'nightly',
    ]);
    const alerts = await pulled.notifications('difference_remains');
    expect(alerts).toMatchObject([{ resolvedAt: null, detail: expect.stringContaining('p-twice') }]);
    expect((await pulled.statuses()).at(-1)).toMatchObject({ totalDifference: -1 });

    await pulled.account.remove('contacts', 'p-twice');
    // A record that is refused, and linked already, keeps no notification open.
    await pulled.account.put('contacts', 'p000', { name: 'x'.repeat(2_000_000) });
    expect(await pulled.sync('nightly')).toMatchObject({ state: 'partially_succeeded' });
    expect(await pulled.notifications('difference_remains')).toMatchObject([
      { resolvedAt: expect.any(Date) },
    ]);
  });
});

describe('rule 28: a quiet hour', () => {
  it('over a dozen datasets makes at most one request per dataset, and counts nothing', async () => {
    const recordTypes = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`type_${index}`, CONTACTS]),
    );
    const pulled = await linked(0, { recordTypes });
    for (const type of Object.keys(recordTypes))
      for (const id of ['a', 'b', 'c', 'd']) await pulled.account.put(type, id, { name: id });
    await environment.sleep(600_000);
    await pulled.sync('full');
    await environment.sleep(3_600_000);
    // On a busy machine time may have run further than that, and what was counted long ago is counted again.
    await pulled.inTenant(({ trx, now }) =>
      trx
        .updateTable('syncDatasets')
        .set({ countedAt: now })
        .where('integrationId', '=', pulled.integrationId)
        .execute(),
    );
    Object.assign(pulled.account, { counts: 0, checks: 0 });
    pulled.account.reads.length = 0;

    const run = await pulled.sync('hourly');

    expect(run).toMatchObject({ state: 'succeeded', successfulJobs: 13 });
    expect(pulled.account.reads.map(({ recordType }) => recordType).sort()).toEqual(
      Object.keys(recordTypes).sort(),
    );
    expect([pulled.account.counts, pulled.account.checks]).toEqual([0, 0]);
  });

  it('reads fields and picklists, and logs only changes', async () => {
    const field = { name: 'stage', label: 'Stage', type: 'picklist' as const, isRequired: false };
    const pulled = await linked(1, {}, (account) => {
      account.describes = [{ name: 'contacts', label: 'Contacts', fields: [{ ...field, values: ['new'] }] }];
    });
    const changes = () =>
      pulled.inTenant(({ trx }) =>
        trx
          .selectFrom('metadataChanges')
          .selectAll()
          .where('integrationId', '=', pulled.integrationId)
          .execute(),
      );
    expect((await pulled.sync('hourly')).state).toBe('succeeded');
    expect(await changes()).toEqual([]);
    pulled.account.describes = [
      { name: 'contacts', label: 'Contacts', fields: [{ ...field, values: ['new', 'won\0'] }] },
    ];
    const run = await pulled.sync('hourly');
    expect((await pulled.job(run.syncRunId, '')).error).toBeNull();
    await pulled.sync('hourly');
    expect(await changes()).toMatchObject([
      { kind: 'value_added', field: 'stage', detail: { value: 'won\u2400' } },
    ]);
  });
});
