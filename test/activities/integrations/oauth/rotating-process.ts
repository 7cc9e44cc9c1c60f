/**
 * A worker that uses tokens all the time, in a process of its own, so that it can die with -9 at any point of
 * a rotation. It says on its standard output what it saw.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unauthorized } from '../../../../connectors/errors';
import { Database } from '../../../../db/database';
import { Random } from '../../../support/random';
import { type GivenAccount, QUICK, tokensOfWorker } from './given-account';

export interface RotatingOptions {
  databaseUrl: string;
  apiUrl: string;
  accounts: GivenAccount[];
  seed: number;
  /** Of a death in one rotation. */
  deathChance: number;
}

const STDOUT = 1;
const say = (words: string) => void writeSync(STDOUT, `${words}\n`);

function die(point: string): void {
  say(`died ${point}`);
  process.kill(process.pid, 'SIGKILL');
}

async function main(): Promise<void> {
  const options = JSON.parse(process.env['ROTATING'] ?? '') as RotatingOptions;
  const random = new Random(options.seed);
  const database = new Database({
    url: options.databaseUrl,
    poolSize: 2,
    statementTimeoutMs: 20_000,
    waitForConnectionMs: 20_000,
  });
  const at = (point: 'leased' | 'answered' | 'stored'): void => {
    if (!random.chance(options.deathChance)) return;
    // The request is under way in between.
    if (point === 'leased' && random.chance(0.7)) setTimeout(() => die('asking'), random.between(0, 40));
    else die(point);
  };
  for (;;) {
    const account = random.pick(options.accounts);
    // Without a cache: each use reads the row.
    const worker = tokensOfWorker(database, account, { at, times: QUICK });
    try {
      const { value } = await worker.current();
      const headers = { authorization: `Bearer ${value}` };
      const { status } = await fetch(`${options.apiUrl}/me`, { headers });
      if (status !== 200) say(`refused token: ${status}`);
    } catch (error) {
      if (error instanceof Unauthorized) say(`lost: ${error.message}`);
    }
    await sleep(random.between(0, 60));
  }
}

void main();
