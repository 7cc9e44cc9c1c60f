/**
 * An outage of 12 hours with many waiting pushes (rules.md 11, 58, 60). `OUTAGE_PUSHES` sets how many:
 * 5,000 by default. One change is accepted, and SQL copies it. Each title is a test of its own:
 * `OUTAGE_PUSHES=1000000 npm run test:slow -- --testPathPatterns outage-size -t 'is down'`.
 */
import { sql } from 'kysely';
import { Unavailable } from '../../../connectors/errors';
import {
  MINUTE,
  PushEnvironment,
  GRACE_MS,
  type TestTenant,
} from '../../support/environments/push-environment';

const HOUR = 60 * MINUTE;
const PUSHES = Number(process.env.OUTAGE_PUSHES ?? 5_000);
/** Of one statement. */
const CHUNK = 10_000;
/** Setting up, and ten milliseconds for each push. */
const TIMEOUT_MS = 1_200_000 + PUSHES * 10;
let environment: PushEnvironment;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());

const heapMiB = (): number => Math.round(process.memoryUsage().heapUsed / 2 ** 20);

/** Records of one name each, all of them due at the same time, as if each had been accepted. */
async function givenDuePushes(tenant: TestTenant): Promise<void> {
  await tenant.change('e0', { name: 'N' });
  for (let first = 1; first < PUSHES; first += CHUNK)
    await environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
      await sql`
        with copy as (
          insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
            changed_at, changed_by, created_at)
          select tenant_id, gen_random_uuid(), record_type, 'e' || n, version, fields, occurred_at,
            changed_at, changed_by, created_at
          from records, generate_series(${first}::int, ${Math.min(first + CHUNK, PUSHES) - 1}::int) n
          where external_id = 'e0'
          returning tenant_id, record_id)
        insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, window_opened_at,
          due_at, window_reason, window_fields, window_changed_by, push_priority, window_effect)
        select copy.tenant_id, integration_id, copy.record_id, relevant_version, window_opened_at, due_at,
          window_reason, window_fields, window_changed_by, push_priority, window_effect
        from copy, record_syncs
        where record_syncs.record_id = (select record_id from records where external_id = 'e0')
        `.execute(trx);
    });
}

it.each([
  ['the third party is down', true],
  ['only writes fail', false],
])(
  'rule 11: costs at most 200 calls if %s, and each push is delivered once afterwards',
  async (_title, isDown) => {
    environment.resetLedger();
    const tenant = await environment.tenant();
    const integrationId = await tenant.integration({
      typeSettings: { employees: { brakes: { push_create: { count: 1e9, share: 1, windowHours: 1 } } } },
    });
    const down = () => new Unavailable('Service Unavailable', 503);
    environment.ledger.answer = down;
    if (isDown) environment.ledger.checkAnswer = down;
    await givenDuePushes(tenant);
    const heapBefore = heapMiB();
    const startedAt = performance.now();
    await environment.sleep(GRACE_MS + 12 * HOUR);
    const { refusals, checks } = environment.ledger;
    const failing = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx
        .selectFrom('recordSyncs')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .where('status', '=', 'sync_failed')
        .executeTakeFirstOrThrow(),
    );
    const outageMs = performance.now() - startedAt;
    const heapAfter = heapMiB();

    environment.resetLedger();
    for (let tries = 0; tenant.sent(integrationId).length < PUSHES && tries < 500; tries += 1)
      await environment.sleep(6 * MINUTE);
    await environment.sleep(HOUR);

    process.stderr.write(
      `${PUSHES} pushes: ${refusals + checks} calls, outage ${Math.round(outageMs)} ms, ` +
        `delivery ${Math.round(performance.now() - startedAt - outageMs)} ms, ` +
        `heap ${heapBefore} MiB before the outage, ${heapAfter} MiB after it\n`,
    );
    expect(refusals + checks).toBeLessThanOrEqual(200);
    expect(Number(failing.count)).toBe(PUSHES);
    const sent = tenant.sent(integrationId).map(({ externalId }) => externalId);
    expect(sent).toHaveLength(PUSHES);
    expect(new Set(sent).size).toBe(PUSHES);
  },
  TIMEOUT_MS,
);
