/**
 * Runs while something about their integration changes: its mapping, its pauses, the workflow itself
 * (rules.md 11, 15, 30, R9).
 */
import { RateLimited, Unavailable } from '../../../connectors/errors';
import { syncRunWorkflowId } from '../../../contract/sync-run';
import { changeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { enqueueSyncRuns } from '../../../db/sync-runs/sync-run-requests';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
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

const MINUTE = 60_000;
const changeMapping = (pulled: CrmIntegration, recordTypes: Record<string, RecordTypeMapping>) =>
  pulled.inTenant((work) =>
    changeIntegration(work, { integrationId: pulled.integrationId, change: { recordTypes } }),
  );

/** Does something once, while the page after this cursor is on its way. */
function atPage({ account }: CrmIntegration, cursor: string | null, act: () => Promise<unknown>): void {
  account.beforePage = async (request) => {
    if (request.cursor !== cursor) return;
    account.beforePage = () => undefined;
    await act();
  };
}

describe('rule 51: a run that follows a token', () => {
  it('keeps the former token until a changed record that could not be read is read', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, async (account) => {
      account.abilities = { ...account.abilities, followsSyncToken: true };
      await fill(environment, 3)(account);
    });
    await pulled.account.put('contacts', 'p001', { name: 'Edited there' });
    pulled.account.distort = (page) => ({
      ...page,
      records: [],
      unreadable: [{ remoteId: 'p001', code: 'detail_missing', message: 'p001 is not found.' }],
    });
    await pulled.sync('incremental');
    const edited = async () => (await pulled.held()).get('p001')?.fields['name'];
    expect(await edited()).not.toBe('Edited there');

    pulled.account.distort = (page) => page;
    await pulled.sync('incremental');

    expect(await edited()).toBe('Edited there');
  });
});

describe('rule 15: a mapping that is edited while everything is read', () => {
  it('is followed by a run that reads under the new one', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 7));
    const withMore = { ...CONTACTS, fields: [...CONTACTS.fields, { name: 'note', to: '/internal' }] };
    atPage(pulled, 'p002', () => changeMapping(pulled, { contacts: withMore }));

    await pulled.sync('full');

    expect([...(await pulled.held()).values()].map(({ fields }) => fields['note'])).toEqual(
      Array.from({ length: 7 }, () => 'internal only'),
    );
  });

  it('ends the job of a record type that is no longer read, without a failure', async () => {
    const two = { contacts: CONTACTS, companies: CONTACTS };
    const pulled = await CrmIntegration.onboarded(tenant, { recordTypes: two }, async (account) => {
      await account.put('companies', 'c1', { name: 'Acme' });
      await fill(environment, 7)(account);
    });
    const { syncRunId } = await pulled.request('full');
    await changeMapping(pulled, { contacts: CONTACTS });
    await pulled.settle();

    expect(await pulled.run(syncRunId)).toMatchObject({ state: 'succeeded', failedJobs: 0 });
  });
});

describe('rule 31: a list that is replaced during a pass', () => {
  const replacing: [string, (pulled: CrmIntegration) => Promise<unknown>][] = [
    [
      'by configuration',
      (pulled) =>
        pulled.inTenant((work) =>
          changeIntegration(work, {
            integrationId: pulled.integrationId,
            change: { config: { owner: `other of ${tenant.tenantId}` } },
          }),
        ),
    ],
    ['by credentials', (pulled) => pulled.newCredentials()],
  ];

  it.each(replacing)(
    '%s: an incremental pass does not move its watermark past the new list',
    async (_, change) => {
      const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 9));
      await environment.sleep(10 * MINUTE);
      for (const [id, fields] of pulled.account.held('contacts'))
        await pulled.account.put('contacts', id, { ...fields, name: 'changed' });
      const { watermark } = await pulled.dataset();
      atPage(pulled, 'p002', () => change(pulled));

      const run = await pulled.sync('incremental');

      expect(await pulled.job(run.syncRunId)).toMatchObject({
        state: 'succeeded',
        deletesWithheld: null,
        watermarkKept: 'list_changed',
      });
      expect((await pulled.dataset()).watermark).toEqual(watermark);
    },
  );

  it.each(replacing)(
    '%s: a pass that read parts of both lists deletes nothing, and the next one runs earlier',
    async (_, change) => {
      const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 15));
      await environment.sleep(10 * MINUTE);
      const other = environment.crm.account(`other of ${tenant.tenantId}`);
      for (const id of pulled.account.held('contacts').keys())
        await other.put('contacts', `a${id}`, { name: id });
      await pulled.account.remove('contacts', 'p014');
      atPage(pulled, 'p002', async () => {
        await change(pulled);
        throw new Unavailable('Bad gateway.', 502);
      });

      const run = await pulled.sync('full');

      expect(await pulled.job(run.syncRunId)).toMatchObject({
        state: 'succeeded',
        deletesWithheld: 'list_changed',
        recordsDeleted: 0,
      });
      expect((await pulled.runs()).map(({ kind }) => kind)).toEqual(['onboarding', 'full', 'drift_repair']);
    },
  );
});

describe('R9: one dataset that is rate limited', () => {
  it('delays the others of its run too', async () => {
    const types = ['a', 'b', 'c'];
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: Object.fromEntries(types.map((type) => [type, CONTACTS])) },
      async (account) => {
        account.pageSize = 1;
        for (const type of types)
          for (let id = 0; id < 20; id += 1)
            await account.put(type, `r${String(id).padStart(2, '0')}`, { name: 'x' });
      },
    );
    let requestedAt = 0;
    pulled.account.reads.length = 0;
    pulled.account.beforePage = async ({ recordType, cursor }) => {
      if (recordType !== 'a' || cursor !== 'r01' || requestedAt > 0) return;
      requestedAt = await environment.now();
      throw new RateLimited('Slow down.', 30 * MINUTE);
    };

    const run = await pulled.sync('full');

    const meanwhile = pulled.account.reads.filter(
      ({ at }) => at > requestedAt + 5_000 && at < requestedAt + 30 * MINUTE,
    );
    expect(meanwhile).toEqual([]);
    expect(run.state).toBe('succeeded');
  });
});

describe('a job that waits to try again', () => {
  it('is not retried earlier because of other signals', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    let isDown = true;
    pulled.account.beforePage = () => {
      if (isDown) throw new Unavailable('Not now.', 500);
    };
    pulled.account.reads.length = 0;
    const { syncRunId } = await pulled.request('full');
    await environment.sleep(20_000);
    const before = pulled.account.reads.length;
    for (let signal = 0; signal < 10; signal += 1) {
      await pulled.inTenant((work) => enqueueSyncRuns(work, pulled));
      await environment.dispatch();
    }
    await environment.sleep(100);

    expect(pulled.account.reads.length - before).toBeLessThanOrEqual(1);
    isDown = false;
    await pulled.settle();
    expect((await pulled.run(syncRunId)).state).toBe('succeeded');
  });
});

describe('a workflow that is canceled in Temporal (S27)', () => {
  it('ends, and the next signal continues its run', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    let isDown = true;
    pulled.account.beforePage = () => {
      if (isDown) throw new Unavailable('Not now.', 500);
    };
    const { syncRunId } = await pulled.request('full');
    await environment.sleep(20_000);
    const handle = environment.env.client.workflow.getHandle(syncRunWorkflowId(pulled));
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow(/cancel/i);
    isDown = false;

    await pulled.inTenant((work) => enqueueSyncRuns(work, pulled));
    await pulled.settle();

    expect((await pulled.run(syncRunId)).state).toBe('succeeded');
  });
});
