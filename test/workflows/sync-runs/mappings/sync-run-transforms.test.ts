/** Fields with transforms and owners of their own, on skipped time (rules.md 17, 46 to 48; ADR 0032). */
import { changeIntegration } from '../../../../db/sync-runs/integration-lifecycle';
import type { JsonObject } from '../../../../domain/json';
import type { RecordTypeMapping } from '../../../../domain/records/mapping';
import { BOTH_WAYS, CrmIntegration } from '../../../support/environments/crm-integration';
import { OverviewEnvironment } from '../../../support/environments/overview-environment';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../../support/environments/push-environment';

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

const MAPPING: RecordTypeMapping = {
  ...BOTH_WAYS,
  fields: [
    { name: 'email', to: '/email', transform: [{ type: 'trim' }, { type: 'case', to: 'lower' }] },
    { name: 'born', to: '/born', transform: [{ type: 'date', format: 'dd.MM.yyyy' }] },
    { name: 'rate', to: '/rate', transform: [{ type: 'number', decimals: 1, point: ',' }] },
    { name: 'tags', to: '/tags', transform: [{ type: 'join', separator: '; ' }] },
    { name: 'team', to: '/team', transform: [{ type: 'default', value: 'none' }] },
    { name: 'country', to: '/country', transform: [{ type: 'country', ours: 'alpha2', theirs: 'name' }] },
    { names: ['first', 'last'], to: '/full', transform: [{ type: 'join', separator: ' ' }] },
    { name: 'grade', to: '/grade', direction: 'push' },
    { name: 'badge', to: '/badge', direction: 'pull' },
    { name: 'role', to: '/role', direction: 'push', onlyOnCreate: true },
  ],
};
const FULL = {
  email: ' Ada@Example.org ',
  born: '1990-05-17',
  rate: 38.44,
  tags: ['b', 'a'],
  country: 'GB',
  first: 'Ada',
  last: 'Lovelace',
  grade: 3,
  role: 'user',
};
const SENT = {
  email: 'ada@example.org',
  born: '17.05.1990',
  rate: '38,4',
  tags: 'b; a',
  team: 'none',
  country: 'United Kingdom',
  full: 'Ada Lovelace',
  grade: 3,
};
const PATCH = { recordType: 'contacts', kind: 'patch' } as const;
const NONE = { recordsNew: 0, recordsChanged: 0, recordsFailed: 0 };

const edit = async (fields: JsonObject): Promise<void> => {
  await tenant.change('c-1', fields, PATCH);
  await environment.sleep(GRACE_MS * 2);
};
const fieldsOf = async (): Promise<JsonObject | undefined> =>
  (
    await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx.selectFrom('records').select('fields').where('externalId', '=', 'c-1').executeTakeFirst(),
    )
  )?.fields;

/** An onboarded integration with a record that was pushed. */
async function givenPushed(showsPushed = false) {
  const settings = { recordTypes: { contacts: MAPPING }, initialPush: 'all' as const };
  const pulled = await CrmIntegration.onboarded(tenant, settings, (account) => {
    account.showsPushed = showsPushed;
  });
  await environment.sleep(60_000);
  await tenant.change('c-1', FULL, { recordType: 'contacts' });
  await environment.sleep(GRACE_MS * 2);
  const { account } = pulled;
  expect(account.pushes.map(({ payload }) => payload)).toEqual([{ ...SENT, role: 'user' }]);
  const there = () => account.held('contacts').get('new-c-1');
  const changeThere = async (fields: JsonObject): Promise<void> => {
    await account.put('contacts', 'new-c-1', { ...there(), ...fields });
    await environment.sleep(60_000);
  };
  /** Runs find nothing, push nothing, and an overview is empty. */
  const expectQuiet = async (): Promise<void> => {
    const [before, calls] = [await fieldsOf(), account.pushes.length];
    for (const kind of ['incremental', 'full', 'nightly'] as const) {
      const run = await pulled.sync(kind);
      expect(await pulled.job(run.syncRunId)).toMatchObject(NONE);
      await environment.sleep(GRACE_MS * 2);
    }
    expect(await fieldsOf()).toEqual(before);
    expect(account.pushes).toHaveLength(calls);
    expect(await pulled.conflicts()).toEqual([]);
    expect(await tenant.status(pulled.integrationId, 'c-1')).toBe('synced');
    const { integrationId } = pulled;
    const overviews = new OverviewEnvironment(tenant, integrationId, {
      requestedBy: 'person:ana',
      personId: null,
    });
    expect(await overviews.items(await overviews.ready())).toEqual([]);
  };
  return { pulled, account, there, changeThere, expectQuiet };
}

