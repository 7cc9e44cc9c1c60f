/** What third parties make of pushed values, on skipped time (rules.md 46 to 48; A1, A4 to A6, A13). */
import { changeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { type JsonObject, type JsonValue } from '../../../domain/json';
import { RecordRejected } from '../../../connectors/errors';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import type { RecordType } from '../../../domain/records/record-type';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { BOTH_WAYS, CrmIntegration } from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
});

const TYPED: RecordTypeMapping = {
  ...BOTH_WAYS,
  fields: [
    { name: 'name', to: '/name' },
    { name: 'born', to: '/born', type: 'date' },
    { name: 'hours', to: '/hours', type: 'number' },
    { name: 'vip', to: '/vip', type: 'boolean' },
    { name: 'tags', to: '/tags' },
  ],
};
/** Dates with a time, nothing without a value, whole numbers as texts, lists in another order. */
const pocketBase = (fields: JsonObject): JsonObject => {
  const shown = (name: string, value: JsonValue): JsonValue => {
    if (value === null) return ({ hours: 0, vip: false } as JsonObject)[name] ?? '';
    if (name === 'born') return `${value as string} 00:00:00.000Z`;
    if (name === 'hours') return String(Math.round(value as number));
    if (name === 'name') return (value as string).toLowerCase();
    return Array.isArray(value) ? [...value.toReversed(), 'added'] : value;
  };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shown(name, value)]));
};
const both = (mapping: RecordTypeMapping) => ({
  recordTypes: { contacts: mapping },
  initialPush: 'all' as const,
});
const edit = (externalId: string, fields: JsonObject) =>
  tenant.change(externalId, fields, { recordType: 'contacts', kind: 'patch' });
const fieldsOf = async (externalId: string) =>
  (
    await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx.selectFrom('records').select('fields').where('externalId', '=', externalId).executeTakeFirst(),
    )
  )?.fields;

/** An onboarded integration with the record `c-1`, which was pushed. */
async function givenPushed(
  fields: JsonObject,
  { mapping = TYPED, showsPushed = false }: { mapping?: RecordTypeMapping; showsPushed?: boolean } = {},
): Promise<CrmIntegration> {
  const pulled = await CrmIntegration.onboarded(tenant, both(mapping), (account) => {
    account.habit = pocketBase;
    account.showsPushed = showsPushed;
  });
  await environment.sleep(60_000);
  await tenant.change('c-1', fields, { recordType: 'contacts' });
  await environment.sleep(GRACE_MS * 2);
  expect(pulled.account.pushes).toHaveLength(1);
  return pulled;
}

const NONE = { recordsNew: 0, recordsChanged: 0, recordsFailed: 0 };
const FULL = { name: 'Ada Lovelace', born: '1990-05-17', hours: 38.4, vip: true, tags: ['a', 'b'] };
const EMPTY = { name: null, born: null, hours: null, vip: null, tags: null };

describe('rule 46: what a third party made of a push', () => {
  it.each([
    ['its answer shows it', true],
    ['only a read shows it', false],
  ])('A4: is no change, no event and no further push: %s', async (_what, showsPushed) => {
    const pulled = await givenPushed(FULL, { showsPushed });
    for (const fields of [FULL, EMPTY, FULL]) {
      await edit('c-1', fields);
      await environment.sleep(GRACE_MS * 2);
      const calls = pulled.account.pushes.length;
      for (const kind of ['incremental', 'full', 'full'] as const) {
        const run = await pulled.sync(kind);
        expect(await pulled.job(run.syncRunId)).toMatchObject(NONE);
        await environment.sleep(GRACE_MS * 2);
      }
      expect(await fieldsOf('c-1')).toEqual(fields);
      expect(await tenant.status(pulled.integrationId, 'c-1')).toBe('synced');
      expect(pulled.account.pushes).toHaveLength(calls);
    }
    await edit('c-1', { name: 'Edited here' });
    await environment.sleep(GRACE_MS * 2);
    expect(pulled.account.pushes.at(-1)?.payload).toMatchObject({ name: 'Edited here', born: '1990-05-17' });
  });

  it('lets a change of the notation itself through once it is known', async () => {
    const pulled = await givenPushed(FULL);
    await pulled.sync('full');
    await pulled.account.put('contacts', 'new-c-1', {
      ...pulled.account.held('contacts').get('new-c-1'),
      name: 'ADA LOVELACE',
    });
    await environment.sleep(60_000);
    const run = await pulled.sync('full');
    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsChanged: 1 });
    expect(await fieldsOf('c-1')).toEqual({ ...FULL, name: 'ADA LOVELACE' });
  });

  it('A5: does not reach other integrations', async () => {
    const other = await tenant.integration({
      recordTypes: {
        contacts: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'delete' },
      },
    });
    const pulled = await givenPushed(FULL);
    await edit('c-1', EMPTY);
    await environment.sleep(GRACE_MS * 2);
    await pulled.sync('full');
    await environment.sleep(GRACE_MS * 2);

    expect(tenant.sent(other).map(({ payload }) => payload)).toEqual([
      { name: 'Ada Lovelace' },
      { name: null },
    ]);
    expect(await tenant.status(other, 'c-1')).toBe('synced');
  });

  it.each(['ours', 'theirs'] as const)(
    'A6: does not replace an edit that waits (on_conflict %s)',
    async (onConflict) => {
      const pulled = await givenPushed(FULL, { mapping: { ...TYPED, onConflict } });
      await edit('c-1', { name: 'Edited here', hours: 12.3 });
      await pulled.sync('full');
      expect(await pulled.conflicts()).toEqual([]);
      await environment.sleep(GRACE_MS * 2);

      expect(await fieldsOf('c-1')).toEqual({ ...FULL, name: 'Edited here', hours: 12.3 });
      expect(pulled.account.held('contacts').get('new-c-1')).toMatchObject({
        name: 'edited here',
        hours: '12',
      });
      expect(await tenant.status(pulled.integrationId, 'c-1')).toBe('synced');
    },
  );

  it('does not hide a change there before the first read: it is taken, and an edit here is a conflict', async () => {
    const pulled = await givenPushed(FULL);
    const there = pulled.account.held('contacts').get('new-c-1');
    await edit('c-1', { hours: 12 });
    await pulled.account.put('contacts', 'new-c-1', { ...there, name: 'grace', hours: '40' });
    await environment.sleep(60_000);
    await pulled.sync('full');
    await environment.sleep(GRACE_MS * 2);

    expect(await fieldsOf('c-1')).toEqual({ ...FULL, name: 'grace', hours: 12 });
    expect(await pulled.conflicts()).toMatchObject([{ field: 'hours', ours: 12, theirs: 40 }]);
  });
});

