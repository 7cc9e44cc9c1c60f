/** Ports that another program takes between the choice of `npm start` and the start of its own program. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { choosePorts, onFreePorts } from '../../dev/start/addresses';
import { freePort } from '../../dev/start/ports';
import {
  answersHttp,
  PortTaken,
  startProcess,
  type SupervisedProcess,
  waitUntilReady,
} from '../../dev/start/processes';
import { temporaryFolder } from '../support/servers/shared-servers';

const folder = temporaryFolder('taken-ports');
const started: SupervisedProcess[] = [];
const others: http.Server[] = [];

/** Another program, which answers every request. */
async function givenOther(port = 0): Promise<number> {
  const server = http.createServer((_request, response) => response.end('another program'));
  others.push(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** `whenTaken`: what the program does if it cannot listen. */
async function serve(port: number, { delayMs = 0, whenTaken = '' } = {}): Promise<SupervisedProcess> {
  const onError = whenTaken === '' ? '' : `.on('error', () => { ${whenTaken} })`;
  const listen = `require('node:http').createServer((_, answer) => answer.end('ours'))${onError}.listen(${port}, '127.0.0.1')`;
  const script = `setTimeout(() => ${listen}, ${delayMs}); setInterval(() => {}, 1000);`;
  const child = await startProcess({
    name: 'server',
    command: process.execPath,
    args: ['-e', script],
    logFile: path.join(folder, `${started.length}.log`),
    ports: [port],
  });
  started.push(child);
  await waitUntilReady(child, () => answersHttp(`http://127.0.0.1:${port}`));
  return child;
}

const anyPorts = async () => {
  process.env.API_PORT = '0';
  return choosePorts(() => undefined).finally(() => delete process.env.API_PORT);
};
const textAt = async (port: number) => (await fetch(`http://127.0.0.1:${port}`)).text();

afterEach(async () => {
  await Promise.all(started.map((child) => child.stop()));
  for (const server of others.splice(0)) server.close();
});

it('takes another port and continues when another program listens on the chosen one by then', async () => {
  const ports = await anyPorts();
  const taken = await givenOther(ports.API_PORT);
  const moves: string[] = [];

  await onFreePorts(
    ports,
    ['API_PORT'],
    (move) => moves.push(move),
    () => serve(ports.API_PORT),
  );

  expect(moves).toEqual([`port ${taken} is taken: API_PORT is ${ports.API_PORT} this time`]);
  expect(await textAt(ports.API_PORT)).toBe('ours');
  expect(await textAt(taken)).toBe('another program');
});

it('keeps a port of the last start, unless the environment names another or it is taken', async () => {
  const [other, free, taken] = [await freePort(), await freePort(), await givenOther()];
  const choose = async (former: number) =>
    (await choosePorts(() => undefined, { SAMPLE_APP_PORT: former })).SAMPLE_APP_PORT;

  expect(await choose(other)).toBe(other);
  expect(await choose(taken)).not.toBe(taken);
  process.env.SAMPLE_APP_PORT = String(free);
  expect(await choose(other).finally(() => delete process.env.SAMPLE_APP_PORT)).toBe(free);
});

it.each([
  ['starts slowly', { delayMs: 1_000 }],
  ['continues without its port, as a watched program does', { whenTaken: '0' }],
  ['ends without a word', { whenTaken: 'process.exit(1)' }],
])('never takes the answer of another program for that of its own, which %s', async (_what, how) => {
  const port = await givenOther();

  await expect(serve(port, how)).rejects.toThrow(PortTaken);

  expect(await started.at(-1)?.ended).toMatch(/SIGKILL|exit code 1/);
});

it('tries the same port again when the other program has ended meanwhile', async () => {
  const ports = await anyPorts();
  const port = await givenOther(ports.API_PORT);
  const start = () =>
    serve(ports.API_PORT).finally(() => {
      for (const server of others.splice(0)) server.close().closeAllConnections();
    });

  await onFreePorts(ports, ['API_PORT'], () => undefined, start);

  expect(ports.API_PORT).toBe(port);
  expect(await textAt(port)).toBe('ours');
});

it('reports a program that ends for another reason, and starts it once', async () => {
  const ports = await anyPorts();
  let starts = 0;
  const start = async () => {
    starts += 1;
    const child = await startProcess({
      name: 'server',
      command: process.execPath,
      args: ['-e', 'console.error("no such table: moon"); process.exit(3)'],
      logFile: path.join(folder, 'other-reason.log'),
      ports: [ports.API_PORT],
    });
    await waitUntilReady(child, () => false);
  };

  await expect(onFreePorts(ports, ['API_PORT'], () => undefined, start)).rejects.toThrow(/no such table/);

  expect(starts).toBe(1);
});
