/** Records that go both ways, on skipped time (rules.md 13, 17). */
import { decideConflicts } from '../../../db/pull/decide-conflicts';
import { listSyncConflicts } from '../../../db/records/conflicts';
import { RecordRejected } from '../../../connectors/errors';
import { toTypeId } from '../../../db/sql/ids';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { until } from '../../support/until';
import { BOTH_WAYS, CONTACTS, fill, CrmIntegration } from '../../support/environments/crm-integration';

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

const MATCHED = { ...BOTH_WAYS, matchBy: 'email' };
const both = (mapping = BOTH_WAYS) => ({ recordTypes: { contacts: mapping }, initialPush: 'all' as const });
const contact = (externalId: string, fields: Record<string, string>) =>
  tenant.change(externalId, fields, { recordType: 'contacts' });
const edit = (externalId: string, fields: Record<string, string | null>) =>
  tenant.change(externalId, fields, { recordType: 'contacts', kind: 'patch' });
const recordOf = (externalId: string) =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx.selectFrom('records').selectAll().where('externalId', '=', externalId).executeTakeFirst(),
  );
/** An onboarded integration whose last page is a while ago. */
const linked = async (
  ...given: Parameters<typeof CrmIntegration.link> extends [unknown, ...infer Rest] ? Rest : never
) => {
  const pulled = await CrmIntegration.onboarded(tenant, ...given);
  await environment.sleep(600_000);
  return pulled;
};

describe('rule 17: the first push of existing records', () => {
  it('waits for the onboarding lock, and then sends exactly the records without a match there', async () => {
    await contact('c-new', { name: 'Only here', email: 'here@example.org' });
    await contact('c-match', { name: 'p001', email: 'p001@example.org' });
    const pulled = await CrmIntegration.link(tenant, both(MATCHED), fill(environment, 3));
    expect(pulled.account.pushes).toEqual([]);

    let pushesAtLastPage = -1;
    pulled.account.beforePage = () => {
      pushesAtLastPage = pulled.account.pushes.length;
    };
    await pulled.settle();
    await environment.sleep(60_000);

    expect(pushesAtLastPage).toBe(0);
    expect(pulled.account.pushes.map(({ externalId }) => externalId)).toEqual(['c-new']);
    expect(await pulled.externalId('p001')).toBe('c-match');
    expect([...pulled.account.held('contacts').values()].map(({ name }) => name as string).sort()).toEqual([
      'Only here',
      'p000',
      'p001',
      'p002',
    ]);
    const again = await pulled.sync('full');
    expect(await pulled.job(again.syncRunId)).toMatchObject({
      recordsNew: 0,
      recordsChanged: 0,
      recordsDeleted: 0,
    });
    await environment.sleep(GRACE_MS * 2);
    expect(pulled.account.pushes).toHaveLength(1);
  });
});

