/** Pull sync runs on skipped time: rules.md 28 to 36. */
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { CONTACTS, CrmIntegration } from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant({ contactEmail: 'ana@example.org' });
});

const people = (count: number) =>
  Array.from({ length: count }, (_, index) => `p${String(index).padStart(3, '0')}`);
const fill = (count: number) => async (account: CrmIntegration['account']) => {
  for (const id of people(count))
    await account.put('contacts', id, { name: id, email: `${id}@example.org`, internal: 'internal only' });
  await environment.sleep(600_000);
};

describe('rule 33: onboarding', () => {
  it('reads everything, page by page, and releases the onboarding lock', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(10));

    expect(Object.keys(await pulled.names())).toEqual(people(10));
    expect((await pulled.held()).get('p003')).toEqual({
      fields: { name: 'p003', email: 'p003@example.org' },
      version: 1,
    });
    const [run] = await pulled.runs();
    expect(run).toMatchObject({
      kind: 'onboarding',
      state: 'succeeded',
      successfulJobs: 2,
      failedJobs: 0,
      isSyncFinished: true,
    });
    expect(await pulled.job(run?.syncRunId ?? '')).toMatchObject({
      recordsRead: 10,
      recordsNew: 10,
      pages: 4,
    });
    expect((await pulled.integration()).onboardedAt).not.toBeNull();
  });

  it('refuses changes until its end', async () => {
    await CrmIntegration.link(tenant, {}, fill(1));
    const [refused] = await tenant.accept({
      externalId: 'c-1',
      recordType: 'contacts',
      fields: { name: 'Ada' },
    });
    const [other] = await tenant.accept({
      externalId: 'e-1',
      recordType: 'employees',
      fields: { name: 'Ada' },
    });

    expect(refused?.outcome).toBe('onboarding_in_progress');
    expect(other?.outcome).toBe('accepted');
  });
});

describe('rule 28: the scope of a run', () => {
  it('reads what was modified since the last successful watermark, and nothing else', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(7));
    await environment.sleep(3_600_000);
    await pulled.account.put('contacts', 'p002', { name: 'Grace' });
    pulled.account.reads.length = 0;

    const run = await pulled.sync('hourly');

    expect(await pulled.names()).toMatchObject({ p002: 'Grace', p003: 'p003' });
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      recordsRead: 1,
      recordsChanged: 1,
      recordsNew: 0,
    });
    expect(pulled.account.reads).toHaveLength(1);
  });

  it('deletes missing records in a full pass, and not in an incremental one', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(7));
    await environment.sleep(3_600_000);
    await pulled.account.remove('contacts', 'p004');
    const last = await pulled.sync('last_day');
    expect(await pulled.job(last.syncRunId)).toMatchObject({ recordsDeleted: 0 });

    await pulled.sync('nightly');

    expect(Object.keys(await pulled.names())).toEqual(people(7).filter((id) => id !== 'p004'));
  });
});

describe('rule 17: both ways', () => {
  it('applies remote changes, sends local ones, and does not treat its own push as a change', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { contacts: { ...CONTACTS, direction: 'both' } }, initialPush: 'all' },
      fill(3),
    );
    const externalId = await externalIdOf(pulled, 'p001');
    await tenant.accept({
      externalId,
      recordType: 'contacts',
      kind: 'patch',
      fields: { email: 'new@example.org' },
    });
    await pulled.account.put('contacts', 'p001', { name: 'Renamed', email: 'p001@example.org' });

    const pull = await pulled.sync('incremental');
    expect(await pulled.job(pull.syncRunId)).toMatchObject({ recordsChanged: 1 });
    expect((await pulled.held()).get('p001')?.fields).toEqual({ name: 'Renamed', email: 'new@example.org' });

    await environment.sleep(600_000);
    expect(pulled.account.held('contacts').get('p001')).toMatchObject({
      name: 'Renamed',
      email: 'new@example.org',
    });
    const echo = await pulled.sync('incremental');
    expect(await pulled.job(echo.syncRunId)).toMatchObject({ recordsChanged: 0, recordsNew: 0 });
  });
});

async function externalIdOf(pulled: CrmIntegration, remoteId: string): Promise<string> {
  return pulled.inTenant(async ({ trx }) => {
    const row = await trx
      .selectFrom('recordLinks as link')
      .innerJoin('records as record', 'record.recordId', 'link.recordId')
      .select('record.externalId')
      .where('link.remoteId', '=', remoteId)
      .where('link.integrationId', '=', pulled.integrationId)
      .executeTakeFirstOrThrow();
    return row.externalId;
  });
}
