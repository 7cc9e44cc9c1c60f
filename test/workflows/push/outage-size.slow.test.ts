/**
 * An outage of 12 hours with many waiting pushes (rules.md 11, 58, 60). `OUTAGE_PUSHES` sets how many:
 * 5,000 by default.
 */
import { Unavailable } from '../../../connectors/errors';
import { MINUTE, PushEnvironment, GRACE_MS } from '../../support/environments/push-environment';

const HOUR = 60 * MINUTE;
const PUSHES = Number(process.env.OUTAGE_PUSHES ?? 5_000);
const CHUNK = 500;
let environment: PushEnvironment;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());

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
    for (let first = 0; first < PUSHES; first += CHUNK)
      await tenant.accept(
        ...Array.from({ length: Math.min(CHUNK, PUSHES - first) }, (_, index) => ({
          externalId: `e${first + index}`,
          fields: { name: `N${first + index}` },
        })),
      );
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
    const heapMiB = process.memoryUsage().heapUsed / 2 ** 20;

    environment.resetLedger();
    for (let tries = 0; tenant.sent(integrationId).length < PUSHES && tries < 500; tries += 1)
      await environment.sleep(6 * MINUTE);
    await environment.sleep(HOUR);

    process.stderr.write(
      `${PUSHES} pushes: ${refusals + checks} calls, outage ${Math.round(outageMs)} ms, ` +
        `delivery ${Math.round(performance.now() - startedAt - outageMs)} ms, heap ${Math.round(heapMiB)} MiB\n`,
    );
    expect(refusals + checks).toBeLessThanOrEqual(200);
    expect(Number(failing.count)).toBe(PUSHES);
    const sent = tenant.sent(integrationId).map(({ externalId }) => externalId);
    expect(sent).toHaveLength(PUSHES);
    expect(new Set(sent).size).toBe(PUSHES);
  },
  1_200_000,
);
