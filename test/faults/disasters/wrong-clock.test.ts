/**
 * A machine whose clock is an hour wrong runs api and worker, while PostgreSQL and Temporal have the right
 * time: nothing is pushed early, late or twice, and `/readyz` says what is wrong.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectFolder } from '../../../dev/tools/paths';
import { startLoad } from '../../support/clients/load';
import { type Product, startProduct } from '../../support/environments/product';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../../support/servers/ledger-server';
import { until } from '../../support/until';

const HOUR_MS = 3_600_000;
const SHIFT = path.join(projectFolder, 'test/support/shifted-clock.cjs');
let product: Product | undefined;
let ledger: LedgerServer | undefined;

afterEach(async () => {
  await product?.stop();
  await ledger?.stop();
});

it.each([
  ['ahead', HOUR_MS],
  ['behind', -HOUR_MS],
])(
  'pushes each change once and in time with a clock that is an hour %s',
  async (word, shiftMs) => {
    const servers = await startLedgerServer();
    ledger = servers;
    product = await startProduct({
      env: { NODE_OPTIONS: `--require ${SHIFT}`, CLOCK_SHIFT_MS: String(shiftMs) },
    });
    const tenant = await product.givenTenant();
    const settings = { grace_period_ms: 2_000 };
    await tenant.api.must('POST', '/v1/integrations', ledgerIntegration(servers.url, 'main', settings));

    const load = startLoad(tenant, { perSecond: 10, prefix: 'clock', isDatabaseWell: true });
    await sleep(4_000);
    await load.stop();

    expect(load.writes.filter(({ answer }) => answer?.status !== 202)).toEqual([]);
    await until(
      'everything is synced',
      async () => (await tenant.api.list('/v1/record-syncs?status=synced')).length === load.writes.length,
    );
    const dueAt = new Map(
      load.writes.map(({ externalId, answer }) => [externalId, Date.parse(answer?.body.syncs[0].due_at)]),
    );
    const calls = servers.changes('main');
    expect(calls).toHaveLength(load.writes.length);
    expect(calls.filter((call) => call.at < (dueAt.get(call.externalId as string) as number))).toEqual([]);
    const ready = await tenant.api.call('GET', '/readyz');
    expect(ready.status).toBe(503);
    expect(ready.body.context.checks.clock).toMatchObject({
      status: 'failed',
      detail: expect.stringMatching(new RegExp(`^The clock of this machine is 3[56]\\d\\d s ${word}`)),
    });
  },
  120_000,
);
