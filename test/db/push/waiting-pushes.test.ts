/** What pushes that wait cost those that look for due windows beside them. */
import { sql } from 'kysely';
import { countDue, lockDueRecordSyncs } from '../../../db/push/lock-due';
import { findIntegration } from '../../../db/integrations/integrations';
import { newUuid } from '../../../db/sql/ids';
import type { TenantWork } from '../../../db/database';
import { rowsOf } from '../many-rows';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const WAITING = 3_000;
const READ_MAX = 100;

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;

beforeEach(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
});
afterEach(() => db.end());

/** `count` due rows, each a push that waits or an open window. */
async function fill(count: number, isWindow: boolean, isBackfill = false): Promise<void> {
  const state = isWindow
    ? `null, null, null, now(), now() - interval '1 minute', 'quiet'`
    : `'${newUuid()}', 1, now() - interval '1 hour', null, null, null`;
  await db.superuser(`
    set session_replication_role = replica;
    insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, is_backfill, push_id,
      push_version, next_attempt_at, window_opened_at, due_at, window_reason)
    select '${tenant.tenantId}', '${integrationId}', gen_random_uuid(), 1, ${isBackfill}, ${state}
    from generate_series(1, ${count});
    set session_replication_role = default;
    analyze record_syncs`);
}

async function claim(
  work: TenantWork,
  { onlyWindows, isBackfilling }: { onlyWindows: boolean; isBackfilling: boolean },
) {
  const options = {
    integration: (await findIntegration(work, { integrationId })) as never,
    firedAt: new Date(),
    now: new Date(),
    leaseUntil: new Date(),
    giveUpAfterMs: 1,
    limit: 10,
    onlyWindows,
  };
  const { rows } = await sql<{ due: number[] }>`select ${countDue(work, options)} as due`.execute(work.trx);
  return lockDueRecordSyncs(work, options, { isBackfilling, due: rows[0]?.due ?? [] });
}

/** @returns how many rows were read. */
const claimFive = async (options: { onlyWindows: boolean; isBackfilling: boolean }): Promise<number> =>
  (
    await rowsOf(tenant, async (work) => {
      expect(await claim(work, options)).toHaveLength(5);
    })
  ).read;

it('rule 60: windows that become due during an outage are found past all pushes that wait', async () => {
  await fill(WAITING, false);
  await fill(5, true);

  expect(await claimFive({ onlyWindows: true, isBackfilling: false })).toBeLessThan(READ_MAX);
});

it.each([true, false])(
  'rule 60: edits are found past the windows of a backfill that counts, blocked: %s',
  async (onlyWindows) => {
    await fill(WAITING, true, true);
    await fill(5, true);

    expect(await claimFive({ onlyWindows, isBackfilling: true })).toBeLessThan(READ_MAX);
  },
);
