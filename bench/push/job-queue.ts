/**
 * Peer: the same reads and writes on graphile-worker, from the first change to the last push less the grace
 * period.
 */
import fs from 'node:fs';
import path from 'node:path';
import { isInstalled } from '../../dev/tools/ensure-dependencies.mjs';
import { projectFolder } from '../../dev/tools/paths';
import { freePort } from '../../dev/start/ports';
import { answersHttp, runToEnd, waitUntilReady } from '../../dev/start/processes';
import { newUuid } from '../../db/sql/ids';
import { employees, inBatches } from '../employees';
import { eachOf } from '../measure';
import type { BenchEnvironment } from '../environment';
import { BATCH, REQUESTS_AT_ONCE } from './acceptance';
import { createPeerTenant } from './peer-tables';
import { endOfPeer, type PeerRun } from './peer-run';

const folder = path.join(projectFolder, 'bench/peers');

/**
 * Installs the peers if they are not there yet. npm hands its settings to what it runs; engine-strict is the
 * main tree's.
 */
export async function ensurePeers(): Promise<void> {
  if (isInstalled(folder)) return;
  console.log('  installing the peers of the benchmark (npm ci in bench/peers) …');
  await runToEnd('npm', ['ci', '--loglevel=error', '--engine-strict=false'], { cwd: folder });
}

/** `isSqueezed`: each push in two statements instead of the product's own (peer-squeezed.ts). */
export async function runJobQueue(
  environment: BenchEnvironment,
  serverUrl: string,
  { count, graceMs, isSqueezed = false }: { count: number; graceMs: number; isSqueezed?: boolean },
): Promise<PeerRun> {
  const name = `job_queue_${Date.now()}`;
  const databaseUrl = await environment.createDatabase(serverUrl, name);
  const pool = environment.pool(databaseUrl);
  const tenant = { tenantId: newUuid(), integrationId: newUuid() };
  const client = await pool.connect();
  await createPeerTenant(client, tenant);
  client.release();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const env = {
    DATABASE_URL: databaseUrl,
    TENANT_ID: tenant.tenantId,
    INTEGRATION_ID: tenant.integrationId,
    GRACE_MS: String(graceMs),
  };
  const runner = await environment.startNode(
    `${name}-run`,
    'bench/push/job-queue-process.ts',
    env,
    isSqueezed ? ['run', 'squeezed'] : ['run'],
  );
  // Its schema is there too.
  await waitUntilReady(runner, () => fs.readFileSync(runner.logFile, 'utf8').includes('peer running'));
  const server = await environment.startNode(`${name}-accept`, 'bench/push/job-queue-process.ts', env, [
    'accept',
    String(port),
  ]);
  await waitUntilReady(server, () => answersHttp(url));

  const bodies = inBatches(employees(count), BATCH).map((records) => JSON.stringify({ records }));
  const startedAt = Date.now();
  await eachOf(bodies, REQUESTS_AT_ONCE, async (body) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (!response.ok) throw new Error(`The peer answered ${response.status}: ${await response.text()}`);
  });
  const acceptedPerSecond = (count / (Date.now() - startedAt)) * 1_000;
  const endedAt = await endOfPeer(pool, tenant, { count, withinMs: graceMs + 120_000 });
  await Promise.all([runner.stop(2_000), server.stop(2_000)]);
  return { acceptedPerSecond, totalSeconds: (endedAt - startedAt - graceMs) / 1_000 };
}
