/** COMPANY_SYNCHRONIZED on skipped time: when, how often, under which policy (rules.md 41, 42). */
import { Unavailable } from '../../../connectors/errors';
import { companyEvents } from '../../../db/sync-runs/company-sync';
import { toTypeId } from '../../../db/sql/ids';
import { changeTenant } from '../../../db/sync-runs/schedules/time-zone-change';
import type { CompanySynchronizedPolicy } from '../../../db/tables/tenants';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { eventsOf } from '../../support/clients/events';
import { CONTACTS, fill, CrmIntegration } from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;
const HOUR = 3_600_000;
const TWO = { contacts: CONTACTS, companies: CONTACTS };

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

const emittedEvents = async () => (await eventsOf(tenant)).filter(({ type }) => type.startsWith('COMPANY_'));
const types = async () => (await emittedEvents()).map(({ type }) => type);
const choose = (companySynchronizedPolicy: CompanySynchronizedPolicy) =>
  environment.database.withTenant(tenant.tenantId, (work) =>
    changeTenant(work, { companySynchronizedPolicy }),
  );
/** Linked, with both datasets there, one of which cannot be read for now. */
const stuck = async (pulled?: (account: CrmIntegration['account']) => Promise<void> | void) => {
  const link = await CrmIntegration.link(tenant, { recordTypes: TWO }, async (account) => {
    account.type('companies');
    await (pulled ?? fill(environment, 1))(account);
    account.beforePage = ({ recordType }) => {
      if (recordType === 'companies') throw new Unavailable('The list of companies is broken.', 500);
    };
  });
  await environment.sleep(10 * 60_000);
  return link;
};
const mend = async (pulled: CrmIntegration) => {
  pulled.account.beforePage = () => undefined;
  await pulled.settle();
};
const empty = (account: CrmIntegration['account']) => account.types.clear();

describe('rule 41: all datasets', () => {
  it('complete and one succeeded: emitted once, though others failed or cannot be read', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { ...TWO, unreadable: CONTACTS } },
      fill(environment, 1),
    );
    expect(await emittedEvents()).toEqual([
      {
        type: 'COMPANY_SYNCHRONIZED',
        data: {
          policy: 'all_datasets',
          integrations: [
            {
              integration_id: toTypeId('int', pulled.integrationId),
              datasets: [
                { record_type: 'companies', state: 'failed' },
                { record_type: 'contacts', state: 'succeeded' },
                { record_type: 'unreadable', state: 'not_supported' },
              ],
            },
          ],
        },
      },
    ]);
  });

  it('with one that is still retried: not emitted, though another succeeded long ago', async () => {
    const pulled = await stuck();
    expect((await pulled.dataset()).initialState).toBe('succeeded');
    expect(await types()).toEqual([]);
    await mend(pulled);
    expect(await types()).toEqual(['COMPANY_SYNCHRONIZED']);
  });

  it('that are retried later, or read every night: not emitted again', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, { recordTypes: TWO }, fill(environment, 1));
    pulled.account.type('companies');
    await pulled.sync('full');
    await pulled.sync('nightly');
    expect(await types()).toEqual(['COMPANY_SYNCHRONIZED']);
  });

  it('failed: emitted as failed once, and as synchronized when a later run succeeds', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, { recordTypes: TWO }, empty);
    expect(await emittedEvents()).toMatchObject([
      {
        type: 'COMPANY_SYNC_FAILED',
        data: { integrations: [{ datasets: [{ state: 'failed' }, { state: 'failed' }] }] },
      },
    ]);
    await pulled.sync('full');
    await CrmIntegration.onboarded(tenant, { recordTypes: TWO }, empty);
    expect(await types()).toEqual(['COMPANY_SYNC_FAILED']);

    pulled.account.type('contacts');
    await pulled.sync('full');
    expect(await types()).toEqual(['COMPANY_SYNC_FAILED', 'COMPANY_SYNCHRONIZED']);
  });

  it('of an integration linked meanwhile are required; those of one linked afterwards are not', async () => {
    const first = await stuck();
    const second = await stuck();
    await mend(first);
    expect(await types()).toEqual([]);
    await mend(second);
    const [event, ...more] = await emittedEvents();
    expect(event?.data['integrations']).toHaveLength(2);
    expect(more).toEqual([]);

    await CrmIntegration.onboarded(tenant, {}, fill(environment, 1));
    expect(await types()).toEqual(['COMPANY_SYNCHRONIZED']);
  });

  it('of an integration that is deleted meanwhile are not required', async () => {
    const first = await CrmIntegration.link(tenant, { isPaused: true });
    const second = await CrmIntegration.onboarded(tenant, {}, fill(environment, 1));
    expect(await types()).toEqual([]);
    await first.remove();
    expect(await emittedEvents()).toMatchObject([
      {
        type: 'COMPANY_SYNCHRONIZED',
        data: { integrations: [{ integration_id: toTypeId('int', second.integrationId) }] },
      },
    ]);
  });

  it('without any, because integrations only push or were deleted: not emitted', async () => {
    await tenant.integration();
    const pulled = await CrmIntegration.link(tenant, { isPaused: true });
    await pulled.remove();
    expect(await types()).toEqual([]);
  });

  it('that end in the same instant in three integrations: emitted once', async () => {
    const links = [await stuck(), await stuck(), await stuck()];
    const perLink = await Promise.all(
      links.map((link) =>
        link.inTenant(async (work) => {
          await work.trx
            .updateTable('syncDatasets')
            .set({ initialState: 'succeeded' })
            .where('integrationId', '=', link.integrationId)
            .where('recordType', '=', 'companies')
            .execute();
          return companyEvents(work);
        }),
      ),
    );
    expect(perLink.flat()).toMatchObject([
      { type: 'COMPANY_SYNCHRONIZED', data: { integrations: { length: 3 } } },
    ]);
  });
});

