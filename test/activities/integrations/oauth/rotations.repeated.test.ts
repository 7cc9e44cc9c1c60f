/**
 * Decision 0030 in proof: 16 worker processes use the same accounts, the provider rotates refresh tokens,
 * detects their reuse, is slow, loses and doubles answers, and the workers die with -9 at each point of a
 * rotation. No account is lost. ROTATIONS=1000 sets how many new pairs of tokens are stored.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { build } from 'esbuild';
import { Unauthorized } from '../../../../connectors/errors';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../../connectors/suite/given';
import { GivenTenant, openTestDb, type TestDb } from '../../../db/given';
import { temporaryFolder } from '../../../support/servers/shared-servers';
import { HostileIssuer, type Mishap } from '../../../support/servers/hostile-issuer';
import { Random, testSeed } from '../../../support/random';
import { repetitions } from '../../../support/tier';
import { until } from '../../../support/until';
import { type GivenAccount, givenAccount, QUICK, tokensOfWorker } from './given-account';
import type { RotatingOptions } from './rotating-process';

const WORKERS = 16;
const ACCOUNTS = 12;
const DEATH_CHANCE = 0.04;
const ROTATIONS = Number(process.env['ROTATIONS'] ?? repetitions({ quick: 60, full: 1_000 }));
/** With fewer the test would prove nothing. */
const LEAST_DEATHS = Math.ceil(ROTATIONS * DEATH_CHANCE * 0.5);
const MISHAPS: Record<Mishap | 'none', number> = {
  none: 72,
  lose: 6,
  slow: 4,
  double: 4,
  html: 3,
  no_token: 2,
  fail: 3,
  limit: 2,
  busy: 2,
  wrong_client: 2,
};
/** Of the workers' own clocks. */
const SHIFTS_MS = [0, 0, 3_600_000, -3_600_000];

let db: TestDb;
let issuer: HostileIssuer;
let accounts: GivenAccount[];
const seen: string[] = [];
const children = new Set<ChildProcess>();
let isStopping = false;
let seed = testSeed;

beforeAll(async () => {
  db = await openTestDb();
  const random = new Random();
  issuer = await HostileIssuer.start({ expiresIn: 1 });
  issuer.chooseMishap = () => {
    const chosen = random.weighted(MISHAPS);
    if (chosen === 'none') return undefined;
    seen.push(`mishap ${chosen}`);
    return chosen;
  };
  const tenant = await GivenTenant.create(db);
  accounts = [];
  for (let index = 0; index < ACCOUNTS; index += 1) accounts.push(await givenAccount(tenant, issuer));
});

afterAll(async () => {
  await stopWorkers();
  await closeConnections(loopbackPolicy);
  await issuer?.stop();
  await db?.end();
});

/** With its packages: only what is not needed, or not JavaScript, stays outside. */
async function bundle(): Promise<string> {
  const outfile = path.join(temporaryFolder('rotating'), 'worker.cjs');
  await build({
    entryPoints: [path.join(__dirname, 'rotating-process.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['pg-native', '@temporalio/*'],
    logLevel: 'error',
  });
  return outfile;
}

/** Another one takes the place of a worker that dies. */
function startWorker(file: string, place: number): void {
  const options: RotatingOptions = {
    databaseUrl: db.url,
    apiUrl: issuer.url,
    accounts,
    seed: (seed += 1),
    deathChance: DEATH_CHANCE,
  };
  const shift = SHIFTS_MS[place % SHIFTS_MS.length];
  const clock = path.join(__dirname, '../../../support/shifted-clock.cjs');
  const child = spawn(process.execPath, ['--require', clock, file], {
    env: { ROTATING: JSON.stringify(options), CLOCK_SHIFT_MS: String(shift) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.stdout.setEncoding('utf8').on('data', (text: string) => seen.push(...text.trim().split('\n')));
  child.once('exit', (code) => {
    children.delete(child);
    if (code !== null) seen.push(`ended by itself with ${code}`);
    if (!isStopping) startWorker(file, place);
  });
}

async function stopWorkers(): Promise<void> {
  isStopping = true;
  for (const child of children) child.kill('SIGKILL');
  await until('all workers have ended', () => children.size === 0);
}

const stored = async () =>
  Number((await db.superuser('select sum(generation - 1)::int as count from oauth_accounts'))[0]?.['count']);
const count = (words: string) => seen.filter((line) => line.startsWith(words)).length;
const countsOf = (kind: string, names: readonly string[]) =>
  names.map((name) => `${name} ${count(`${kind} ${name}`)}`).join(', ');

it(
  `loses no account in ${ROTATIONS} rotations`,
  async () => {
    const file = await bundle();
    for (let place = 0; place < WORKERS; place += 1) startWorker(file, place);

    await until(
      `${ROTATIONS} pairs of tokens were stored, and ${LEAST_DEATHS} workers have died`,
      async () => count('lost') > 0 || ((await stored()) >= ROTATIONS && count('died') >= LEAST_DEATHS),
      60_000 + ROTATIONS * 2_000,
    );
    await stopWorkers();
    issuer.chooseMishap = () => undefined;

    const lost: string[] = [];
    for (const account of accounts) {
      const token = await until('the account has a token', () =>
        tokensOfWorker(db.database, account, { times: QUICK })
          .current()
          .catch((error: unknown) => (error instanceof Unauthorized ? error : undefined)),
      );
      if (token instanceof Error || !issuer.accepts(token.value)) lost.push(account.integrationId);
    }
    console.info(
      `rotations: seed ${testSeed}, stored ${await stored()}, issued ${issuer.rotations}; ` +
        `died ${countsOf('died', ['leased', 'asking', 'answered', 'stored'])}; ` +
        `answers ${countsOf('mishap', Object.keys(MISHAPS).slice(1))}; lost accounts ${lost.length}`,
    );
    expect(lost).toEqual([]);
    expect(seen.filter((line) => /^(lost|refused|ended)/.test(line))).toEqual([]);
  },
  120_000 + ROTATIONS * 3_000,
);
