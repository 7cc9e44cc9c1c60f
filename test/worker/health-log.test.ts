/** What the log of a process says about its surroundings while no supervisor asks /readyz. */
import { Database } from '../../db/database';
import { askDatabase } from '../../db/platform/database-health';
import type { Findings } from '../../domain/health';
import { logFindings } from '../../runtime/health-log';
import { createLog } from '../../runtime/log';
import { createTestDatabase } from '../support/environments/database';
import { until } from '../support/until';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const lines: Record<string, unknown>[] = [];
function start(ask: () => Promise<Findings>, repeatAfterMs?: number): void {
  lines.length = 0;
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) };
  const log = createLog({ process: 'worker', level: 'info', destination });
  const started = logFindings({
    ask,
    log,
    everyMs: 5,
    ...(repeatAfterMs === undefined ? {} : { repeatAfterMs }),
  });
  stops.push(() => started.stop());
}

it.each([
  [3_600_000, '3600 s ahead of', 50],
  [-3_600_000, '3600 s behind', 50],
  [7_000, '7 s ahead of', 40],
])('X8: says that the clock is %i ms off, and when it is right again', async (skewMs, words, level) => {
  const { url, drop } = await createTestDatabase();
  const database = new Database({ url, poolSize: 1, statementTimeoutMs: 10_000 });
  stops.push(drop, () => database.close());
  const now = Date.now.bind(Date);
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + skewMs);

  start(() => askDatabase(database, 10_000));
  await until('a line of the log', () => lines.length > 0);
  clock.mockRestore();
  await until('a line of the log', () => lines.length > 1);

  expect(lines).toEqual([
    expect.objectContaining({ level, check: 'clock', detail: expect.stringContaining(words) }),
    expect.objectContaining({ check: 'clock', msg: 'a health check is ok again' }),
  ]);
});

it('says it once, when it gets worse, and again after a time', async () => {
  let status: 'warning' | 'failed' = 'warning';
  let asked = 0;
  const ask = async () => ({ clock: { status, detail: `asked ${(asked += 1)} times` } });
  start(ask);
  await until('a question', () => asked > 5);
  status = 'failed';
  const before = asked;
  await until('a question', () => asked > before + 3);
  expect(lines).toHaveLength(2);
  for (const stop of stops.splice(0)) await stop();

  start(ask, 20);
  await until('a line of the log', () => lines.length > 2);
  expect(lines.at(-1)).toMatchObject({ check: 'clock' });
});

it('is silent while everything is well', async () => {
  let asked = 0;
  start(async () => {
    asked += 1;
    return { clock: { status: 'ok' } };
  });
  await until('a question', () => asked > 5);

  expect(lines).toEqual([]);
});
