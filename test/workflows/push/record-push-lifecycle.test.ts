/** Eligibility, deletes, linking, mappings, pause: rules.md 13 to 16. */
import { Unavailable } from '../../../connectors/errors';
import {
  changeIntegration,
  pauseIntegration,
  resumeIntegration,
} from '../../../db/sync-runs/integration-lifecycle';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import {
  GRACE_MS,
  PushEnvironment,
  MINUTE,
  type TestTenant,
} from '../../support/environments/push-environment';

const HOUR = 60 * MINUTE;
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

const mapping = (
  more: Partial<RecordTypeMapping> = {},
): { recordTypes: { employees: RecordTypeMapping } } => ({
  recordTypes: {
    employees: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'deactivate', ...more },
  },
});
const operations = (integrationId: string) =>
  tenant.sent(integrationId).map(({ externalId, operation }) => `${operation} ${externalId}`);
const settle = () => environment.sleep(GRACE_MS + 1_000);
const inTenant = <T>(work: Parameters<typeof environment.database.withTenant<T>>[1]) =>
  environment.database.withTenant(tenant.tenantId, work);

describe('rule 14: eligibility', () => {
  it('syncs only records that match the filter', async () => {
    const belgians = await tenant.integration(mapping({ filter: { country: ['BE'] } }));
    await tenant.change('be', { name: 'A', country: 'BE' });
    await tenant.change('nl', { name: 'B', country: 'NL' });
    await settle();

    expect(operations(belgians)).toEqual(['upsert be']);
    expect(await tenant.status(belgians, 'nl')).toBeUndefined();
  });

  it('treats a record that becomes eligible as a change of all mapped fields', async () => {
    const belgians = await tenant.integration(mapping({ filter: { country: ['BE'] } }));
    await tenant.change('e1', { name: 'A', country: 'NL' });
    await tenant.change('e1', { country: 'BE' }, { kind: 'patch' });
    await settle();

    expect((await tenant.pushes(belgians))[0]).toMatchObject({
      result: 'succeeded',
      changedFields: ['name'],
    });
  });

  it.each(['deactivate', 'delete'] as const)(
    'pushes a %s after the grace period when a pushed record is deleted',
    async (onDelete) => {
      const integrationId = await tenant.integration(mapping({ onDelete }));
      await tenant.change('e1', { name: 'A' });
      await settle();
      await tenant.change('e1', {}, { kind: 'delete' });
      expect(await tenant.status(integrationId, 'e1')).toBe('sync_pending');
      expect(operations(integrationId)).toEqual(['upsert e1']);

      await settle();

      expect(operations(integrationId)).toEqual(['upsert e1', `${onDelete} e1`]);
    },
  );

  it('makes no call when on_delete is leave', async () => {
    const integrationId = await tenant.integration(mapping({ onDelete: 'leave' }));
    await tenant.change('e1', { name: 'A' });
    await settle();
    await tenant.change('e1', {}, { kind: 'delete' });
    await settle();

    expect(operations(integrationId)).toEqual(['upsert e1']);
    expect((await tenant.pushes(integrationId)).at(-1)).toMatchObject({ result: 'left' });
  });

  it('treats a record that leaves eligibility like a delete', async () => {
    const belgians = await tenant.integration(mapping({ filter: { country: ['BE'] } }));
    await tenant.change('e1', { name: 'A', country: 'BE' });
    await settle();
    await tenant.change('e1', { country: 'NL' }, { kind: 'patch' });
    await settle();

    expect(operations(belgians)).toEqual(['upsert e1', 'deactivate e1']);
  });

  it('only closes the window of a record that is deleted before its first push', async () => {
    const integrationId = await tenant.integration(mapping());
    await tenant.change('e1', { name: 'A' });
    await tenant.change('e1', {}, { kind: 'delete' });
    expect(await tenant.recordSync(integrationId, 'e1')).toBeUndefined();
    await settle();

    expect(operations(integrationId)).toEqual([]);
  });

  it('deletes a record at the third party if its first push may have arrived', async () => {
    const integrationId = await tenant.integration(mapping());
    environment.ledger.answer = () => new Unavailable('lost');
    environment.ledger.checkAnswer = () => new Unavailable('lost');
    await tenant.change('e1', { name: 'A' });
    await settle();
    await tenant.change('e1', {}, { kind: 'delete' });
    environment.resetLedger();
    await environment.sleep(HOUR);

    expect(operations(integrationId)).toEqual(['deactivate e1']);
  });

  it('activates a restored record again', async () => {
    const integrationId = await tenant.integration(mapping());
    await tenant.change('e1', { name: 'A' });
    await settle();
    await tenant.change('e1', {}, { kind: 'delete' });
    await settle();
    await tenant.change('e1', { name: 'A' });
    await settle();

    expect(operations(integrationId)).toEqual(['upsert e1', 'deactivate e1', 'upsert e1']);
  });
});

