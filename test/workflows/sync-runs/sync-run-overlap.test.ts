/** Changes that become visible later than they were made (rules.md 52). */
import { changeIntegration } from '../../../db/sync-runs/integration-lifecycle';
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

/** A change that the third party shows only now, made so long before the last run. */
async function appear(pulled: CrmIntegration, id: string, minutesBefore: number): Promise<void> {
  const { watermark } = await pulled.dataset();
  await pulled.account.put('contacts', id, { name: 'late', email: `${id}@example.org` });
  const record = pulled.account.type('contacts').get(id);
  if (record !== undefined) record.modifiedAt = Number(watermark) - minutesBefore * MINUTE;
}

/** Linked, and read by an incremental run a moment ago. */
async function linked(): Promise<CrmIntegration> {
  const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
  await environment.sleep(10 * MINUTE);
  await pulled.sync('incremental');
  return pulled;
}

/** The ids of the records whose change was read. */
const changed = async (pulled: CrmIntegration): Promise<string[]> =>
  [...(await pulled.held())].flatMap(([id, { fields }]) => (fields['name'] === 'late' ? [id] : []));
const learned = async (pulled: CrmIntegration): Promise<number | null | undefined> =>
  (await pulled.dataset()).learnedOverlapMs;

describe('rule 52, C2: a change that becomes visible late', () => {
  it('is read by incremental runs within the overlap of the record type', async () => {
    const pulled = await linked();
    await pulled.inTenant((work) =>
      changeIntegration(work, {
        integrationId: pulled.integrationId,
        change: { typeSettings: { contacts: { overlapMinutes: 60 } } },
      }),
    );
    await appear(pulled, 'p000', 50);
    await appear(pulled, 'p001', 70);

    await pulled.sync('incremental');

    expect(await changed(pulled)).toEqual(['p000']);
  });

  it('makes the overlap longer, once a full run has found it', async () => {
    const pulled = await linked();
    await appear(pulled, 'p000', 50);
    await pulled.sync('incremental');
    const missed = await changed(pulled);
    await appear(pulled, 'p000', 50);
    await pulled.sync('full');
    // The clock of this environment may move on by years.
    await pulled.inTenant(({ trx }) =>
      trx
        .updateTable('syncDatasets')
        .set({ learnedOverlapAt: new Date('2200-01-01') })
        .execute(),
    );
    await appear(pulled, 'p001', 70);
    await appear(pulled, 'p002', 80);
    await pulled.sync('incremental');

    expect(missed).toEqual([]);
    expect(await changed(pulled)).toEqual(['p000', 'p001']);
    expect(await learned(pulled)).toBe(105 * MINUTE);
  });

  it('teaches nothing if it is older than a day, or if a new mapping reads everything again', async () => {
    const pulled = await linked();
    await appear(pulled, 'p000', 25 * 60);
    await pulled.sync('full');
    const ofOld = await learned(pulled);
    const fields = [...CONTACTS.fields, { name: 'note', to: '/internal' }];
    await pulled.inTenant((work) =>
      changeIntegration(work, {
        integrationId: pulled.integrationId,
        change: { recordTypes: { contacts: { ...CONTACTS, fields } } },
      }),
    );
    await pulled.settle();

    expect([ofOld, await learned(pulled)]).toEqual([null, null]);
  });
});
