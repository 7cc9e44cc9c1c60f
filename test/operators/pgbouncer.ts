/** PgBouncer of Debian in transaction mode: a transaction gets whichever server connection is free. */
import fs from 'node:fs';
import path from 'node:path';
import { startProcess, waitUntilReady } from '../../dev/start/processes';
import { findPostgresBinaries } from '../../dev/tools/postgres-binaries';
import { freePort } from '../support/servers/free-port';
import { temporaryFolder } from '../support/servers/shared-servers';
import { Client } from 'pg';

export interface PgBouncer {
  /** As `databaseUrl`, through PgBouncer. */
  url: string;
  stop(): Promise<void>;
}

export async function startPgBouncer(databaseUrl: string): Promise<PgBouncer> {
  const server = new URL(databaseUrl);
  const [folder, port] = [temporaryFolder('pgbouncer'), await freePort()];
  const upstream = `host=${server.hostname} port=${server.port} user=${server.username}`;
  const password = `password='${decodeURIComponent(server.password)}'`;
  const settings = [
    '[databases]',
    `* = ${upstream} ${password}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 4',
  ];
  const file = path.join(folder, 'pgbouncer.ini');
  fs.writeFileSync(file, settings.join('\n'));
  fs.chmodSync(folder, 0o711);
  const child = await startProcess({
    name: 'PgBouncer',
    command: 'pgbouncer',
    args: [file],
    logFile: path.join(folder, 'log'),
    ...findPostgresBinaries().runAs, // it refuses to run as root
  });
  const url = new URL(databaseUrl);
  url.port = String(port);
  await waitUntilReady(child, () => answers(url.href));
  return { url: url.href, stop: () => child.stop() };
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
