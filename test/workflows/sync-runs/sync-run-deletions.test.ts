/**
 * Deletion by absence, the safety threshold, and records that come back, on skipped time (rules.md 13, 31).
 */
import { Unavailable } from '../../../connectors/errors';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { until } from '../../support/until';
import {
  BOTH_WAYS,
  CONTACTS,
  fill,
  people,
  CrmIntegration,
} from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

const linked = async (count: number, settings: Parameters<typeof CrmIntegration.link>[1] = {}) => {
  const pulled = await CrmIntegration.onboarded(tenant, settings, async (account) => {
    for (const type of Object.keys(settings.recordTypes ?? {})) account.type(type);
    await fill(environment, count)(account);
  });
  await environment.sleep(600_000);
  return pulled;
};
const removeSome = async ({ account }: CrmIntegration, count: number) => {
  for (const id of people(count)) await account.remove('contacts', id);
};
const openAlerts = async (pulled: CrmIntegration) =>
  (await pulled.notifications('deletions_need_review')).filter(({ resolvedAt }) => resolvedAt === null)
    .length;

/** Sets a safety threshold. Skipped time can jump by years, so the window is long unless it is tested. */
const setThreshold = (
  pulled: CrmIntegration,
  kind: 'pull_delete' | 'pull_empty',
  brake = { count: 20, share: 0.1, windowHours: 100_000 },
) =>
  pulled.inTenant(({ trx }) =>
    trx
      .updateTable('integrations')
      .set({ typeSettings: JSON.stringify({ contacts: { brakes: { [kind]: brake } } }) })
      .where('integrationId', '=', pulled.integrationId)
      .execute(),
  );

describe('rule 31: a missing record', () => {
  it('is deleted softly after a full pass, with its link', async () => {
    const pulled = await linked(5);
    const externalId = await pulled.externalId('p001');
    await pulled.account.remove('contacts', 'p001');
    await pulled.sync('nightly');
    const row = await pulled.inTenant(({ trx }) =>
      trx
        .selectFrom('records')
        .select(['deletedAt', 'fields'])
        .where('externalId', '=', externalId)
        .executeTakeFirst(),
    );
    expect(row).toMatchObject({ deletedAt: expect.any(Date), fields: { name: 'p001' } });
    expect([...(await pulled.held()).keys()]).not.toContain('p001');
  });

  it('is not deleted if it was linked or pushed since the start of the pass', async () => {
    const pulled = await linked(6, { recordTypes: { contacts: BOTH_WAYS } });
    await tenant.change('a-local', { name: 'Local' }, { recordType: 'contacts' }); // sorts before the page in flight
    pulled.account.beforePage = async ({ cursor }) => {
      if (cursor === null) return;
      pulled.account.beforePage = () => undefined;
      await tenant.act('push_now', pulled.integrationId, 'a-local');
      await until('our record is pushed', () => pulled.account.pushes.length === 1); // it goes out while the pass reads
    };
    const run = await pulled.sync('full');
    expect(pulled.account.pushes).toHaveLength(1);
    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsDeleted: 0 });
    expect((await pulled.held()).size).toBe(7);
  });

  it('is kept while a push of a change to it has not succeeded, as a conflict', async () => {
    const pulled = await linked(5, { recordTypes: { contacts: BOTH_WAYS } });
    pulled.account.beforePush = () => {
      throw new Unavailable('Bad gateway.', 502);
    };
    const externalId = await pulled.externalId('p001');
    await tenant.change(externalId, { name: 'Here' }, { recordType: 'contacts', kind: 'patch' });
    await environment.sleep(GRACE_MS + 1_000);
    await pulled.account.remove('contacts', 'p001');

    const run = await pulled.sync('full');

    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsDeleted: 0 });
    expect(await pulled.conflicts()).toMatchObject([{ kind: 'edited_here_deleted_there', state: 'open' }]);
    expect(await tenant.pushes(pulled.integrationId)).toMatchObject([{ result: null }]);
  });

  it('is restored as the same record', async () => {
    const pulled = await linked(5);
    const externalId = await pulled.externalId('p001');
    const recordId = await tenant.recordId(externalId);
    await pulled.account.remove('contacts', 'p001');
    await pulled.sync('nightly');
    await pulled.account.put('contacts', 'p001', { name: 'Back' });
    const run = await pulled.sync('incremental');

    expect(await pulled.externalId('p001')).toBe(externalId);
    expect(await tenant.recordId(externalId)).toBe(recordId);
    expect((await pulled.held()).get('p001')).toEqual({ fields: { name: 'Back' }, version: 3 });
    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsNew: 0, recordsChanged: 1 });
  });
});

