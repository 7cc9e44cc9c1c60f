/** What is only pushed is compared with the third party every night, on skipped time (rules.md 54). */
import { compareEverything } from '../../../db/compare-everything';
import { findIntegration } from '../../../db/integrations/integrations';
import { listDrifts } from '../../../db/verify/list-drifts';
import { listSyncJobs } from '../../../db/pull/job-rows';
import { markVerified } from '../../../db/verify/unverified';
import { listSyncStatuses } from '../../../db/sync-runs/sync-status-log';
import type { JsonObject } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import type { TypeSettingsRow } from '../../../domain/records/record-type-settings';
import { CONTACTS, CrmIntegration } from '../../support/environments/crm-integration';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';

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

const PUSHED: RecordTypeMapping = { ...CONTACTS, direction: 'push' };

/** An integration that only pushes, with these records pushed. */
async function givenPushed(records: Record<string, JsonObject>): Promise<CrmIntegration> {
  const pushed = await CrmIntegration.link(tenant, { recordTypes: { contacts: PUSHED }, initialPush: 'all' });
  for (const [externalId, fields] of Object.entries(records))
    await tenant.change(externalId, fields, { recordType: 'contacts' });
  await environment.sleep(GRACE_MS * 2);
  expect(pushed.account.pushes).toHaveLength(Object.keys(records).length);
  await environment.sleep(60_000);
  return pushed;
}

const driftsOf = async ({ integrationId }: CrmIntegration) =>
  (
    await environment.database.withTenant(tenant.tenantId, (work) =>
      listDrifts(work, { integrationId, limit: 100 }),
    )
  ).drifts.map(({ externalId, place, expected, found }) => ({ externalId, place, expected, found }));

const ADA = { name: 'Ada', email: 'ada@example.org' };
const BOB = { name: 'Bob', email: 'bob@example.org' };
const idOf = (pushed: CrmIntegration, name: string): string =>
  [...pushed.account.held('contacts')].find(([, fields]) => fields['name'] === name)?.[0] ?? '';

const setSettings = ({ integrationId }: CrmIntegration, contacts: TypeSettingsRow) =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx
      .updateTable('integrations')
      .set({ typeSettings: JSON.stringify({ contacts }) })
      .where('integrationId', '=', integrationId)
      .execute(),
  );

