/**
 * The PostgreSQL connector over TLS, against a server of its own, and which ways of giving a password it
 * refuses.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { Unauthorized, Unavailable } from '../../../connectors/errors';
import { postgres } from '../../../connectors/postgres';
import { freePort } from '../../../dev/start/ports';
import { type PostgresServer, startPostgres } from '../../../dev/start/postgres';
import { findPostgresBinaries } from '../../../dev/tools/postgres-binaries';
import type { JsonObject } from '../../../domain/json';
import { makeSelfSigned } from '../../support/servers/self-signed';
import { temporaryFolder } from '../../support/servers/shared-servers';
import { contextWith, egressHttp } from '../suite/given';

const PASSWORD = 's3cret';
const { key, cert } = makeSelfSigned();

let server: PostgresServer;
let port: number;
let dataFolder: string;

beforeAll(async () => {
  const folder = temporaryFolder('postgres-tls');
  dataFolder = path.join(folder, 'data');
  const files = { ssl_key_file: path.join(folder, 'key.pem'), ssl_cert_file: path.join(folder, 'cert.pem') };
  fs.writeFileSync(files.ssl_key_file, key, { mode: 0o600 });
  fs.writeFileSync(files.ssl_cert_file, cert);
  const { runAs } = findPostgresBinaries();
  for (const file of runAs ? [folder, ...Object.values(files)] : [])
    fs.chownSync(file, runAs?.uid ?? 0, runAs?.gid ?? 0);
  port = await freePort();
  const settings = { ssl: 'on', ...files };
  server = await startPostgres({
    dataFolder,
    logFile: path.join(folder, 'log'),
    port,
    password: PASSWORD,
    settings,
    isThrowaway: true,
  });
}, 60_000);

afterAll(() => server.stop());

function contextFor(settings: JsonObject, credentials = { user: 'syncline', password: PASSWORD }) {
  const table = { table: 'pg_stat_ssl', schema: 'pg_catalog', id: 'pid' };
  const config = postgres.configSchema.parse({
    host: '127.0.0.1',
    port,
    database: 'postgres',
    record_types: { sessions: table },
    ...settings,
  });
  const hosts = postgres.hosts(config);
  return contextWith({ config, credentials, mappings: {}, http: egressHttp(hosts), hosts });
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: Error) => error,
  );

it.each(['127.0.0.1', 'localhost', 'LOCALHOST'])(
  'reads over TLS from a server whose certificate authority is configured, at %s',
  async (host) => {
    const context = contextFor({ host, tls_ca: cert });

    const page = await postgres.readPage?.(
      { recordType: 'sessions', modifiedSince: null, cursor: null },
      context,
    );

    expect(page?.records.map(({ fields }) => fields['ssl'])).toContain(true);
    await expect(postgres.check(context)).resolves.toBeUndefined();
  },
);

it.each([
  ['is not trusted', () => contextFor({})],
  ['is another one than was given', () => contextFor({ tls_ca: makeSelfSigned().cert })],
])('does not log in where the certificate %s', async (_title, context) => {
  const failure = await failureOf(postgres.check(context()));

  expect(failure).toBeInstanceOf(Unavailable);
  expect(failure?.message).toContain('tls_ca');
});

it('reports a wrong password over TLS', async () => {
  expect(
    await failureOf(postgres.check(contextFor({ tls_ca: cert }, { user: 'syncline', password: 'wrong' }))),
  ).toBeInstanceOf(Unauthorized);
});

it('sends a password in plain text over TLS only', async () => {
  fs.writeFileSync(path.join(dataFolder, 'pg_hba.conf'), 'host all all 127.0.0.1/32 password\n');
  const owner = new Client({
    host: '127.0.0.1',
    port,
    user: 'syncline',
    password: PASSWORD,
    database: 'postgres',
  });
  await owner.connect();
  await owner.query('select pg_reload_conf()');

  let inTheClear: Error | undefined;
  // Until the server has read its file.
  while (inTheClear === undefined) inTheClear = await failureOf(postgres.check(contextFor({ tls: false })));
  const overTls = await failureOf(postgres.check(contextFor({ tls_ca: cert })));

  await owner.end();
  expect(inTheClear).toBeInstanceOf(Unavailable);
  expect(inTheClear.message).toContain('in plain text');
  expect(overTls).toBeUndefined();
});