describe('rule 31: the safety threshold', () => {
  it('parks more than a tenth and more than twenty, notifies people, and deletes nothing', async () => {
    const pulled = await linked(40);
    await removeSome(pulled, 21);
    const run = await pulled.sync('nightly');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'succeeded',
      deletesWithheld: 'needs_review',
      recordsDeleted: 0,
    });
    expect(await pulled.reviews()).toMatchObject([
      { state: 'pending', recordsBefore: 40, recordsMissing: 21 },
    ]);
    expect((await pulled.held()).size).toBe(40);
    expect(await openAlerts(pulled)).toBe(1);
  });

  it('explains the difference: people are notified once, and nothing is read again because of it', async () => {
    const pulled = await linked(40);
    await removeSome(pulled, 21);
    await pulled.sync('nightly');
    await pulled.sync('hourly');
    expect((await pulled.statuses()).at(-1)?.totalDifference).toBe(21);
    expect(await pulled.notifications('difference_remains')).toEqual([]);
    expect((await pulled.runs()).map(({ kind }) => kind)).toEqual(['onboarding', 'nightly', 'hourly']);
  });

  it('does not offset missing records with new ones, as when another account is read', async () => {
    const pulled = await linked(25);
    pulled.account.pageSize = 100;
    await removeSome(pulled, 25);
    for (let index = 0; index < 300; index += 1)
      await pulled.account.put('contacts', `q${index}`, { name: `q${index}` });
    const run = await pulled.sync('nightly');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      recordsNew: 300,
      deletesWithheld: 'needs_review',
      recordsDeleted: 0,
    });
    expect(await pulled.reviews()).toMatchObject([
      { state: 'pending', recordsBefore: 25, recordsMissing: 25 },
    ]);
  });

  it('B5: adds up what several nights delete, without what was approved', async () => {
    const pulled = await linked(210);
    pulled.account.pageSize = 500;
    await setThreshold(pulled, 'pull_delete');
    const loseNightly = async (from: number, to: number) => {
      for (const id of people(210).slice(from, to)) await pulled.account.remove('contacts', id);
      const run = await pulled.sync('nightly');
      await environment.sleep(24 * 3_600_000);
      return (await pulled.job(run.syncRunId))?.recordsDeleted;
    };
    expect(await loseNightly(0, 18)).toBe(18);
    expect(await loseNightly(18, 22)).toBe(0);
    expect(await pulled.reviews()).toMatchObject([{ state: 'pending', recordsBefore: 192 }]);
    // What was approved does not count.
    await pulled.decideReview('approved');
    expect(await loseNightly(22, 24)).toBe(2);
  });

  it('B5: follows the setting of the record type, and applies exactly the threshold', async () => {
    const pulled = await linked(10);
    await setThreshold(pulled, 'pull_delete', { count: 3, share: 0.2, windowHours: 1 });
    await removeSome(pulled, 3);
    const first = await pulled.sync('nightly');
    await environment.sleep(2 * 3_600_000);
    for (const id of people(10).slice(3, 7)) await pulled.account.remove('contacts', id);
    const second = await pulled.sync('nightly');
    expect(await pulled.job(first.syncRunId)).toMatchObject({ recordsDeleted: 3 });
    expect(await pulled.job(second.syncRunId)).toMatchObject({ deletesWithheld: 'needs_review' });
  });

  it('does not park twenty, however few records there are', async () => {
    const pulled = await linked(21);
    await removeSome(pulled, 20);
    const run = await pulled.sync('nightly');
    expect(await pulled.job(run.syncRunId)).toMatchObject({ deletesWithheld: null, recordsDeleted: 20 });
    expect(await pulled.reviews()).toEqual([]);
  });

  it('approved: the records are deleted, except those that came back or were pushed since', async () => {
    const pulled = await linked(30);
    await removeSome(pulled, 25);
    await pulled.sync('nightly');
    await environment.sleep(60_000);
    await pulled.account.put('contacts', 'p003', { name: 'Back' });
    await pulled.sync('incremental');
    expect(await pulled.decideReview('approved')).toBe(24);
    expect([...(await pulled.held()).keys()]).toEqual(['p003', ...people(30).slice(25)]);
    expect((await pulled.reviews()).at(-1)).toMatchObject({
      state: 'approved',
      decidedBy: 'ana',
      recordsDeleted: 24,
    });
    expect(await openAlerts(pulled)).toBe(0);
    expect(await pulled.differences()).toEqual([]);
  });

  it('discarded: the records are kept, until the next full pass parks them again', async () => {
    const pulled = await linked(30);
    await removeSome(pulled, 25);
    await pulled.sync('nightly');
    expect(await pulled.decideReview('discarded')).toBe(0);
    expect((await pulled.held()).size).toBe(30);
    expect(await openAlerts(pulled)).toBe(0);
    await pulled.sync('nightly');
    expect((await pulled.reviews()).map(({ state }) => state)).toEqual(['discarded', 'pending']);
    expect(await openAlerts(pulled)).toBe(1);
  });

  it('is superseded by the next full pass: records that came back are not in the new review, and people are not notified again', async () => {
    const pulled = await linked(30);
    await removeSome(pulled, 25);
    await pulled.sync('nightly');
    await pulled.sync('nightly');
    expect((await pulled.reviews()).map(({ state }) => state)).toEqual(['superseded', 'pending']);
    for (const id of people(25))
      await pulled.account.put('contacts', id, { name: id, email: `${id}@example.org` });
    await pulled.sync('nightly');
    expect((await pulled.reviews()).map(({ state }) => state)).toEqual(['superseded', 'superseded']);
    expect(await openAlerts(pulled)).toBe(0);
    expect(await pulled.differences()).toEqual([]);
  });

  it('is left by records that a later run lists again unchanged: approved, they are not deleted', async () => {
    const pulled = await linked(30);
    pulled.account.abilities = { canFilterByModified: false, isPagingStable: true };
    const records = [...pulled.account.held('contacts')];
    const putBack = async (from: number, to: number) => {
      for (const [id, fields] of records.slice(from, to)) await pulled.account.put('contacts', id, fields);
    };
    await removeSome(pulled, 25);
    await pulled.sync('nightly');

    await putBack(0, 20);
    const hourly = await pulled.sync('hourly');
    expect(await pulled.job(hourly.syncRunId)).toMatchObject({ recordsChanged: 0, recordsUnchanged: 25 });
    expect(await pulled.reviews()).toMatchObject([{ state: 'pending', recordsMissing: 5 }]);
    expect(await pulled.decideReview('approved')).toBe(5);
    expect(await pulled.differences()).toEqual([]);
  });

  it('ends when a later run lists all of its records again', async () => {
    const pulled = await linked(30);
    pulled.account.abilities = { canFilterByModified: false, isPagingStable: true };
    const records = [...pulled.account.held('contacts')];
    await removeSome(pulled, 25);
    await pulled.sync('nightly');
    for (const [id, fields] of records.slice(0, 25)) await pulled.account.put('contacts', id, fields);
    await pulled.sync('hourly');

    expect(await pulled.reviews()).toMatchObject([{ state: 'superseded', recordsMissing: 0 }]);
    expect(await openAlerts(pulled)).toBe(0);
  });

  it('of one type does not change the review of another', async () => {
    const pulled = await linked(30, { recordTypes: { contacts: CONTACTS, companies: CONTACTS } });
    for (const id of people(30)) await pulled.account.put('companies', id, { name: id });
    await pulled.sync('full');
    await removeSome(pulled, 25);
    for (const id of people(25)) await pulled.account.remove('companies', id);
    await pulled.sync('nightly');
    expect((await pulled.reviews()).map(({ state }) => state)).toEqual(['pending', 'pending']);
    await pulled.decideReview('discarded');
    expect(await openAlerts(pulled)).toBe(1);
    await pulled.decideReview('discarded');
    expect(await openAlerts(pulled)).toBe(0);
  });
});