describe('rule 50: a record that was deleted there while an edit waits here', () => {
  const given = async () => {
    const pulled = await linked(both(), fill(environment, 3));
    const externalId = await pulled.externalId('p001');
    await edit(externalId, { name: 'Edited here' });
    await pulled.account.remove('contacts', 'p001');
    const run = await pulled.sync('full');
    return { pulled, externalId, run };
  };
  const decide = async (pulled: CrmIntegration, decision: 'ours' | 'theirs') => {
    await pulled.inTenant(async (work) => {
      const { conflicts: open } = await listSyncConflicts(work, { state: 'open', limit: 10 });
      expect(await decideConflicts(work, open, decision, { actor: 'person:Ana', requestId: 'r' })).toEqual([
        'decided',
      ]);
    });
    await environment.dispatch();
    await environment.sleep(GRACE_MS * 2);
  };

  it('is a conflict: neither deleted here nor created there, whatever time passes', async () => {
    const { pulled, externalId, run } = await given();
    await environment.sleep(GRACE_MS * 2);
    await pulled.sync('full');

    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsDeleted: 0 });
    expect(await recordOf(externalId)).toMatchObject({ deletedAt: null, fields: { name: 'Edited here' } });
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('sync_pending');
    expect(
      await pulled.inTenant(({ trx }) =>
        trx.selectFrom('recordSyncs').select('heldBy').where('heldAt', 'is not', null).execute(),
      ),
    ).toEqual([{ heldBy: 'syncline' }]);
    expect(pulled.account.pushes).toEqual([]);
    expect(await pulled.conflicts()).toMatchObject([
      { kind: 'edited_here_deleted_there', remoteId: 'p001', detail: expect.stringContaining('name') },
    ]);
  });

  it('is created there again by the decision for our side', async () => {
    const ours = await given();
    await decide(ours.pulled, 'ours');
    expect(ours.pulled.account.pushes).toMatchObject([{ externalId: ours.externalId }]);
    expect([...ours.pulled.account.held('contacts').values()].map(({ name }) => name)).toContain(
      'Edited here',
    );
    expect(await tenant.status(ours.pulled.integrationId, ours.externalId)).toBe('synced');
  });

  it('is deleted here by the decision for their side', async () => {
    const theirs = await given();
    await decide(theirs.pulled, 'theirs');
    expect(await recordOf(theirs.externalId)).toMatchObject({ deletedAt: expect.any(Date) });
    expect(theirs.pulled.account.pushes).toEqual([]);
  });

  it('is pushed when it is listed again, and the conflict ends', async () => {
    const { pulled, externalId } = await given();
    await pulled.account.put('contacts', 'p001', { name: 'p001', email: 'p001@example.org' });
    await pulled.sync('full');
    await environment.sleep(GRACE_MS * 2);

    expect(pulled.account.held('contacts').get('p001')).toMatchObject({ name: 'Edited here' });
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');
    expect(await pulled.inTenant((work) => listSyncConflicts(work, { limit: 10 }))).toMatchObject({
      conflicts: [{ state: 'ended' }],
    });
  });

  it('is deleted when nothing waits', async () => {
    const pulled = await linked(both(), fill(environment, 3));
    const externalId = await pulled.externalId('p001');
    await pulled.account.remove('contacts', 'p001');
    await pulled.sync('full');

    expect(await recordOf(externalId)).toMatchObject({ deletedAt: expect.any(Date) });
    expect(await pulled.conflicts()).toEqual([]);
  });
});