describe('rule 15: linking and mappings', () => {
  it('pushes existing records after linking, as initial, and edits before them', async () => {
    await tenant.accept(
      ...Array.from({ length: 120 }, (_, index) => ({ externalId: `e${index}`, fields: { name: 'A' } })),
    );
    const integrationId = await tenant.integration({ ...mapping(), initialPush: 'all' });
    await environment.sleep(1_000);

    expect(operations(integrationId)).toHaveLength(120);
    expect(new Set((await tenant.pushes(integrationId)).map(({ startedBecause }) => startedBecause))).toEqual(
      new Set(['initial']),
    );
  });

  it('pushes no existing record with initial_push none, only later changes', async () => {
    await tenant.change('old', { name: 'A' });
    const integrationId = await tenant.integration({ ...mapping(), initialPush: 'none' });
    await tenant.change('new', { name: 'B' });
    await settle();

    expect(operations(integrationId)).toEqual(['upsert new']);
  });

  it('opens a window for exactly the records whose payload a new mapping changes, due after the grace period', async () => {
    const integrationId = await tenant.integration(mapping());
    await tenant.change('with', { name: 'A', email: 'a@example.org' });
    await tenant.change('without', { name: 'B' });
    await settle();
    const wider = mapping({
      fields: [
        { name: 'name', to: 'name' },
        { name: 'email', to: 'email' },
      ],
    });
    await inTenant((work) => changeIntegration(work, { integrationId, change: wider }));
    await environment.sleep(1_000);
    expect(operations(integrationId)).toEqual(['upsert with', 'upsert without']);
    await settle();

    expect(operations(integrationId)).toEqual(['upsert with', 'upsert without', 'upsert with']);
    expect((await tenant.pushes(integrationId)).at(-1)).toMatchObject({
      startedBecause: 'mapping_changed',
      mappingVersion: 2,
      payload: { name: 'A', email: 'a@example.org' },
    });
  });

  it('keeps the deadline of an open window, and pushes by the current mapping', async () => {
    const integrationId = await tenant.integration(mapping());
    await tenant.change('e1', { name: 'A' });
    const { dueAt } = (await tenant.recordSync(integrationId, 'e1')) ?? {};
    await environment.sleep(MINUTE);
    await inTenant((work) =>
      changeIntegration(work, {
        integrationId,
        change: mapping({ fields: [{ name: 'name', to: 'full_name' }] }),
      }),
    );
    await environment.sleep(1_000);
    expect((await tenant.recordSync(integrationId, 'e1'))?.dueAt).toEqual(dueAt);

    await settle();

    expect(tenant.sent(integrationId).map(({ payload }) => payload)).toEqual([{ full_name: 'A' }]);
  });
});

describe('rule 16: pause', () => {
  it('opens windows while paused, pushes nothing, and continues after the resume', async () => {
    const integrationId = await tenant.integration(mapping());
    await inTenant((work) => pauseIntegration(work, { integrationId }));
    await tenant.change('e1', { name: 'A' });
    expect(await tenant.status(integrationId, 'e1')).toBe('sync_pending');
    await environment.sleep(2 * HOUR);
    expect(operations(integrationId)).toEqual([]);
    expect(await tenant.act('push_now', integrationId, 'e1')).toBe('integration_paused');

    await inTenant((work) => resumeIntegration(work, { integrationId }));
    await environment.sleep(1_000);

    expect(operations(integrationId)).toEqual(['upsert e1']);
  });

  it('ends the push queue of an integration that is paused while records wait', async () => {
    const integrationId = await tenant.integration(mapping());
    await tenant.change('e1', { name: 'A' });
    await inTenant((work) => pauseIntegration(work, { integrationId }));
    await environment.sleep(2 * GRACE_MS);

    expect(operations(integrationId)).toEqual([]);
    expect(await tenant.endOfPushWorkflow(integrationId)).toBe('COMPLETED');
  });

  it('stops the clocks of retries', async () => {
    const integrationId = await tenant.integration(mapping());
    environment.ledger.answer = () => new Unavailable('down');
    environment.ledger.checkAnswer = () => new Unavailable('down');
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(HOUR);
    await inTenant((work) => pauseIntegration(work, { integrationId }));
    await environment.sleep(100 * HOUR); // more than the 72 h after which a push is given up
    await inTenant((work) => resumeIntegration(work, { integrationId }));
    await environment.sleep(HOUR);
    environment.resetLedger();
    await environment.sleep(10 * MINUTE);

    expect(operations(integrationId)).toEqual(['upsert e1']);
  });

  it('applies a changed grace period from the next change on', async () => {
    const integrationId = await tenant.integration(mapping());
    await tenant.change('e1', { name: 'A' });
    await inTenant((work) => changeIntegration(work, { integrationId, change: { gracePeriodMs: 1_000 } }));
    await environment.sleep(MINUTE);
    expect(operations(integrationId)).toEqual([]);

    await tenant.change('e1', { name: 'B' });
    await environment.sleep(2_000);

    expect(operations(integrationId)).toEqual(['upsert e1']);
  });
});