describe('rule 48: a record with transforms', () => {
  it.each([
    ['its answer shows it', true],
    ['only a read shows it', false],
  ])('is quiet after its push: %s', async (_what, showsPushed) => {
    const { account, expectQuiet } = await givenPushed(showsPushed);

    await expectQuiet();
    expect(account.pushes).toHaveLength(1);
  });

  it('takes edits of the app as ours, once', async () => {
    const { pulled, changeThere, expectQuiet } = await givenPushed();
    await pulled.sync('full');
    await changeThere({ born: '01.06.1990', rate: '40', tags: 'x; y; z', country: 'france' });

    const run = await pulled.sync('full');

    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsChanged: 1 });
    expect(await fieldsOf()).toEqual({
      ...FULL,
      born: '1990-06-01',
      rate: 40,
      tags: ['x', 'y', 'z'],
      country: 'FR',
    });
    await expectQuiet();
  });

  it('sends an edit in the notation of the app, and nothing for one that is the same there', async () => {
    const { account, there, expectQuiet } = await givenPushed();

    await edit({ email: 'ADA@example.org', rate: 38.41 });
    expect(account.pushes).toHaveLength(1);
    await edit({ country: 'DE', last: 'King' });

    expect(there()).toMatchObject({ country: 'Germany', full: 'Ada King', email: 'ada@example.org' });
    await expectQuiet();
  });

  it('fails at the field whose value does not fit, and sends nothing', async () => {
    const { pulled, account } = await givenPushed();

    await edit({ born: 'soon' });

    expect(await tenant.status(pulled.integrationId, 'c-1')).toBe('sync_failed');
    expect(account.pushes).toHaveLength(1);
  });
});

describe('rule 15: a transform that is added later', () => {
  it('reaches records that were pushed before, and keeps their values here', async () => {
    const { pulled, there, expectQuiet } = await givenPushed();
    await pulled.sync('full');
    const fields = MAPPING.fields.map((field) =>
      field.name === 'born'
        ? { ...field, transform: [{ type: 'date' as const, format: 'yyyy/MM/dd' }] }
        : field,
    );
    await environment.database.withTenant(tenant.tenantId, (work) =>
      changeIntegration(work, {
        integrationId: pulled.integrationId,
        change: { recordTypes: { contacts: { ...MAPPING, fields } } },
        by: 'person:ana',
      }),
    );
    await environment.dispatch();
    await environment.sleep(GRACE_MS * 3);

    expect(there()).toMatchObject({ born: '1990/05/17' });
    expect((await fieldsOf())?.['born']).toBe('1990-05-17');
    await expectQuiet();
  });
});

describe('rule 17: owners of single fields', () => {
  it('keeps the value of a field that Syncline owns, and takes that of a field that the app owns', async () => {
    const { pulled, there, changeThere } = await givenPushed();
    await pulled.sync('full');
    await changeThere({ grade: 9, badge: 'B7' });

    await pulled.sync('full');
    await environment.sleep(GRACE_MS * 2);
    expect(await fieldsOf()).toEqual({ ...FULL, badge: 'B7' });
    expect(await tenant.change('c-1', { badge: 'mine' }, PATCH)).toMatchObject({
      outcome: 'field_owned_by_third_party',
    });
    await edit({ rate: 1 });

    expect(there()).toMatchObject({ grade: 3, badge: 'B7', rate: '1,0' });
  });

  it('sends a field for creations once', async () => {
    const { account, there, expectQuiet } = await givenPushed();

    await edit({ role: 'admin' });
    expect(account.pushes).toHaveLength(1);
    await edit({ role: 'owner', grade: 4 });

    expect(account.pushes.at(-1)?.payload).not.toHaveProperty('role');
    expect(there()).toMatchObject({ role: 'user', grade: 4 });
    await expectQuiet();
  });
});