describe('rule 13: the record that matches', () => {
  it('is a new one, with an id that names its source', async () => {
    const pulled = await linked(both(), fill(environment, 1));
    expect(await pulled.externalId('p000')).toBe(`${toTypeId('int', pulled.integrationId)}:p000`);
  });

  it('is the one whose id the third party stores, whatever the other fields contain', async () => {
    await contact('c-1', { name: 'Local', email: 'local@example.org' });
    await contact('c-2', { name: 'Other', email: 'p1@example.org' });
    const pulled = await linked(both(MATCHED), (account) =>
      account.put('contacts', 'p1', { name: 'Local', email: 'p1@example.org' }, 'c-1'),
    );
    expect(await pulled.externalId('p1')).toBe('c-1');
  });

  it('is none if several match: a conflict and an error of that record, reported once and never merged', async () => {
    await contact('c-1', { name: 'One', email: 'same@example.org' });
    await contact('c-2', { name: 'Two', email: 'same@example.org' });
    const pulled = await linked(
      { recordTypes: { contacts: { ...CONTACTS, matchBy: 'email' } } },
      async (account) => {
        await account.put('contacts', 'p1', { name: 'Which', email: 'same@example.org' });
        await account.put('contacts', 'p2', { name: 'Clear', email: 'p2@example.org' });
      },
    );
    const nightly = await pulled.sync('nightly');

    expect(Object.keys(await pulled.names())).toEqual(['p2']);
    expect([(await recordOf('c-1'))?.fields['name'], (await recordOf('c-2'))?.fields['name']]).toEqual([
      'One',
      'Two',
    ]);
    expect(await pulled.conflicts()).toMatchObject([
      { kind: 'ambiguous_match', remoteId: 'p1', field: 'email', recordId: null },
    ]);
    expect(await pulled.errors(nightly.syncRunId)).toMatchObject([
      { remoteId: 'p1', code: 'ambiguous_match' },
    ]);
    expect(nightly.state).toBe('partially_succeeded');
    expect(await pulled.job(nightly.syncRunId)).toMatchObject({
      recordsRead: 2,
      recordsUnchanged: 1,
      recordsFailed: 1,
    });
    const kept = await pulled.inTenant(({ trx }) => trx.selectFrom('matchKeys').selectAll().execute());
    expect(kept).toEqual([]);
  });

  it('folds the case of e-mail addresses, and of other values if the mapping says so', async () => {
    await contact('c-1', { name: 'Ada', email: 'Ada.Byron@Example.org' });
    await contact('c-2', { name: 'Team', email: 'team-A' });
    const fillBoth = async (account: Parameters<NonNullable<Parameters<typeof linked>[1]>>[0]) => {
      await account.put('contacts', 'p1', { name: 'Ada', email: 'ada.byron@example.org' });
      await account.put('contacts', 'p2', { name: 'Team', email: 'TEAM-a' });
    };
    const byDefault = await linked(
      { recordTypes: { contacts: { ...CONTACTS, matchBy: 'email' } } },
      fillBoth,
    );
    const withoutCase = await linked(
      { recordTypes: { contacts: { ...CONTACTS, matchBy: 'email', matchIgnoreCase: true } } },
      fillBoth,
    );

    expect([await byDefault.externalId('p1'), await byDefault.externalId('p2')]).toEqual([
      'c-1',
      expect.stringContaining(':p2') as string,
    ]);
    expect(await withoutCase.externalId('p1')).toBe('c-1');
    expect(await withoutCase.conflicts()).toMatchObject([{ kind: 'ambiguous_match', remoteId: 'p2' }]);
  });

  it('is none if several records differ only in case', async () => {
    await contact('c-1', { name: 'Ada', email: 'ada@example.org' });
    const pulled = await linked(
      { recordTypes: { contacts: { ...CONTACTS, matchBy: 'email' } } },
      async (account) => {
        await account.put('contacts', 'p1', { name: 'Ada', email: 'Ada@example.org' });
        await account.put('contacts', 'p2', { name: 'Ada', email: 'ADA@example.org' });
      },
    );

    expect((await pulled.conflicts()).map(({ remoteId }) => remoteId).toSorted()).toEqual(['p1', 'p2']);
  });

  it('is not found by an empty value', async () => {
    await contact('c-1', { name: 'No mail', email: '' });
    const pulled = await linked({ recordTypes: { contacts: { ...CONTACTS, matchBy: 'email' } } }, (account) =>
      account.put('contacts', 'p1', { name: 'None either', email: '' }),
    );
    expect(await pulled.externalId('p1')).not.toBe('c-1');
    expect(await pulled.conflicts()).toEqual([]);
  });
});