describe('A13: a field of ours in two places there', () => {
  it('follows a change of the second place, which is pushed to the first one', async () => {
    const mapping: RecordTypeMapping = {
      ...BOTH_WAYS,
      fields: [
        { name: 'name', to: '/name' },
        { name: 'name', to: '/display' },
      ],
    };
    const pulled = await givenPushed({ name: 'Ada' }, { mapping });
    await pulled.sync('full');
    await pulled.account.put('contacts', 'new-c-1', { name: 'ada', display: 'Grace' });
    await environment.sleep(60_000);
    await pulled.sync('full');
    await environment.sleep(GRACE_MS * 2);

    expect(await fieldsOf('c-1')).toEqual({ name: 'Grace' });
    expect(pulled.account.held('contacts').get('new-c-1')).toEqual({ name: 'grace', display: 'Grace' });
    const again = await pulled.sync('full');
    expect(await pulled.job(again.syncRunId)).toMatchObject(NONE);
    expect(await tenant.status(pulled.integrationId, 'c-1')).toBe('synced');
    expect(await pulled.conflicts()).toEqual([]);
  });
});

describe('rule 48: values that do not fit the type of their field', () => {
  const given = (fields: JsonObject) =>
    CrmIntegration.onboarded(tenant, both(TYPED), (account) => account.put('contacts', 'p1', fields));

  it.each<[JsonObject]>([
    [{ born: '' }],
    [{ born: '0000-00-00' }],
    [{ vip: 'False' }],
    [{ hours: '' }],
    [{ born: { year: 1990 } }],
    [{ hours: '1,250.5' }],
    [{ hours: ['38'] }],
  ])('A1: an edit of another field is pushed although the third party shows %j', async (odd) => {
    const pulled = await given({ name: 'p1', ...odd });
    const externalId = await pulled.externalId('p1');
    await edit(externalId, { name: 'Edited here' });
    await environment.sleep(GRACE_MS * 2);

    expect(pulled.account.held('contacts').get('p1')?.['name']).toBe('Edited here');
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');
    const again = await pulled.sync('full');
    expect(await pulled.job(again.syncRunId)).toMatchObject(NONE);
  });

  it('are reported at the record, which does not count as failed, and replace no valid value', async () => {
    const pulled = await given({ name: 'p1', hours: 38 });
    const externalId = await pulled.externalId('p1');
    await environment.sleep(600_000);
    await pulled.account.put('contacts', 'p1', { name: 'Renamed', hours: '1,250.5' });
    const run = await pulled.sync('full');

    expect(run.state).toBe('succeeded');
    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsChanged: 1, recordsFailed: 0 });
    expect(await pulled.errors(run.syncRunId)).toMatchObject([
      {
        remoteId: 'p1',
        code: 'value_not_expressible',
        message: 'hours (/hours): The value "1,250.5" of the third party is not a number.',
      },
    ]);
    expect(await fieldsOf(externalId)).toEqual({ name: 'Renamed', hours: 38 });
    await environment.sleep(GRACE_MS * 2);
    expect(pulled.account.pushes).toEqual([]);
    await edit(externalId, { hours: 40 });
    await environment.sleep(GRACE_MS * 2);
    expect(pulled.account.held('contacts').get('p1')?.['hours']).toBe(40);
  });
});

