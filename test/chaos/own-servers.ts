/** A PostgreSQL and a Temporal server of a batch of its own, which can be restarted and killed. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { migrateToLatest } from '../../db/migrate';
import { type PostgresServer, startPostgres } from '../../dev/start/postgres';
import { startTemporalServer, type TemporalServer } from '../../dev/start/temporal';
import { freePort } from '../support/servers/free-port';
import { temporaryFolder } from '../support/servers/shared-servers';
import { until } from '../support/until';

export async function createPostgres() {
  const folder = temporaryFolder('postgres');
  fs.chmodSync(folder, 0o711);
  const [port, password] = [await freePort(), randomBytes(12).toString('hex')];
  const options = {
    dataFolder: path.join(folder, 'data'),
    logFile: path.join(folder, 'log'),
    port,
    password,
  };
  const start = (): Promise<PostgresServer> =>
    startPostgres({
      ...options,
      isThrowaway: true,
      settings: { synchronous_commit: 'on', max_connections: '60' },
    });
  let server = await start();
  await migrateToLatest(server.url);
  return {
    port,
    url: () => server.url,
    async restart(how: 'stop' | 'kill') {
      if (how === 'stop') await server.stop();
      else server.process.kill();
      await server.process.ended;
      // After a kill its orphaned backends hold the memory for a moment.
      await until('PostgreSQL runs again', async () => {
        server = await start();
        return true;
      });
    },
    stop: () => server.stop(),
  };
}

export async function createTemporal() {
  const [folder, port] = [temporaryFolder('temporal'), await freePort()];
  const start = (): Promise<TemporalServer> =>
    startTemporalServer({
      logFile: path.join(folder, 'log'),
      databaseFile: path.join(folder, 'temporal.db'),
      port,
    });
  let server = await start();
  return {
    port,
    async restart() {
      server.process.kill();
      await server.process.ended;
      server = await start();
    },
    stop: () => server.stop(),
  };
}