describe('rule 17: a field changed on both sides', () => {
  it.each([
    ['ours', 'Here'],
    ['theirs', 'There'],
  ] as const)('%s wins if configured so, and the conflict is logged once', async (onConflict, winner) => {
    const pulled = await linked(both({ ...BOTH_WAYS, onConflict }), fill(environment, 1));
    const externalId = await pulled.externalId('p000');
    await edit(externalId, { name: 'Here' });
    await pulled.account.put('contacts', 'p000', { name: 'There', email: 'p000@example.org' });
    await pulled.sync('incremental');
    await environment.sleep(10_000);
    await pulled.account.put('contacts', 'p000', {
      ...pulled.account.held('contacts').get('p000'),
      internal: 'other',
    });
    await pulled.sync('full');
    await environment.sleep(GRACE_MS * 2);
    await pulled.sync('full');

    expect((await recordOf(externalId))?.fields['name']).toBe(winner);
    expect(pulled.account.held('contacts').get('p000')?.['name']).toBe(winner);
    expect(await pulled.conflicts()).toMatchObject([
      {
        kind: 'field_changed_on_both_sides',
        field: 'name',
        ours: 'Here',
        theirs: 'There',
        winner: onConflict,
      },
    ]);
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');
  });

  it('detects a value that was reverted there after our push', async () => {
    const pulled = await linked(both(), fill(environment, 1));
    const externalId = await pulled.externalId('p000');
    await edit(externalId, { name: 'Here' });
    await environment.sleep(GRACE_MS * 2);
    expect(pulled.account.held('contacts').get('p000')?.['name']).toBe('Here');
    await pulled.account.put('contacts', 'p000', { name: 'p000', email: 'p000@example.org' });

    await pulled.sync('incremental');

    expect((await recordOf(externalId))?.fields['name']).toBe('p000');
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');
  });

  it('D14: is held back if it changed within 5 s of a push, with an entry in the log, until the next run', async () => {
    const pulled = await linked(both(), fill(environment, 1));
    const externalId = await pulled.externalId('p000');
    let pages = 0;
    pulled.account.beforePage = async () => {
      if ((pages += 1) > 1) return;
      await edit(externalId, { name: 'Here' });
      await tenant.act('push_now', pulled.integrationId, externalId);
      const status = () => tenant.status(pulled.integrationId, externalId);
      await until('it is pushed', async () => (await status()) === 'synced');
      await pulled.account.put('contacts', 'p000', { name: 'There', email: 'p000@example.org' });
    };

    const run = await pulled.sync('full');

    expect((await recordOf(externalId))?.fields['name']).toBe('Here');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      recordsRead: 1,
      recordsUnchanged: 0,
      recordsHeldBack: 1,
      watermarkKept: 'just_pushed',
    });
    expect(await pulled.errors(run.syncRunId)).toMatchObject([{ remoteId: 'p000', code: 'just_pushed' }]);
    await environment.sleep(60_000);
    await pulled.sync('incremental');
    expect((await recordOf(externalId))?.fields['name']).toBe('There');
  });

  it('does not overwrite unsent values: a failed push counts as unsent', async () => {
    const pulled = await linked(both(), fill(environment, 1));
    const externalId = await pulled.externalId('p000');
    pulled.account.beforePush = () => {
      throw new RecordRejected('No such e-mail.', []);
    };
    await edit(externalId, { email: 'bad' });
    await environment.sleep(GRACE_MS * 2);
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('sync_failed');
    await pulled.account.put('contacts', 'p000', { name: 'Renamed', email: 'p000@example.org' });

    await pulled.sync('incremental');

    expect((await recordOf(externalId))?.fields).toEqual({ name: 'Renamed', email: 'bad' });
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('sync_failed');
  });

  it('does not send discarded changes because of another change', async () => {
    const pulled = await linked(both(), fill(environment, 1));
    const externalId = await pulled.externalId('p000');
    await edit(externalId, { email: 'not to be sent' });
    await tenant.act('discard', pulled.integrationId, externalId);
    await pulled.account.put('contacts', 'p000', { name: 'Renamed', email: 'p000@example.org' });

    await pulled.sync('incremental');
    await environment.sleep(GRACE_MS * 2);

    expect((await recordOf(externalId))?.fields).toEqual({ name: 'Renamed', email: 'not to be sent' });
    expect(pulled.account.pushes).toEqual([]);
  });

  it('is pushed to every other integration that maps it, and not back to its source', async () => {
    const pulled = await linked(both(), fill(environment, 1));
    const mapping = {
      direction: 'push' as const,
      fields: [{ name: 'name', to: 'name' }],
      onDelete: 'delete' as const,
    };
    const other = await tenant.integration({ recordTypes: { contacts: mapping } });
    const mailOnly = await tenant.integration({
      recordTypes: { contacts: { ...mapping, fields: [{ name: 'email', to: 'email' }] } },
    });
    const externalId = await pulled.externalId('p000');
    await pulled.account.put('contacts', 'p000', { name: 'Renamed', email: 'p000@example.org' });

    await pulled.sync('incremental');
    expect(await tenant.recordSync(other, externalId)).toBeDefined();
    expect(await tenant.recordSync(mailOnly, externalId)).toBeUndefined();
    await environment.sleep(GRACE_MS * 2);

    expect(tenant.sent(other)).toEqual([{ externalId, operation: 'upsert', payload: { name: 'Renamed' } }]);
    expect(pulled.account.pushes).toEqual([]);
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');
  });

  it('a delete there is pushed to the others, and is not sent back', async () => {
    const pulled = await linked(both(), fill(environment, 3));
    const other = await tenant.integration({
      recordTypes: {
        contacts: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'delete' },
      },
      initialPush: 'all',
    });
    const externalId = await pulled.externalId('p001');
    await environment.sleep(60_000);
    await pulled.account.remove('contacts', 'p001');
    await pulled.sync('nightly');
    await environment.sleep(GRACE_MS * 2);

    expect(
      tenant
        .sent(other)
        .filter((call) => call.externalId === externalId)
        .map(({ operation }) => operation),
    ).toEqual(['upsert', 'delete']);
    expect(pulled.account.pushes).toEqual([]);
  });
});

