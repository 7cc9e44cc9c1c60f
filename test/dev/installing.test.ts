/** `npm start` on a checkout without packages: started twice, or killed while npm installs. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { projectFolder } from '../../dev/tools/paths';
import { outsideOfJest } from '../support/environments/checkout';
import { temporaryFolder } from '../support/servers/shared-servers';
import { until } from '../support/until';

const lockfile = { packages: { 'node_modules/tsx': { version: '1.0.0', integrity: 'sha512-x' } } };
/** Installs a package that is all that dev/start.mjs needs; its record comes last, as with npm. */
const NPM = `
const fs = require('node:fs');
fs.appendFileSync('npm.log', 'begins ' + process.pid + '\\n');
fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync('node_modules/tsx', { recursive: true });
fs.writeFileSync('node_modules/tsx/cjs.js', '');
const finish = () => {
  fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
  fs.appendFileSync('npm.log', 'ends\\n');
};
const wait = setInterval(() => { if (fs.existsSync('go')) { clearInterval(wait); finish(); } }, 20);
`;

let checkout: string;
let children: ChildProcess[] = [];

function givenCheckout(): void {
  checkout = fs.mkdtempSync(path.join(temporaryFolder('installing'), 'checkout-'));
  const copied = ['start.mjs', 'tools/ensure-dependencies.mjs', 'tools/folder-lock.mjs'];
  fs.mkdirSync(path.join(checkout, 'dev/tools'), { recursive: true });
  fs.mkdirSync(path.join(checkout, 'dev/start'));
  for (const name of copied)
    fs.copyFileSync(path.join(projectFolder, 'dev', name), path.join(checkout, 'dev', name));
  fs.writeFileSync(path.join(checkout, 'dev/start/start.ts'), 'exports.start = () => console.log("runs");');
  fs.writeFileSync(path.join(checkout, 'package-lock.json'), JSON.stringify(lockfile));
  fs.writeFileSync(path.join(checkout, 'npm.js'), NPM);
}

function start(): { child: ChildProcess; ended: Promise<{ code: number | null; output: string }> } {
  const env = { ...outsideOfJest(), npm_execpath: path.join(checkout, 'npm.js') };
  const child = spawn(process.execPath, ['dev/start.mjs'], { cwd: checkout, env });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, output })),
  );
  return { child, ended };
}

const npmLog = (): string[] => {
  const file = path.join(checkout, 'npm.log');
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split('\n') : [];
};
const finishInstallations = () => fs.writeFileSync(path.join(checkout, 'go'), '');

beforeEach(givenCheckout);
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
});

it('installs once when it is started twice at once: the second start names the first and ends', async () => {
  const first = start();
  await until('npm installs', () => npmLog().length > 0);

  const second = await start().ended;
  finishInstallations();

  expect(second.code).toBe(1);
  expect(second.output).toContain(`Syncline already runs here (process ${first.child.pid})`);
  expect(await first.ended).toMatchObject({ code: 0, output: expect.stringContaining('runs') });
  expect(npmLog()).toEqual([expect.stringContaining('begins'), 'ends']);
});

it('installs in two checkouts at once', async () => {
  const first = start();
  const firstCheckout = checkout;
  givenCheckout();
  const second = start();
  await until('npm installs in the second', () => npmLog().length > 0);

  finishInstallations();
  fs.writeFileSync(path.join(firstCheckout, 'go'), '');

  expect([(await first.ended).code, (await second.ended).code]).toEqual([0, 0]);
});

it.each(['SIGKILL', 'SIGTERM'] as const)(
  'installs again after a start was ended by %s during the installation, whose npm ends, too',
  async (signal) => {
    const first = start();
    await until('npm installs', () => npmLog().length > 0);
    const npm = Number(npmLog()[0]?.split(' ')[1]);
    first.child.kill(signal);
    await first.ended;
    await until('npm has ended', () => !fs.existsSync(`/proc/${npm}/cwd`));
    finishInstallations();

    const second = await start().ended;

    expect(second).toMatchObject({ code: 0, output: expect.stringContaining('runs') });
    expect(npmLog()).toEqual([expect.stringContaining('begins'), expect.stringContaining('begins'), 'ends']);
  },
);
