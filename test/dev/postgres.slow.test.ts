import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../dev/start/ports';
import { PortTaken } from '../../dev/start/processes';
import { startPostgres, type PostgresServer } from '../../dev/start/postgres';
import { createRunFolder } from '../support/environments/run-folder';

const password = 'p@ss/word:%';
let folder: string;

beforeAll(() => {
  folder = createRunFolder();
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

async function start(
  name: string,
  { port, settings = {} }: { port?: number; settings?: Record<string, string> } = {},
): Promise<PostgresServer> {
  const [dataFolder, logFile] = [path.join(folder, name), path.join(folder, `${name}.log`)];
  return startPostgres({
    dataFolder,
    logFile,
    port: port ?? (await freePort()),
    password,
    isThrowaway: true,
    settings,
  });
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

it('keeps its data after a restart, on another port too', async () => {
  const first = await start('restarted');
  await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS one');
  await first.stop();

  const second = await start('restarted');

  expect(await query(second.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  await second.stop();
});

it('stops a server that still runs on its folder, and takes over its data', async () => {
  const orphan = await start('orphaned');
  await query(orphan.url, 'CREATE TABLE kept AS SELECT 1 AS one');

  const successor = await start('orphaned');

  expect(orphan.process.isRunning()).toBe(false);
  expect(await query(successor.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  await successor.stop();
});

it('starts again after an interruption during the creation of the folder', async () => {
  fs.mkdirSync(path.join(folder, 'interrupted.new'));
  fs.writeFileSync(path.join(folder, 'interrupted.new', 'half'), '');

  const server = await start('interrupted');

  expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await server.stop();
});

it('refuses connections without the password, and listens on 127.0.0.1 only', async () => {
  const server = await start('guarded');
  const wrong = new URL(server.url);
  wrong.password = 'wrong';

  await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  expect(await query(server.url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
  expect(await query(server.url, 'SHOW unix_socket_directories')).toEqual([{ unix_socket_directories: '' }]);
  await server.stop();
});

it('explains what to do about the data of another major version, and does not change it', async () => {
  const dataFolder = path.join(folder, 'old');
  fs.mkdirSync(dataFolder);
  fs.writeFileSync(path.join(dataFolder, 'PG_VERSION'), '14\n');

  await expect(start('old')).rejects.toThrow(/created by PostgreSQL 14.*Move that folder away/);
  expect(fs.readdirSync(dataFolder)).toEqual(['PG_VERSION']);
});

it('reports the end of the log when the server does not start', async () => {
  await expect(start('refused', { settings: { shared_buffers: 'nonsense' } })).rejects.toThrow(
    /PostgreSQL ended with exit code 1[^]*invalid value for parameter "shared_buffers"/,
  );
});

it('reports that another process has its port, so that another one can be taken', async () => {
  const server = await start('blocking');
  const port = Number(new URL(server.url).port);

  await expect(start('blocked', { port })).rejects.toThrow(PortTaken);
  await server.stop();
});
