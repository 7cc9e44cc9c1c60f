/** Starts what Syncline stands on: PostgreSQL, Temporal, a third party and a mailbox. Each only if none was given by the environment. */
import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { migrateToLatest } from '../db/migrate';
import type { PortName } from './addresses';
import { setUpEmployees } from './employees-in-pocketbase';
import { startMailSink } from './mail-sink';
import { inState, stateFolder } from './paths';
import { servePocketBase, type PocketBaseLogin } from './pocketbase';
import { startPostgres } from './postgres';
import { reachableParent } from './postgres-binaries';
import { note, step } from './progress';
import type { Secrets } from './secrets';
import { startTemporalServer } from './temporal';

export interface Servers {
  databaseUrl: string;
  temporal: { address: string; uiUrl: string | null };
  thirdParty: { url: string; superuser: PocketBaseLogin; user: PocketBaseLogin };
  mail: { smtpUrl: string; pageUrl: string | null };
}

/** A folder inside `.syncline/` that nobody else can look into. */
function privateFolder(name: string): string {
  const folder = inState(name);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** A log of this run; that of the run before is kept beside it. */
export function logFile(name: string): string {
  const file = path.join(privateFolder('logs'), `${name}.log`);
  if (fs.existsSync(file)) fs.renameSync(file, `${file}.previous`);
  return file;
}

const onFetch = (what: string): void => note(`fetching ${what} …`);

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect().catch((error: Error & { code?: string }) => {
    const isForgotten = error.code === '28P01';
    throw isForgotten ? new Error('.syncline/secrets.json is not the one that the data in .syncline belongs to. Restore it, or delete .syncline to begin anew.') : error;
  });
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  await client.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function embeddedDatabase(port: number, { installation, postgresPassword: password }: Secrets): Promise<string> {
  const dataFolder = path.join(reachableParent(stateFolder, installation), 'postgres');
  const { url } = await startPostgres({ dataFolder, logFile: logFile('postgres'), port, password });
  return createDatabase(url, 'syncline');
}

async function database(port: number, secrets: Secrets): Promise<string> {
  const given = process.env.DATABASE_URL;
  const url = given ?? (await step('PostgreSQL', () => embeddedDatabase(port, secrets)));
  await step(given ? 'schema of the database of DATABASE_URL' : 'schema of the database', () => migrateToLatest(url));
  return url;
}

async function temporal(port: number, uiPort: number): Promise<Servers['temporal']> {
  if (process.env.TEMPORAL_ADDRESS) return { address: process.env.TEMPORAL_ADDRESS, uiUrl: null };
  const options = { logFile: logFile('temporal'), port, uiPort, databaseFile: path.join(privateFolder('temporal'), 'temporal.db'), onFetch };
  const { address, uiUrl } = await step('Temporal', () => startTemporalServer(options));
  return { address, uiUrl: uiUrl ?? null };
}

async function thirdParty(port: number, secrets: Secrets): Promise<Servers['thirdParty']> {
  const superuser = { email: 'admin@example.com', password: secrets.pocketBasePassword };
  const user = { email: 'syncline@example.com', password: secrets.pocketBaseUserPassword };
  return step('PocketBase, the third party', async () => {
    const { url } = await servePocketBase({ dataFolder: privateFolder('pocketbase'), logFile: logFile('pocketbase'), port, superuser, onFetch });
    await setUpEmployees(url, superuser, user);
    return { url, superuser, user };
  });
}

async function mail(smtpPort: number, pagePort: number): Promise<Servers['mail']> {
  if (process.env.SMTP_URL) return { smtpUrl: process.env.SMTP_URL, pageUrl: null };
  const options = { folder: privateFolder('mail'), logFile: logFile('mail-sink'), smtpPort, pagePort, onFetch };
  return step('mail sink', () => startMailSink(options));
}

/** All at once, for they do not need each other. Throws the first failure without waiting for the rest. */
export async function startServers(ports: Record<PortName, number>, secrets: Secrets): Promise<Servers> {
  const [databaseUrl, temporalServer, pocketBase, mailSink] = await Promise.all([
    database(ports.POSTGRES_PORT, secrets),
    temporal(ports.TEMPORAL_PORT, ports.TEMPORAL_UI_PORT),
    thirdParty(ports.POCKETBASE_PORT, secrets),
    mail(ports.SMTP_PORT, ports.MAIL_PORT),
  ]);
  return { databaseUrl, temporal: temporalServer, thirdParty: pocketBase, mail: mailSink };
}
