/**
 * Sessions of each connector with third parties that do harm: 2,000 in CI, and as many as HOSTILE_SESSIONS
 * says. `HOSTILE_SEED=…` repeats one session.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client } from 'pg';
import { closeConnections } from '../../egress/http-client';
import { loopbackPolicy } from '../connectors/suite/given';
import { testSeed } from '../support/random';
import { createTestDatabase } from '../support/environments/database';
import { until } from '../support/until';
import { EventLoopWatch } from './event-loop-watch';
import { type HealthyTenant, startHealthyTenant } from './healthy-tenant';
import { programsBelow, residentMib } from './process-memory';
import { sessionSeed } from './session-seeds';
import { type SessionEnvironment, runSession } from './sessions';
import { startHostileThirdParties } from './third-parties';

const onlySeed = process.env['HOSTILE_SEED'];
const SESSIONS = onlySeed === undefined ? Number(process.env['HOSTILE_SESSIONS'] ?? 2_000) : 1;
const AT_ONCE = 24;
const WARM_UP = 10;
/** The memory is measured after each. */
const BATCH = 250;
const EVENT_LOOP_MS_MAX = 1_000;
const MEMORY_MIB_MAX = 50;
const CHANGE_MS_MAX = 5_000;
const READERS_GONE_WITHIN_MS = 60_000;
const MIB = 1024 * 1024;

let environment: SessionEnvironment;
let healthy: HealthyTenant;

beforeAll(async () => {
  const database = await createTestDatabase({ isEmpty: true });
  const { port, username, password, pathname } = new URL(database.url);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    create table staff (id bigint primary key, name text, data jsonb, photo bytea, updated_at timestamptz);
    create index on staff (updated_at, id);
    insert into staff select n, 'Name ' || n, '{"a": [1, 2]}', '\\x0102', '2026-06-01'::timestamptz + n * interval '1 h'
    from generate_series(1, 1000) as n`);
  await client.end();
  const thirdParties = await startHostileThirdParties(Number(port));
  environment = {
    thirdParties,
    policy: { ...loopbackPolicy, ca: thirdParties.ca },
    login: { user: username, password: decodeURIComponent(password) },
    database: pathname.slice(1),
  };
  healthy = await startHealthyTenant();
}, 60_000);

afterAll(async () => {
  environment?.thirdParties.stop();
  await Promise.all([environment?.policy, loopbackPolicy].map((policy) => closeConnections(policy)));
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Memory {
  heap: number;
  resident: number;
}
function memory(): Memory {
  collectGarbage();
  return { heap: process.memoryUsage().heapUsed / MIB, resident: residentMib(process.pid) };
}

/** What did not come back, in MiB, when it had the time to. */
async function grownSince(before: Memory): Promise<Memory> {
  let grown: Memory = { heap: Infinity, resident: Infinity };
  for (let tries = 0; tries < 20; tries += 1) {
    const now = memory();
    grown = { heap: now.heap - before.heap, resident: now.resident - before.resident };
    if (Math.max(grown.heap, grown.resident) <= MEMORY_MIB_MAX) break;
    await sleep(500);
  }
  return grown;
}

test(
  'rule 60: hostile third parties harm neither the event loop, nor the memory, nor a healthy tenant',
  async () => {
    // The first sessions load code.
    for (let number = -WARM_UP; number < 0; number += 1)
      await runSession(environment, sessionSeed(testSeed, number));
    const begin = performance.now();
    const watch = new EventLoopWatch();
    const violations: string[] = [];
    const outcomes = new Map<string, number>();
    let connections = 0;
    const runOne = async (number: number): Promise<void> => {
      const seed = onlySeed === undefined ? sessionSeed(testSeed, number) : Number(onlySeed);
      watch.begin(number);
      const result = await runSession(environment, seed);
      const lateMs = watch.end(number);
      connections += result.connections;
      const outcome = `${result.name}: ${result.outcome}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const report = (what: string) =>
        violations.push(`session ${number} (HOSTILE_SEED=${seed}, ${result.name}): ${what}`);
      if (onlySeed !== undefined) process.stdout.write(`${outcome} ${result.message}\n`);
      if (result.harm !== null) report(result.harm);
      if (lateMs > EVENT_LOOP_MS_MAX) report(`the event loop stood still for ${lateMs.toFixed(0)} ms`);
    };

    let before: Memory | null = null;
    let most: Memory = { heap: 0, resident: 0 };
    for (let first = 0; first < SESSIONS; first += BATCH) {
      const end = Math.min(first + BATCH, SESSIONS);
      let next = first;
      const runSome = async () => {
        while (next < end) await runOne(next++);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, runSome));
      // The first sessions load code and fill caches.
      before ??= memory();
      const grown = await grownSince(before);
      if (Math.max(grown.heap, grown.resident) > MEMORY_MIB_MAX)
        violations.push(
          `sessions ${first} to ${end - 1}: ${grown.heap.toFixed(0)} MiB of heap and ` +
            `${grown.resident.toFixed(0)} MiB of memory did not come back`,
        );
      process.stdout.write(`  ${end} sessions, ${violations.length} violations\n`);
      most = { heap: Math.max(most.heap, grown.heap), resident: Math.max(most.resident, grown.resident) };
    }
    watch.stop();
    const { longestMs, failures } = await healthy.stop();
    violations.push(...failures.map((message) => `a healthy change failed: ${message}`));
    if (longestMs > CHANGE_MS_MAX) violations.push(`a healthy change took ${longestMs.toFixed(0)} ms`);
    const readers = () => programsBelow(process.pid, 'reader-process');
    await until('the reader processes have ended', () => readers().length === 0, READERS_GONE_WITHIN_MS);

    const seconds = (performance.now() - begin) / 1_000;
    process.stdout.write(
      `${[...outcomes]
        .map(([outcome, count]) => `  ${count} × ${outcome}`)
        .sort()
        .join('\n')}\n` +
        `hostile: ${SESSIONS} sessions with ${connections} connections, TEST_SEED=${testSeed}, ` +
        `${violations.length} violations, event loop ${watch.longest.toFixed(0)} ms late at most, ` +
        `heap ${most.heap.toFixed(0)} MiB and memory ${most.resident.toFixed(0)} MiB more at most, ` +
        `a healthy change took ${longestMs.toFixed(0)} ms at most, ${seconds.toFixed(0)} s\n`,
    );
    expect(violations).toEqual([]);
  },
  120_000 + SESSIONS * 500,
);