describe('rule 47: values that the mapping cannot express', () => {
  const field = (conversion: Partial<RecordTypeMapping['fields'][number]>): RecordTypeMapping => ({
    ...BOTH_WAYS,
    fields: [
      { name: 'name', to: '/name' },
      { name: 'level', to: '/work/level', ...conversion },
    ],
  });

  it.each<[string, JsonValue, Partial<RecordTypeMapping['fields'][number]>, JsonValue, JsonValue]>([
    ['a list of values', 'C3', { values: { junior: 'C1' } }, 'junior', 'C1'],
    ['a number', '1,250.5', { type: 'number' }, 1250.5, 1250.5],
    ['a date', { year: 1990 }, { type: 'date' }, '1990-05-17', '1990-05-17'],
  ])(
    'A1: are left out of a push while the third party shows them: %s',
    async (_what, shown, conversion, valid, sent) => {
      const pulled = await CrmIntegration.onboarded(tenant, both(field({})), (account) =>
        account.put('contacts', 'p1', { name: 'Ada', work: { level: shown, team: 'a' } }),
      );
      const externalId = await pulled.externalId('p1');
      await pulled.inTenant((work) =>
        changeIntegration(work, {
          integrationId: pulled.integrationId,
          change: { recordTypes: { contacts: field(conversion) } },
        }),
      );
      await environment.sleep(GRACE_MS * 2);
      await pulled.sync('full');
      await environment.sleep(GRACE_MS * 2);
      expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');

      await edit(externalId, { name: 'Edited here' });
      await environment.sleep(GRACE_MS * 2);
      const payloads = pulled.account.pushes.map(({ payload }) => payload);
      expect(payloads.at(-1)).toEqual({ name: 'Edited here' });
      // The change of the mapping may have pushed the record, too.
      for (const payload of payloads) expect(payload).not.toHaveProperty('work');
      expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');

      await edit(externalId, { level: ['no', 'value'] });
      await environment.sleep(GRACE_MS * 2);
      expect(await tenant.status(pulled.integrationId, externalId)).toBe('sync_failed');
      expect(pulled.account.pushes).toHaveLength(payloads.length);

      await edit(externalId, { level: valid });
      await environment.sleep(GRACE_MS * 2);
      expect(pulled.account.pushes.at(-1)?.payload).toEqual({ name: 'Edited here', work: { level: sent } });
      expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');
    },
  );
});

describe('rule 48: values that the third party does not list', () => {
  const GRADED: RecordTypeMapping = {
    ...BOTH_WAYS,
    fields: [
      { name: 'name', to: '/name' },
      { name: 'grade', to: '/grade' },
    ],
  };
  const grade = (values: string[]): RecordType => ({
    name: 'contacts',
    label: 'Contacts',
    fields: [{ name: 'grade', label: 'Grade', type: 'picklist', isRequired: false, values }],
  });

  async function givenRetired() {
    const pulled = await CrmIntegration.onboarded(tenant, both(GRADED), async (account) => {
      account.describes = [grade(['junior', 'senior'])];
      await account.put('contacts', 'p1', { name: 'Ada', grade: 'retired' });
    });
    await environment.sleep(60_000);
    return { pulled, externalId: await pulled.externalId('p1') };
  }

  it('A1: are reported when they are read, and left out of pushes while they are shown there', async () => {
    const { pulled, externalId } = await givenRetired();
    const run = await pulled.sync('full');
    expect(run.state).toBe('succeeded');
    expect(await pulled.job(run.syncRunId)).toMatchObject(NONE);
    expect(await pulled.errors(run.syncRunId)).toMatchObject([
      {
        remoteId: 'p1',
        code: 'value_not_listed',
        message:
          'grade (/grade): The third party does not list the value "retired". It lists: junior, senior.',
      },
    ]);
    expect(await fieldsOf(externalId)).toEqual({ name: 'Ada', grade: 'retired' });

    for (const name of ['Edited here', 'Edited again']) {
      await edit(externalId, { name });
      await environment.sleep(GRACE_MS * 2);
      expect(pulled.account.pushes.at(-1)?.payload).toEqual({ name });
      expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');
    }
  });

  it('A1: are named at their field if the third party refuses the record', async () => {
    const { pulled, externalId } = await givenRetired();
    await edit(externalId, { grade: 'chief' });
    await environment.sleep(GRACE_MS * 2);
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');

    pulled.account.beforePush = () => {
      throw new RecordRejected('Bad record.', []);
    };
    await edit(externalId, { grade: 'captain' });
    await environment.sleep(GRACE_MS * 2);
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('sync_failed');
    const { errors } = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx
        .selectFrom('recordSyncs')
        .select('errors')
        .where('integrationId', '=', pulled.integrationId)
        .executeTakeFirstOrThrow(),
    );
    expect(errors).toEqual(
      expect.arrayContaining([expect.objectContaining({ field: 'grade', code: 'value_not_listed' })]),
    );
  });
});
