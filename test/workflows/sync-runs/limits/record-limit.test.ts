/** Lists of third parties that hold ever more records, on skipped time (rules.md 60). */
import { PULLING_LIMITS } from '../../../../activities/dependencies';
import type { ReadPage } from '../../../../connectors/connector';
import { PushEnvironment, type TestTenant } from '../../../support/environments/push-environment';
import { CONTACTS, CrmIntegration, fill } from '../../../support/environments/crm-integration';

const LIMIT = 40;
const TOO_LARGE = 'x'.repeat(300_000);
let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create({ pulling: { ...PULLING_LIMITS, recordsPerType: LIMIT } });
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

/** Every page holds the records of the account under ids that are new. */
function withNewIds(page: ReadPage, call: number): ReadPage {
  const records = page.records.map((record) => ({ ...record, remoteId: `${record.remoteId}-${call}` }));
  return { ...page, records, nextCursor: `c${call}` };
}

const both = { recordTypes: { contacts: CONTACTS, companies: CONTACTS } };

describe('rule 60: a list that never ends with ids that are always new (X5)', () => {
  it('is stored up to the limit, and other record types and integrations go on', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, both, async (account) => {
      await fill(environment, 7)(account);
      account.type('companies');
    });
    const other = await CrmIntegration.onboarded(await environment.tenant(), {}, fill(environment, 5));
    let call = 0;
    pulled.account.distort = (page, { recordType }) =>
      recordType === 'contacts' ? withNewIds(page, (call += 1)) : page;
    const run = await pulled.sync('nightly');

    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'failed',
      recordsDeleted: 0,
      error: { code: 'too_many_records', message: expect.stringContaining(`the limit of ${LIMIT}`) },
    });
    expect(await pulled.job(run.syncRunId, 'companies')).toMatchObject({ state: 'succeeded' });
    const { size } = await pulled.held();
    expect(size).toBeGreaterThan(7);
    expect(size).toBeLessThanOrEqual(LIMIT);
    expect((await other.sync('nightly')).state).toBe('succeeded');
  });

  it('is stored up to the limit by the initial load, too', async () => {
    let call = 0;
    const pulled = await CrmIntegration.link(tenant, {}, async (account) => {
      await fill(environment, 7)(account);
      account.distort = (page) => withNewIds(page, (call += 1));
    });
    await pulled.settle();
    const [run] = await pulled.runs();

    expect(await pulled.job(run?.syncRunId as string)).toMatchObject({
      state: 'failed',
      error: { code: 'too_many_records', origin: 'us' },
    });
    expect((await pulled.held()).size).toBeLessThanOrEqual(LIMIT);
    expect(call).toBeLessThan(LIMIT);
  });

  it('ends as well if two integrations fill the type together', async () => {
    const first = await CrmIntegration.onboarded(tenant, {}, fill(environment, 25));
    const second = await CrmIntegration.onboarded(tenant, {}, fill(environment, 10));
    await fill(environment, 30)(second.account);
    const run = await second.sync('nightly');

    expect(await second.job(run.syncRunId)).toMatchObject({ error: { code: 'too_many_records' } });
    expect((await first.held()).size + (await second.held()).size).toBeLessThanOrEqual(LIMIT);
    expect((await first.sync('nightly')).state).toBe('succeeded');
  });

  it('ends as well if none of its records can be stored', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 7));
    let call = 0;
    pulled.account.distort = (page) => {
      const { records, nextCursor } = withNewIds(page, (call += 1));
      return {
        ...page,
        nextCursor,
        records: records.map((record) => ({ ...record, fields: { ...record.fields, name: TOO_LARGE } })),
      };
    };
    const run = await pulled.sync('nightly');

    expect(await pulled.job(run.syncRunId)).toMatchObject({ error: { code: 'too_many_records' } });
    expect((await pulled.held()).size).toBe(7);
    expect(call).toBeLessThan(LIMIT);
  });
});