describe('rule 42: the first dataset', () => {
  it('is emitted at once under the deprecated policy, and nothing again at the end', async () => {
    await choose('first_dataset');
    const pulled = await stuck();
    expect(await emittedEvents()).toMatchObject([
      {
        type: 'COMPANY_SYNCHRONIZED',
        data: {
          policy: 'first_dataset',
          integrations: [{ datasets: [{ state: null }, { state: 'succeeded' }] }],
        },
      },
    ]);
    await mend(pulled);
    expect(await types()).toEqual(['COMPANY_SYNCHRONIZED']);
  });

  it('has to succeed: a failed one emits nothing', async () => {
    await choose('first_dataset');
    const pulled = await stuck(empty);
    expect(await types()).toEqual([]);
    pulled.account.type('companies');
    await mend(pulled);
    expect(await types()).toEqual(['COMPANY_SYNCHRONIZED']);
  });

  it('follows the policy chosen at linking, whatever is chosen meanwhile', async () => {
    const pinned = await CrmIntegration.link(tenant, { recordTypes: TWO, isPaused: true });
    await choose('first_dataset');
    expect((await pinned.integration()).companySynchronizedPolicy).toBe('all_datasets');
    await stuck();
    // The older one is linked under the policy that waits for all datasets.
    expect(await types()).toEqual([]);

    tenant = await environment.tenant();
    await choose('first_dataset');
    const early = await CrmIntegration.link(tenant, { recordTypes: TWO, isPaused: true }, async (account) => {
      account.type('companies');
      await fill(environment, 1)(account);
      account.beforePage = ({ recordType }) => {
        if (recordType === 'companies') throw new Unavailable('The list of companies is broken.', 500);
      };
    });
    await choose('all_datasets');
    await early.resume();
    await environment.sleep(HOUR);
    expect(await emittedEvents()).toMatchObject([
      { type: 'COMPANY_SYNCHRONIZED', data: { policy: 'first_dataset' } },
    ]);
  });
});
