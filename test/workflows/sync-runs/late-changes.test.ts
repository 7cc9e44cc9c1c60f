/** Changes that arrive later than a newer one of the same record: rules.md 55, with pulls and overviews. */
import { OverviewEnvironment } from '../../support/environments/overview-environment';
import { givenPerson } from '../../support/environments/people';
import {
  GRACE_MS,
  MINUTE,
  PushEnvironment,
  type TestTenant,
} from '../../support/environments/push-environment';
import { BOTH_WAYS, fill, CrmIntegration } from '../../support/environments/crm-integration';

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

describe('rule 55: a late PATCH', () => {
  it('of one field applies although a pull has changed another field since then', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { contacts: BOTH_WAYS } },
      fill(environment, 1),
    );
    const externalId = await pulled.externalId('p000');
    const late = async (fields: Record<string, string>, occurredAt: Date) =>
      tenant.change(externalId, fields, { recordType: 'contacts', kind: 'patch', occurredAt });
    await environment.sleep(MINUTE);
    const beforePull = new Date(await environment.now());
    await environment.sleep(MINUTE);
    await pulled.account.put('contacts', 'p000', { name: 'Remote', email: 'p000@example.org' });
    await pulled.sync('full');

    const ofOther = await late({ email: 'here@example.org' }, beforePull);
    const ofPulled = await late({ name: 'old' }, beforePull);

    expect(ofOther).toMatchObject({ outcome: 'accepted', staleFields: [] });
    expect(ofPulled).toMatchObject({ outcome: 'stale', staleFields: ['name'] });
    await environment.sleep(GRACE_MS + MINUTE);
    expect(pulled.account.held('contacts').get('p000')).toMatchObject({
      name: 'Remote',
      email: 'here@example.org',
    });
  });

  it('with a version of the caller counts as a change since the review of an overview', async () => {
    const integrationId = await tenant.integration();
    await tenant.change('e1', { name: 'A', email: 'a@example.org' }, { version: 1 });
    await tenant.change('e2', { name: 'A', email: 'a@example.org' }, { version: 1 });
    await environment.sleep(GRACE_MS + MINUTE);
    for (const externalId of ['e1', 'e2'])
      await tenant.change(externalId, { name: 'B' }, { kind: 'patch', version: 3 });
    const { personId } = await givenPerson(environment.database, tenant.tenantId, { name: 'Ana' });
    const overviews = new OverviewEnvironment(tenant, integrationId, { requestedBy: 'person:Ana', personId });
    const overviewId = await overviews.ready();
    expect(await overviews.items(overviewId)).toHaveLength(2);

    const late = await tenant.change('e2', { email: 'b@example.org' }, { kind: 'patch', version: 2 });
    const run = await overviews.synced(overviewId);

    expect(late).toMatchObject({ outcome: 'accepted', version: 3 });
    expect(await overviews.skippedRecords(run.syncRunId)).toEqual(['drifted e2']);
    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
    expect(await tenant.status(integrationId, 'e2')).toBe('sync_pending');
  });
});
