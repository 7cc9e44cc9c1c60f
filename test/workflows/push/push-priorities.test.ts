/** Executions of a push queue are as urgent as what they push (rule 59, D10, F6). */
import { sql } from 'kysely';
import { RecordRejected } from '../../../connectors/errors';
import { PUSH_KINDS } from '../../../domain/push/push-kind';
import { PRIORITIES } from '../../../domain/work-priorities';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { prioritiesIn } from '../../support/environments/queue-priorities';
import { until } from '../../support/until';

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

const prioritiesOf = (integrationId: string) => prioritiesIn(environment, integrationId);

/** Waits until the grace period has ended and so many records are sent. */
async function untilSent(integrationId: string, count: number): Promise<void> {
  await environment.sleep(GRACE_MS + 1_000);
  await until('the records are sent', () => tenant.sent(integrationId).length >= count);
}

const accept = (count: number) =>
  tenant.accept(
    ...Array.from({ length: count }, (_, index) => ({ externalId: `e${index}`, fields: { name: 'A' } })),
  );

it('an edit is pushed with the priority of an edit', async () => {
  const integrationId = await tenant.integration();
  await tenant.change('e1', { name: 'A' });
  await untilSent(integrationId, 1);

  expect(new Set(await prioritiesOf(integrationId))).toEqual(new Set([PRIORITIES.edit]));
});

it('a change of many records is pushed with the priority of bulk work', async () => {
  const integrationId = await tenant.integration();
  await accept(25);
  await untilSent(integrationId, 25);

  expect(new Set(await prioritiesOf(integrationId))).toEqual(new Set([PRIORITIES.bulk]));
});

it('the records of a new integration are pushed with the priority of a backfill', async () => {
  await accept(5);
  const integrationId = await tenant.integration({ initialPush: 'all' });
  await untilSent(integrationId, 5);

  expect(new Set(await prioritiesOf(integrationId))).toEqual(new Set([PRIORITIES.backfill]));
});

it('what a person pushes at once goes first, and the edits that wait keep the priority of edits', async () => {
  const integrationId = await tenant.integration();
  await tenant.change('e1', { name: 'A' });
  await tenant.change('e2', { name: 'A' });
  await tenant.act('push_now', integrationId, 'e2');
  await untilSent(integrationId, 2);

  const priorities = await prioritiesOf(integrationId);
  expect([priorities.at(0), priorities.at(-1)]).toEqual([PRIORITIES.person, PRIORITIES.edit]);
  expect(tenant.sent(integrationId).map(({ externalId }) => externalId)).toEqual(['e2', 'e1']);
});

it('an edit that becomes due beside a bulk change of its app is not behind the bulk changes of others', async () => {
  const integrationId = await tenant.integration();
  await accept(25);
  await tenant.change('alone', { name: 'A' });
  await untilSent(integrationId, 26);

  expect(await prioritiesOf(integrationId)).toContain(PRIORITIES.edit);
});

describe('what a waiting push is for', () => {
  const kindOf = (integrationId: string, externalId: string) =>
    environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
      const { rows } = await sql<{ kind: number }>`
        select case when is_backfill then 3 else push_priority end as kind
        from record_syncs join records using (tenant_id, record_id)
        where integration_id = ${integrationId} and external_id = ${externalId}`.execute(trx);
      return rows[0]?.kind;
    });
  const openBackfillWindow = async (integrationId: string): Promise<void> => {
    const dueAt = new Date((await environment.now()) + 2 * GRACE_MS).toISOString();
    await environment.superuser(
      `update record_syncs set window_opened_at = now(), due_at = '${dueAt}', is_backfill = true,
         window_reason = 'mapping_changed', window_effect = 'overwrite', window_record_type = 'employees'
       where integration_id = '${integrationId}'`,
    );
  };
  const refuse = (externalId: string) => {
    environment.ledger.answer = (item) =>
      item.externalId === externalId ? new RecordRejected('No such name.', []) : undefined;
  };

  it('a window that a backfill opens during a push stays one of the backfill', async () => {
    const integrationId = await tenant.integration();
    environment.ledger.answer = async () => {
      await openBackfillWindow(integrationId);
      return undefined;
    };
    await tenant.change('e1', { name: 'A' });
    await untilSent(integrationId, 1);

    await until('the push has ended', async () => {
      const sync = await tenant.recordSync(integrationId, 'e1');
      return sync?.status === 'sync_pending';
    });
    expect(await kindOf(integrationId, 'e1')).toBe(PUSH_KINDS.backfill);
  });

  it('records of a new integration that wait for others do not become edits', async () => {
    refuse('boss');
    await tenant.accept(
      { externalId: 'boss', fields: { name: 'B' } },
      { externalId: 'e1', fields: { name: 'A', boss: 'boss' } },
    );
    const ref = { recordType: 'employees' };
    const integrationId = await tenant.integration({
      initialPush: 'all',
      recordTypes: {
        employees: {
          direction: 'push',
          fields: [
            { name: 'name', to: 'name' },
            { name: 'boss', to: 'boss', ref, values: {} },
          ],
          onDelete: 'deactivate',
        },
      },
    });
    await environment.sleep(1_000);
    await until('one waits', async () => (await kindOf(integrationId, 'e1')) === PUSH_KINDS.bulk);

    expect(tenant.sent(integrationId)).toEqual([]);
  });
});
