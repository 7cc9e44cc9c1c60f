/**
 * Starts PostgreSQL and Temporal, each only if the environment does not name one.
 */
import path from 'node:path';
import { Client } from 'pg';
import { migrateToLatest } from '../../db/migrate';
import { onFreePorts, type Ports } from './addresses';
import { stateFolder } from '../tools/paths';
import { startPostgres } from './postgres';
import { reachableParent } from '../tools/postgres-binaries';
import { note, reportFetch, step } from './progress';
import type { Secrets } from './secrets';
import { logFile, privateFolder } from './state';
import { startTemporalServer } from './temporal';

export interface Stores {
  /** With the newest schema. */
  databaseUrl: string;
  temporalAddress: string;
  temporalUiUrl: string | null;
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect().catch((error: Error & { code?: string }) => {
    const isStalled = error.code === '28P01';
    throw isStalled
      ? new Error(
          'The password in .syncline/secrets.json does not fit the database in .syncline. ' +
            'Restore that file, or delete .syncline to start over.',
        )
      : error;
  });
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  await client.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function embeddedDatabase(
  port: number,
  { installation, postgresPassword: password }: Secrets,
): Promise<string> {
  const dataFolder = path.join(reachableParent(stateFolder, installation), 'postgres');
  const { url } = await startPostgres({ dataFolder, logFile: logFile('postgres'), port, password });
  return createDatabase(url, 'syncline');
}

/** Migrates the database that `npm start` runs itself: deleting its folder is how to start over. */
export function migrateEmbedded(url: string): Promise<string[]> {
  return migrateToLatest(url, { startOver: 'delete the .syncline folder and run npm start again' });
}

async function database(ports: Ports, secrets: Secrets): Promise<string> {
  const given = process.env.DATABASE_URL;
  if (given) {
    await step('schema of the database of DATABASE_URL', () => migrateToLatest(given));
    return given;
  }
  const url = await step('PostgreSQL', () =>
    onFreePorts(ports, ['POSTGRES_PORT'], note, () => embeddedDatabase(ports.POSTGRES_PORT, secrets)),
  );
  await step('schema of the database', () => migrateEmbedded(url));
  return url;
}

async function temporal(ports: Ports): Promise<Omit<Stores, 'databaseUrl'>> {
  if (process.env.TEMPORAL_ADDRESS)
    return { temporalAddress: process.env.TEMPORAL_ADDRESS, temporalUiUrl: null };
  const start = () =>
    startTemporalServer({
      logFile: logFile('temporal'),
      port: ports.TEMPORAL_PORT,
      uiPort: ports.TEMPORAL_UI_PORT,
      databaseFile: path.join(privateFolder('temporal'), 'temporal.db'),
      onFetch: reportFetch,
    });
  const { address, uiUrl } = await step('Temporal', () =>
    onFreePorts(ports, ['TEMPORAL_PORT', 'TEMPORAL_UI_PORT'], note, start),
  );
  return { temporalAddress: address, temporalUiUrl: uiUrl ?? null };
}

/** Both at once. Throws the first failure without waiting for the other. */
export async function startStores(ports: Ports, secrets: Secrets): Promise<Stores> {
  const [databaseUrl, temporalServer] = await Promise.all([database(ports, secrets), temporal(ports)]);
  return { databaseUrl, ...temporalServer };
}
