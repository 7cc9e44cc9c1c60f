import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { projectFolder } from '../../dev/tools/paths';
import {
  identify,
  isAlive,
  stopIdentified,
  waitUntilGone,
  type ProcessIdentity,
} from '../../dev/start/process-identity';
import { runToEnd, startProcess, waitUntilReady } from '../../dev/start/processes';
import { temporaryFolder } from '../support/servers/shared-servers';

const logFile = path.join(temporaryFolder('processes'), 'log');
const start = (script: string) =>
  startProcess({ name: 'sample', command: process.execPath, args: ['-e', script], logFile });
const forever = 'setInterval(() => {}, 1000);';

it('asks a process to end and waits for it', async () => {
  const child = await start(
    `${forever} process.on('SIGTERM', () => { console.log('in good order'); process.exit(0); }); console.log('up');`,
  );
  await waitUntilReady(child, () => fs.readFileSync(logFile, 'utf8').includes('up'));

  await child.stop();

  expect(child.isRunning()).toBe(false);
  expect(await child.ended).toBe('ended with exit code 0');
  expect(fs.readFileSync(logFile, 'utf8')).toContain('in good order');
});

it('kills a process that ignores the signal', async () => {
  const child = await start(`${forever} process.on('SIGTERM', () => {}); console.log('deaf');`);
  await waitUntilReady(child, () => fs.readFileSync(logFile, 'utf8').includes('deaf'));

  await child.stop(200);

  expect(await child.ended).toBe('was ended by SIGKILL');
});

it('reports how a process ended and its last output, instead of waiting for it', async () => {
  const child = await start("console.error('no such table: moon'); process.exit(3)");

  await expect(waitUntilReady(child, () => false)).rejects.toThrow(
    /sample ended with exit code 3[^]*no such table: moon/,
  );
});

it('names the missing program', async () => {
  await expect(runToEnd('no-such-program', [])).rejects.toThrow(/no-such-program/);
});

it('does not leave children behind when it is killed itself', async () => {
  const script = `require('tsx/cjs'); require('./dev/start/processes').startProcess({ name: 'child', command: 'sleep', args: ['600'], logFile: ${JSON.stringify(logFile)} }).then((child) => console.log(child.pid));`;
  const parent = spawn(process.execPath, ['-e', script + forever], {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
  const child = identify(pid) as ProcessIdentity;

  parent.kill('SIGKILL');

  expect(await waitUntilGone(child, 5_000)).toBe(true);
});

it('does not signal a process that merely has the same id', async () => {
  const child = await start(forever);
  const other: ProcessIdentity = { pid: child.pid, started: 'another time' };

  await stopIdentified(other, 'SIGKILL', 100);

  expect(isAlive(other)).toBe(false);
  expect(child.isRunning()).toBe(true);
  await child.stop();
});
