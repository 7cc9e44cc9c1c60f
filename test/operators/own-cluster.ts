/** A cluster of its own with Debian's PostgreSQL, whose programs include pg_dump. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { type PostgresServer, startPostgres } from '../../dev/start/postgres';
import { findPostgresBinaries } from '../../dev/tools/postgres-binaries';
import { freePort } from '../support/servers/free-port';
import { temporaryFolder } from '../support/servers/shared-servers';

const DEBIAN = '/usr/lib/postgresql';
const majors = () => fs.readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a));

export interface Cluster {
  server: PostgresServer;
  administrator(...statements: string[]): Promise<unknown[]>;
  /** A user that owns a database of the same name, and nothing else. Answers its DATABASE_URL. */
  givenOwner(name: string, attributes?: string): Promise<string>;
  /** The administrator in the database of a URL. */
  inDatabase(url: string): string;
}

/** `certificate`: the server accepts TLS with it. */
export async function startCluster(certificate?: { key: string; cert: string }): Promise<Cluster> {
  process.env.PG_BIN ??= path.join(DEBIAN, majors()[0] as string, 'bin');
  const folder = temporaryFolder('cluster');
  fs.chmodSync(folder, 0o711);
  const settings = certificate === undefined ? {} : writeCertificate(folder, certificate);
  const server = await startPostgres({
    dataFolder: path.join(folder, 'data'),
    logFile: path.join(folder, 'log'),
    port: await freePort(),
    password: randomBytes(12).toString('hex'),
    isThrowaway: true,
    settings,
  });
  const administrator = (...statements: string[]) => execute(server.url, ...statements);
  return {
    server,
    administrator,
    async givenOwner(name, attributes = '') {
      await administrator(
        `create role ${name} login password 'secret' ${attributes}`,
        `create database ${name} owner ${name}`,
      );
      const url = new URL(server.url);
      Object.assign(url, { username: name, password: 'secret', pathname: `/${name}` });
      return url.href;
    },
    inDatabase(url) {
      const asAdministrator = new URL(server.url);
      asAdministrator.pathname = new URL(url).pathname;
      return asAdministrator.href;
    },
  };
}

function writeCertificate(folder: string, files: { key: string; cert: string }): Record<string, string> {
  const user = findPostgresBinaries().runAs;
  const written = Object.entries(files).map(([name, text]) => {
    const file = path.join(folder, `${name}.pem`);
    fs.writeFileSync(file, text, { mode: 0o600 });
    if (user) fs.chownSync(file, user.uid, user.gid);
    return [`ssl_${name}_file`, file];
  });
  return { ssl: 'on', ...Object.fromEntries(written) };
}

/** Answers the rows of the last statement. */
export async function execute(connectionString: string, ...statements: string[]): Promise<unknown[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}
