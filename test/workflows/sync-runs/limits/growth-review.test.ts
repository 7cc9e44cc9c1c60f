/** Lists that suddenly hold many times their records, on skipped time (rules.md 60). */
import { BRAKE_DEFAULTS } from '../../../../domain/brakes/brake';
import { PushEnvironment, type TestTenant } from '../../../support/environments/push-environment';
import { CrmIntegration, fill } from '../../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

/** With a low threshold, so that a test needs few records. */
async function givenGrown(records: number): Promise<CrmIntegration> {
  const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
  const brake = { ...BRAKE_DEFAULTS.pull_grow, count: 20, share: 3 };
  await pulled.inTenant(({ trx }) =>
    trx
      .updateTable('integrations')
      .set({ typeSettings: JSON.stringify({ contacts: { brakes: { pull_grow: brake } } }) })
      .where('integrationId', '=', pulled.integrationId)
      .execute(),
  );
  await pulled.sync('nightly');
  await fill(environment, records)(pulled.account);
  return pulled;
}

const openAlerts = async (pulled: CrmIntegration) =>
  (await pulled.notifications('deletions_need_review')).filter(({ resolvedAt }) => resolvedAt === null)
    .length;

describe('rule 60: an app that suddenly has many times its records (X5)', () => {
  it('waits for approval, however often it is read', async () => {
    const pulled = await givenGrown(60);
    const run = await pulled.sync('hourly');
    const stored = (await pulled.held()).size;
    for (const kind of ['nightly', 'hourly', 'nightly'] as const) await pulled.sync(kind);

    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'failed',
      error: { code: 'growth_needs_review', message: expect.stringContaining('there were 5 before') },
    });
    expect(stored).toBeLessThanOrEqual(25);
    expect((await pulled.held()).size).toBeLessThanOrEqual(25);
    expect(await pulled.reviews()).toMatchObject([{ state: 'pending', kind: 'grow', recordsBefore: 5 }]);
    expect(await openAlerts(pulled)).toBe(1);
  });

  it('is read to its end once it is approved', async () => {
    const pulled = await givenGrown(60);
    await pulled.sync('nightly');
    await pulled.decideReview('approved');
    const run = await pulled.sync('full');

    expect(await pulled.job(run.syncRunId)).toMatchObject({ state: 'succeeded' });
    expect((await pulled.held()).size).toBe(60);
    expect(await openAlerts(pulled)).toBe(0);
  });

  it('waits again after it was discarded', async () => {
    const pulled = await givenGrown(60);
    await pulled.sync('nightly');
    await pulled.decideReview('discarded');
    await pulled.sync('nightly');

    expect((await pulled.held()).size).toBeLessThanOrEqual(25);
    expect((await pulled.reviews()).map(({ state }) => state)).toEqual(['discarded', 'pending']);
  });

  it('needs no approval any more once the list is mended', async () => {
    const pulled = await givenGrown(60);
    await pulled.sync('nightly');
    for (const id of [...pulled.account.held('contacts').keys()].slice(8))
      await pulled.account.remove('contacts', id);
    await pulled.sync('nightly');

    expect((await pulled.reviews()).filter(({ kind }) => kind === 'grow')).toMatchObject([
      { state: 'superseded' },
    ]);
  });

  it('needs no approval up to the threshold, nor for an initial load', async () => {
    const pulled = await givenGrown(25);
    const run = await pulled.sync('nightly');
    const other = await CrmIntegration.onboarded(await environment.tenant(), {}, fill(environment, 60));

    expect(await pulled.job(run.syncRunId)).toMatchObject({ state: 'succeeded', recordsNew: 20 });
    expect((await other.held()).size).toBe(60);
    expect(await pulled.reviews()).toEqual([]);
  });
});