describe('rule 54: the nightly pass verifies what is only pushed', () => {
  it('a value that was changed there is listed until it is as pushed again', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    const run = await pushed.sync('nightly');
    expect(run.state).toBe('succeeded');
    expect(await driftsOf(pushed)).toEqual([]);

    const ada = idOf(pushed, 'Ada');
    await pushed.account.put('contacts', ada, { ...ADA, email: 'changed@example.org' });
    const found = await pushed.sync('nightly');
    expect(await pushed.job(found.syncRunId, 'verify:contacts')).toMatchObject({
      state: 'succeeded',
      recordsRead: 2,
      recordsUnchanged: 2,
    });
    const drift = { externalId: 'c-1', place: 'email', expected: ADA.email, found: 'changed@example.org' };
    expect(await driftsOf(pushed)).toEqual([drift]);
    expect(pushed.account.pushes).toHaveLength(2);

    await pushed.account.put('contacts', ada, ADA);
    await pushed.sync('nightly');
    expect(await driftsOf(pushed)).toEqual([]);
  });

  it('with `on_drift: repair` the value of Syncline is pushed again', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    await setSettings(pushed, { onDrift: 'repair' });
    const ada = idOf(pushed, 'Ada');
    await pushed.account.put('contacts', ada, { ...ADA, email: 'changed@example.org' });
    await pushed.sync('nightly');
    await environment.sleep(GRACE_MS);
    expect(pushed.account.held('contacts').get(ada)).toEqual(ADA);
    expect(pushed.account.pushes).toHaveLength(3);
    expect(await driftsOf(pushed)).toEqual([]);
    await environment.sleep(60_000);
    await pushed.sync('nightly');
    expect(await driftsOf(pushed)).toEqual([]);
    expect(pushed.account.pushes).toHaveLength(3);
  });

  it('with `on_drift: accept` the value there is taken over, and nothing is changed back', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    await setSettings(pushed, { onDrift: 'accept' });
    const ada = idOf(pushed, 'Ada');
    await pushed.account.put('contacts', ada, { ...ADA, email: 'changed@example.org' });
    await pushed.sync('nightly');
    await environment.sleep(GRACE_MS * 2);
    await pushed.sync('nightly');

    expect(pushed.account.held('contacts').get(ada)).toEqual({ ...ADA, email: 'changed@example.org' });
    expect(await driftsOf(pushed)).toEqual([]);
    const record = await pushed.inTenant(({ trx }) =>
      trx.selectFrom('records').select('fields').where('externalId', '=', 'c-1').executeTakeFirst(),
    );
    expect(record?.fields).toEqual({ ...ADA, email: 'changed@example.org' });
  });

  it('repairs above the safety threshold wait for approval', async () => {
    const pushed = await givenPushed({ 'c-1': ADA });
    const brakes = { push_overwrite: { count: 0, share: 0, windowHours: 24 } };
    await setSettings(pushed, { onDrift: 'repair', brakes });
    await pushed.account.put('contacts', idOf(pushed, 'Ada'), { ...ADA, email: 'changed@example.org' });
    await pushed.sync('nightly');
    await environment.sleep(GRACE_MS);
    expect(pushed.account.pushes).toHaveLength(1);
    expect(await driftsOf(pushed)).toHaveLength(1);
  });

  it('a record that is missing there is listed and counted in Sync Status', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    await pushed.account.remove('contacts', idOf(pushed, 'Bob'));
    const run = await pushed.sync('nightly');
    expect(await driftsOf(pushed)).toEqual([{ externalId: 'c-2', place: '', expected: null, found: null }]);
    const [status] = await pushed.inTenant((work) =>
      listSyncStatuses(work, { integrationId: pushed.integrationId, limit: 1 }),
    );
    expect(status).toMatchObject({
      syncRunId: run.syncRunId,
      totalDifference: 1,
      breakdown: [{ record_type: 'contacts', syncline: 2, app: 1, difference: 1 }],
    });
  });

  it('with `on_drift: repair` a record that is missing there is created again', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    await setSettings(pushed, { onDrift: 'repair' });
    await pushed.account.remove('contacts', idOf(pushed, 'Bob'));
    await pushed.sync('nightly');
    await environment.sleep(GRACE_MS);

    expect(pushed.account.pushes.map(({ externalId }) => externalId).slice(2)).toEqual(['c-2']);
    expect(pushed.account.held('contacts').get(idOf(pushed, 'Bob'))).toEqual(BOB);
    await environment.sleep(60_000);
    await pushed.sync('nightly');
    expect(await driftsOf(pushed)).toEqual([]);
    expect(pushed.account.pushes).toHaveLength(3);
  });

  it('a record that is listed and cannot be read is not missing there: it is reported, and not created again', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    await setSettings(pushed, { onDrift: 'repair' });
    const unreadable = { remoteId: idOf(pushed, 'Bob'), code: 'too_large', message: 'Bob is too large.' };
    pushed.account.distort = (page) => ({
      ...page,
      records: page.records.filter(({ remoteId }) => remoteId !== unreadable.remoteId),
      unreadable: [unreadable],
    });
    const { syncRunId } = await pushed.sync('nightly');
    await environment.sleep(GRACE_MS);

    expect(await driftsOf(pushed)).toEqual([]);
    expect(pushed.account.pushes).toHaveLength(2);
    const job = await pushed.job(syncRunId, 'verify:contacts');
    expect(job).toMatchObject({ recordsRead: 2, recordsUnchanged: 1, recordsFailed: 1 });
    expect(await pushed.errors(syncRunId)).toMatchObject([unreadable]);
  });

  it('no record is missing where one is listed without an id, or the account was replaced meanwhile', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    await setSettings(pushed, { onDrift: 'repair' });
    const nothing = async (run: Promise<{ syncRunId: string }>) => {
      const { syncRunId } = await run;
      await environment.sleep(GRACE_MS);
      expect(await pushed.job(syncRunId, 'verify:contacts')).toMatchObject({ state: 'succeeded' });
      expect(await driftsOf(pushed)).toEqual([]);
      expect(pushed.account.pushes).toHaveLength(2);
    };
    pushed.account.distort = (page) => ({
      ...page,
      records: page.records.slice(1),
      unreadable: [{ remoteId: null, code: 'no_id', message: 'An item has no id.' }],
    });
    await nothing(pushed.sync('nightly'));

    pushed.account.distort = (page) => ({ ...page, records: page.records.slice(1) });
    pushed.account.beforePage = () => pushed.newCredentials();
    await nothing(pushed.sync('nightly'));
  });

  it('more missing records than the safety threshold are created again after approval only', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    const brakes = { push_create: { count: 0, share: 0, windowHours: 24 } };
    await setSettings(pushed, { onDrift: 'repair', brakes });
    await pushed.account.remove('contacts', idOf(pushed, 'Bob'));
    await pushed.sync('nightly');
    await environment.sleep(GRACE_MS);

    expect(pushed.account.pushes).toHaveLength(2);
    expect(await tenant.status(pushed.integrationId, 'c-2')).toBe('sync_pending');
  });

  it('with `on_drift: accept` a record that is missing there stays here, and an edit creates it', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    await setSettings(pushed, { onDrift: 'accept' });
    await pushed.account.remove('contacts', idOf(pushed, 'Bob'));
    await pushed.sync('nightly');
    await environment.sleep(GRACE_MS * 2);
    expect(await driftsOf(pushed)).toEqual([]);
    expect(pushed.account.pushes).toHaveLength(2);

    await tenant.change('c-2', { ...BOB, name: 'Robert' }, { recordType: 'contacts' });
    await environment.sleep(GRACE_MS * 2);
    expect([...pushed.account.held('contacts').values()]).toEqual([ADA, { ...BOB, name: 'Robert' }]);
  });

  it('admins are notified once of new drifts, until none is left', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    const notified = () =>
      pushed.inTenant(async ({ trx }) => {
        const query = trx.selectFrom('notifications').select(['detail', 'resolvedAt']);
        return query.where('kind', '=', 'drift_found').execute();
      });
    const ada = idOf(pushed, 'Ada');
    await pushed.account.put('contacts', ada, { ...ADA, email: 'changed@example.org', name: 'Changed' });
    await pushed.sync('nightly');
    await pushed.sync('nightly');
    const open = { detail: '1 record of the type contacts.', resolvedAt: null };
    expect(await notified()).toEqual([open]);

    await pushed.account.put('contacts', ada, ADA);
    await pushed.sync('nightly');
    expect(await notified()).toEqual([{ ...open, resolvedAt: expect.any(Date) }]);
  });

  it('records that wait for a push are not compared', async () => {
    const pushed = await givenPushed({ 'c-1': ADA });
    await tenant.change('c-1', { ...ADA, name: 'Ada L.' }, { recordType: 'contacts' });
    await pushed.sync('nightly');
    expect(await driftsOf(pushed)).toEqual([]);
  });

  it('a verification is no dataset: it emits no event and starts no onboarding', async () => {
    const pushed = await givenPushed({ 'c-1': ADA });
    const run = await pushed.sync('nightly');
    const jobs = await pushed.inTenant((work) => listSyncJobs(work, run));
    expect(jobs.map(({ recordType }) => recordType)).toEqual(['', 'verify:contacts']);
    const { events, integration } = await pushed.inTenant(async ({ trx }) => ({
      events: await trx
        .selectFrom('events')
        .select('type')
        .where('type', 'in', ['SYNC_COMPLETE', 'FIRST_SYNC_COMPLETE', 'COMPANY_SYNCHRONIZED'])
        .execute(),
      integration: await trx
        .selectFrom('integrations')
        .select(['onboardedAt', 'firstSyncCompletedAt', 'onboardingStartedAt'])
        .where('integrationId', '=', pushed.integrationId)
        .executeTakeFirst(),
    }));
    expect(events).toEqual([]);
    expect(integration).toEqual({ onboardedAt: null, firstSyncCompletedAt: null, onboardingStartedAt: null });
  });
});