describe('rule 53: A3: a field that is suddenly empty', () => {
  const emptySome = async (pulled: CrmIntegration, count: number, fields: object = {}) => {
    for (const id of people(count)) await pulled.account.put('contacts', id, { name: id, ...fields });
  };
  const countEmails = async (pulled: CrmIntegration) =>
    [...(await pulled.held()).values()].filter(({ fields }) => Boolean((fields as { email?: string }).email))
      .length;

  it.each(['pull', 'both'] as const)(
    'in more records than the threshold waits for approval, and empties nothing (%s)',
    async (direction) => {
      const pulled = await linked(40, direction === 'both' ? { recordTypes: { contacts: BOTH_WAYS } } : {});
      await emptySome(pulled, 21);
      const run = await pulled.sync('nightly');
      expect(await pulled.job(run.syncRunId)).toMatchObject({
        state: 'succeeded',
        recordsChanged: 0,
        recordsUnchanged: 40,
      });
      expect(await pulled.reviews()).toMatchObject([
        { state: 'pending', kind: 'empty', fields: ['email'], recordsMissing: 21, recordsBefore: 40 },
      ]);
      expect([await countEmails(pulled), await openAlerts(pulled)]).toEqual([40, 1]);

      await pulled.sync('nightly');
      expect((await pulled.reviews()).map(({ state }) => state)).toEqual(['superseded', 'pending']);
      expect(await pulled.decideReview('approved')).toBe(21);
      expect([await countEmails(pulled), await openAlerts(pulled)]).toEqual([19, 0]);
      const after = await pulled.sync('nightly');
      expect(await pulled.job(after.syncRunId)).toMatchObject({ recordsChanged: 0, recordsUnchanged: 40 });
      expect(pulled.account.pushes).toEqual([]);
      expect(await pulled.differences()).toEqual([]);
    },
  );

  it('in fewer records is emptied in the same run, and counts within the window', async () => {
    const pulled = await linked(40);
    await setThreshold(pulled, 'pull_empty');
    await emptySome(pulled, 12, { email: '' });
    const run = await pulled.sync('hourly');
    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsChanged: 12 });
    expect([await countEmails(pulled), (await pulled.reviews()).length]).toEqual([28, 0]);

    await environment.sleep(24 * 3_600_000);
    for (const id of people(40).slice(12, 24)) await pulled.account.put('contacts', id, { name: id });
    await pulled.sync('nightly');
    expect(await pulled.reviews()).toMatchObject([{ kind: 'empty', recordsMissing: 12 }]);
    expect(await countEmails(pulled)).toBe(28);
  });

  it.each(['pull', 'both'] as const)(
    'is kept where an hourly answer shows only what changed, and the nightly run finds nothing to do (%s)',
    async (direction) => {
      const pulled = await linked(5, direction === 'both' ? { recordTypes: { contacts: BOTH_WAYS } } : {});
      pulled.account.abilities = { ...pulled.account.abilities, isSparse: true };
      pulled.account.distort = (page, { modifiedSince }) => {
        if (modifiedSince === null) return page;
        const records = page.records.map((one) => ({ ...one, fields: { name: one.fields.name ?? null } }));
        return { ...page, records };
      };
      await pulled.account.put('contacts', 'p001', { name: 'New', email: 'p001@example.org' });

      await pulled.sync('hourly');
      expect((await pulled.held()).get('p001')?.fields).toMatchObject({
        name: 'New',
        email: 'p001@example.org',
      });
      const nightly = await pulled.sync('nightly');
      expect(await pulled.job(nightly.syncRunId)).toMatchObject({ recordsChanged: 0, recordsUnchanged: 5 });
      expect(pulled.account.pushes).toEqual([]);
    },
  );

  it('does not undo an edit that was pushed while the rest of the list was read', async () => {
    const pulled = await linked(9, { recordTypes: { contacts: BOTH_WAYS } });
    const externalId = await pulled.externalId('p000');
    await emptySome(pulled, 1);
    let isEdited = false;
    pulled.account.beforePage = async ({ cursor }) => {
      if (cursor !== 'p005' || isEdited) return;
      isEdited = true;
      await tenant.change(externalId, { name: 'Here' }, { recordType: 'contacts', kind: 'patch' });
      await tenant.act('push_now', pulled.integrationId, externalId);
      const status = () => tenant.status(pulled.integrationId, externalId);
      await until('it is pushed', async () => (await status()) === 'synced');
      await environment.sleep(10_000);
    };
    await pulled.sync('full');
    const held = async () => (await pulled.held()).get('p000')?.fields;
    expect(await held()).toMatchObject({ name: 'Here', email: 'p000@example.org' });

    await pulled.sync('incremental');
    expect(await held()).toMatchObject(pulled.account.held('contacts').get('p000') ?? {});
  });

  it('discarded: the values are kept, and filled again there nothing waits any more', async () => {
    const pulled = await linked(40);
    await emptySome(pulled, 40);
    await pulled.sync('nightly');
    expect(await pulled.decideReview('discarded')).toBe(0);
    await pulled.sync('nightly');
    expect((await pulled.reviews()).map(({ state }) => state)).toEqual(['discarded', 'pending']);
    for (const id of people(40))
      await pulled.account.put('contacts', id, { name: `${id}!`, email: `${id}@example.org` });
    await pulled.sync('hourly');
    expect((await pulled.reviews()).map(({ state }) => state)).toEqual(['discarded', 'superseded']);
    expect([await countEmails(pulled), await openAlerts(pulled)]).toEqual([40, 0]);
  });
});
