/** Edits at a third party that no run has read when a push of the same record leaves (rules.md 17, 50). */
import { Unavailable } from '../../../connectors/errors';
import { decideConflicts } from '../../../db/pull/decide-conflicts';
import { listSyncConflicts } from '../../../db/records/conflicts';
import type { JsonObject } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { BOTH_WAYS, CrmIntegration, fill } from '../../support/environments/crm-integration';
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

const edit = (externalId: string, fields: JsonObject) =>
  tenant.change(externalId, fields, { recordType: 'contacts', kind: 'patch' });
const fieldsOf = (externalId: string) =>
  environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
    const query = trx.selectFrom('records').select('fields').where('externalId', '=', externalId);
    return (await query.executeTakeFirst())?.fields;
  });

/** An integration whose contact p000 was pulled a while ago. */
async function given(mapping: Partial<RecordTypeMapping> = {}) {
  const recordTypes = { contacts: { ...BOTH_WAYS, ...mapping } };
  const pulled = await CrmIntegration.onboarded(
    tenant,
    { recordTypes, initialPush: 'all' },
    fill(environment, 3),
  );
  pulled.account.readsFirst = true;
  await environment.sleep(600_000);
  const externalId = await pulled.externalId('p000');
  const there = () => pulled.account.held('contacts').get('p000');
  const editThere = (fields: JsonObject) => pulled.account.put('contacts', 'p000', { ...there(), ...fields });
  const push = async () => {
    await environment.dispatch();
    // Not to the instant at which a value that was taken becomes due.
    await environment.sleep(GRACE_MS * 1.5);
  };
  const status = () => tenant.status(pulled.integrationId, externalId);
  return { pulled, externalId, there, editThere, push, status };
}

describe('rule 17: a push of a record that was edited there since it was last read', () => {
  it('leaves the other fields as they are there, and the next run reads them', async () => {
    const { pulled, externalId, there, editThere, push, status } = await given();
    await editThere({ email: 'edited@there.example' });
    await edit(externalId, { name: 'Edited here' });
    await push();

    expect(pulled.account.pushes.map(({ payload }) => payload)).toEqual([{ name: 'Edited here' }]);
    expect(there()).toMatchObject({ name: 'Edited here', email: 'edited@there.example' });
    expect(await status()).toBe('synced');
    await pulled.sync('incremental');
    expect(await fieldsOf(externalId)).toMatchObject({ name: 'Edited here', email: 'edited@there.example' });
    expect(await pulled.conflicts()).toEqual([]);
    await push();
    expect(pulled.account.pushes).toHaveLength(1);
  });

  it('leaves a field empty that was emptied there', async () => {
    const { externalId, there, editThere, push } = await given();
    await editThere({ email: null });
    await edit(externalId, { name: 'Edited here' });
    await push();

    expect(there()).toMatchObject({ name: 'Edited here', email: null });
  });

  it('shows in the log of pushes what was sent', async () => {
    const { pulled, externalId, editThere, push } = await given();
    await editThere({ email: 'edited@there.example' });
    await edit(externalId, { name: 'Edited here' });
    await push();

    const logged = await pulled.inTenant(({ trx }) => trx.selectFrom('pushes').select('payload').execute());
    expect(logged).toEqual([{ payload: { name: 'Edited here' } }]);
  });

  it.each([
    ['ours', 'Edited here'],
    ['theirs', 'Edited there'],
  ] as const)('is a conflict at a field that was edited here too: %s wins', async (onConflict, winner) => {
    const { pulled, externalId, there, editThere, push, status } = await given({ onConflict });
    await editThere({ name: 'Edited there' });
    await edit(externalId, { name: 'Edited here' });
    await push();
    await push();

    expect(there()).toMatchObject({ name: winner });
    expect(await fieldsOf(externalId)).toMatchObject({ name: winner });
    expect(await status()).toBe('synced');
    const conflict = { field: 'name', ours: 'Edited here', theirs: 'Edited there', winner: onConflict };
    expect(await pulled.conflicts()).toMatchObject([conflict]);
    await pulled.sync('full');
    expect(await fieldsOf(externalId)).toMatchObject({ name: winner });
    expect(await pulled.conflicts()).toHaveLength(1);
  });

  it('takes the value there, and then the one that it is set back to', async () => {
    const { pulled, externalId, there, editThere, push } = await given({ onConflict: 'theirs' });
    const name = there()?.['name'] as string;
    await editThere({ name: 'Edited there' });
    await edit(externalId, { name: 'Edited here' });
    await push();
    expect(await fieldsOf(externalId)).toMatchObject({ name: 'Edited there' });
    await editThere({ name });
    await edit(externalId, { email: 'edited@here.example' });
    await push();

    expect(there()).toMatchObject({ name, email: 'edited@here.example' });
    await pulled.sync('full');
    expect(await fieldsOf(externalId)).toMatchObject({ name, email: 'edited@here.example' });
    expect(await pulled.conflicts()).toHaveLength(1);
  });

  it('is no conflict if the record shows what an earlier push sent without an answer', async () => {
    const { pulled, externalId, push, editThere, status } = await given({ onConflict: 'theirs' });
    pulled.account.beforePush = () => {
      void editThere({ name: 'First' });
      throw new Unavailable('The connection was reset.');
    };
    environment.crm.checkAnswer = () => new Unavailable('Maintenance.', 503);
    await edit(externalId, { name: 'First' });
    await push();
    await edit(externalId, { name: 'Second' });
    pulled.account.beforePush = () => undefined;
    environment.crm.checkAnswer = () => undefined;
    await environment.sleep(3 * 3_600_000);

    expect(await fieldsOf(externalId)).toMatchObject({ name: 'Second' });
    expect(await status()).toBe('synced');
    expect(await pulled.conflicts()).toEqual([]);
  });
});

describe('rule 50: a push of a record that was deleted there since it was last read', () => {
  const deleted = async () => {
    const it = await given();
    await it.pulled.account.remove('contacts', 'p000');
    await edit(it.externalId, { name: 'Edited here' });
    await it.push();
    return it;
  };

  it('is a conflict: the record is not created again', async () => {
    const { pulled, there, status } = await deleted();

    expect(there()).toBeUndefined();
    expect(pulled.account.pushes).toEqual([]);
    expect(await status()).toBe('sync_failed');
    expect(await pulled.conflicts()).toMatchObject([{ kind: 'edited_here_deleted_there', remoteId: 'p000' }]);
  });

  it('creates the record by the decision for our side', async () => {
    const { pulled, push, status } = await deleted();
    await pulled.inTenant(async (work) => {
      const { conflicts: open } = await listSyncConflicts(work, { state: 'open', limit: 10 });
      await decideConflicts(work, open, 'ours', { actor: 'person:Ana', requestId: 'r' });
    });
    await push();

    expect([...pulled.account.held('contacts').values()].map(({ name }) => name)).toContain('Edited here');
    expect(await status()).toBe('synced');
  });

  it('is sent when the record is listed again', async () => {
    const { pulled, there, push, status } = await deleted();
    await pulled.account.put('contacts', 'p000', { name: 'p000', email: 'p000@example.org' });
    await pulled.sync('full');
    await push();

    expect(there()).toMatchObject({ name: 'Edited here' });
    expect(await status()).toBe('synced');
  });
});