describe('rule 54: records of a restored database', () => {
  const unverifiedOf = async (pushed: CrmIntegration): Promise<string[]> =>
    Object.keys((await pushed.inTenant((work) => findIntegration(work, pushed)))?.unverifiedTypes ?? {});

  it('X12: are unverified until a run that started after the restore has compared them', async () => {
    const pushed = await givenPushed({ 'c-1': ADA, 'c-2': BOB });
    const ada = idOf(pushed, 'Ada');
    await pushed.account.put('contacts', ada, { ...ADA, email: 'newer@example.org' });
    const startedAt = await pushed.inTenant(({ now }) => Promise.resolve(new Date(now.getTime() - 1)));
    expect(await compareEverything(environment.database)).toBeGreaterThan(0);
    expect(await unverifiedOf(pushed)).toEqual(['contacts']);

    const before = { integrationId: pushed.integrationId, recordType: 'contacts', startedAt };
    await pushed.inTenant((work) => markVerified(work, before));
    expect(await unverifiedOf(pushed)).toEqual(['contacts']);

    await pushed.settle();
    expect(await unverifiedOf(pushed)).toEqual([]);
    const drift = { externalId: 'c-1', place: 'email', expected: ADA.email, found: 'newer@example.org' };
    expect(await driftsOf(pushed)).toEqual([drift]);
  });
});