describe('rule 47: a refused change of activity', () => {
  const refuse = ({ account }: CrmIntegration) => {
    account.beforePush = () => {
      throw new RecordRejected('No license left.', []);
    };
  };
  const readAgain = async (pulled: CrmIntegration) => {
    const before = pulled.account.held('contacts').get('p001');
    await pulled.account.put('contacts', 'p001', { ...before, note: 'changed' });
    await pulled.sync('full');
  };

  it('stays Sync failed although a pull finds all fields equal: an activation', async () => {
    const pulled = await linked(both({ ...BOTH_WAYS, onDelete: 'deactivate' }), fill(environment, 2));
    pulled.account.keepsDeactivated = true;
    const externalId = await pulled.externalId('p001');
    await tenant.change(externalId, {}, { recordType: 'contacts', kind: 'delete' });
    await environment.sleep(GRACE_MS * 2);
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');
    refuse(pulled);
    await contact(externalId, { name: 'p001', email: 'p001@example.org' });
    await environment.sleep(GRACE_MS * 2);
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('sync_failed');

    await readAgain(pulled);

    expect(await tenant.status(pulled.integrationId, externalId)).toBe('sync_failed');
  });

  it('is Synced by a pull when only a field was refused and is as wanted there now', async () => {
    const pulled = await linked(both(), fill(environment, 2));
    const externalId = await pulled.externalId('p001');
    refuse(pulled);
    await edit(externalId, { name: 'Corrected' });
    await environment.sleep(GRACE_MS * 2);
    expect(await tenant.status(pulled.integrationId, externalId)).toBe('sync_failed');

    await pulled.account.put('contacts', 'p001', { name: 'Corrected', email: 'p001@example.org' });
    await pulled.sync('full');

    expect(await tenant.status(pulled.integrationId, externalId)).toBe('synced');
  });
});

describe('rule 17: fields owned by the third party', () => {
  it('are read-only in Syncline, and kept by a put that leaves them out', async () => {
    const pulled = await linked({}, fill(environment, 1));
    const externalId = await pulled.externalId('p000');

    expect((await edit(externalId, { name: 'Other' })).outcome).toBe('field_owned_by_third_party');
    expect((await contact(externalId, { note: 'local' })).outcome).toBe('accepted');
    expect((await recordOf(externalId))?.fields).toEqual({
      name: 'p000',
      email: 'p000@example.org',
      note: 'local',
    });
    await pulled.account.put('contacts', 'p000', { email: 'new@example.org' });
    await pulled.sync('incremental');
    expect((await recordOf(externalId))?.fields).toEqual({ email: 'new@example.org', note: 'local' });
  });

  it('are removed when they are removed there, if every field is copied', async () => {
    const pulled = await linked(
      { recordTypes: { contacts: { ...CONTACTS, fields: [] } } },
      fill(environment, 1),
    );
    expect((await pulled.held()).get('p000')?.fields).toEqual({
      name: 'p000',
      email: 'p000@example.org',
      internal: 'internal only',
    });
    await pulled.account.put('contacts', 'p000', { name: 'p000' });
    await pulled.sync('full');
    expect((await pulled.held()).get('p000')?.fields).toEqual({ name: 'p000' });
  });
});
