/**
 * The first import of a PostgreSQL table behind a network: in one piece by one worker, then in four ranges by
 * two workers.
 */
import net, { type AddressInfo } from 'node:net';
import { Database } from '../../db/database';
import type { BenchEnvironment } from '../environment';
import { rounded } from '../measure';
import { linkTable, type Product } from '../product';
import { timeRun } from '../pull/runs';
import type { Line } from '../report';

/** A page takes eight round trips, so the database answers a page in 100 ms. */
const ROUND_TRIP_MS = 12;
const ROWS = { whole: 1_000_000, quick: 100_000 };
const say = (text: string): void => console.log(`  ${text}`);

interface Servers {
  serverUrl: string;
  databaseUrl: string;
  product: Product;
}

/** The product has one worker with the settings of a new installation before and afterwards. */
export async function timePullRanges(
  environment: BenchEnvironment,
  { serverUrl, databaseUrl, product }: Servers,
  { isQuick }: { isQuick: boolean },
): Promise<{ rows: number; wholeSeconds: number; rangesSeconds: number }> {
  const rows = isQuick ? ROWS.quick : ROWS.whole;
  const source = new URL(serverUrl);
  const pool = environment.pool(serverUrl, 1);
  await pool.query(`create table contacts as
    select n as id, 'Ada ' || n as first_name, 'Lovelace' as last_name, 'ada.' || n || '@example.com' as email,
      '+44 20 ' || n as phone, 'Company ' || n % 1000 as company
    from generate_series(1, ${rows}) n`);
  await pool.query('alter table contacts add primary key (id)');
  const port = await startDistance(environment, Number(source.port));
  const database = new Database({ url: databaseUrl, poolSize: 2, statementTimeoutMs: 600_000 });
  environment.onClose(() => database.close());
  const place = {
    host: '127.0.0.1',
    port,
    database: source.pathname.slice(1),
    user: decodeURIComponent(source.username),
    password: decodeURIComponent(source.password),
  };
  const timeFirst = async (): Promise<number> => {
    const tenant = await linkTable(product, place);
    const { seconds, records } = await timeRun(database, product.worker, tenant, 'onboarding');
    if (records.created !== rows) throw new Error(`${records.created} of ${rows} rows were imported.`);
    return seconds;
  };

  await product.killWorker();
  await product.startWorker({ PULL_RANGES: '1' });
  say(`${rows} rows of PostgreSQL in one piece by one worker`);
  const wholeSeconds = await timeFirst();
  await product.killWorker();
  await product.startWorker();
  const first = product.worker;
  await product.startWorker();
  say('the same rows in four ranges by two workers');
  const rangesSeconds = await timeFirst();
  await product.killWorker();
  product.worker = first;
  return { rows, wholeSeconds, rangesSeconds };
}

/** A relay to a port of this machine that delays what comes from there. @returns its port */
async function startDistance(environment: BenchEnvironment, upstreamPort: number): Promise<number> {
  const relay = net.createServer((client) => {
    const upstream = net.connect(upstreamPort, '127.0.0.1');
    client.pipe(upstream);
    upstream.on('data', (bytes) => setTimeout(() => client.write(bytes), ROUND_TRIP_MS));
    upstream.on('close', () => setTimeout(() => client.end(), ROUND_TRIP_MS));
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  environment.onClose(async () => void relay.close());
  return (relay.address() as AddressInfo).port;
}

export const linesOfPull = ({
  rows,
  wholeSeconds,
  rangesSeconds,
}: Awaited<ReturnType<typeof timePullRanges>>): Line[] => [
  { what: `${rows} rows of PostgreSQL in one piece by one worker`, value: rounded(wholeSeconds), unit: 's' },
  {
    what: 'in four ranges by two workers, one piece = 1',
    value: rounded(wholeSeconds / rangesSeconds),
    unit: '×',
    goal: { atLeast: 1.6 },
    beside: `${rounded(rangesSeconds)} s`,
  },
];
