/**
 * Checks the version of Node.js and that node_modules matches package-lock.json, before a package is loaded.
 * Uses Node only and no package, because it runs first on a new machine.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockFolder } from './folder-lock.mjs';

const projectFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const oldestNode = [20, 19];

/** Ends the process with a message if Node.js is too old. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  console.error(`Syncline needs Node.js ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

const readPackages = (file) => JSON.parse(fs.readFileSync(file, 'utf8')).packages;

/** True if npm's record of the last installation equals the lockfile; optional packages may be absent. */
export function isInstalled(folder) {
  try {
    const wanted = readPackages(path.join(folder, 'package-lock.json'));
    const installed = readPackages(path.join(folder, 'node_modules/.package-lock.json'));
    return Object.entries(wanted).every(([name, entry]) => {
      if (name === '') return true;
      const there = installed[name];
      return there
        ? there.version === entry.version && there.integrity === entry.integrity
        : entry.optional === true;
    });
  } catch {
    return false; // not installed, or interrupted: npm writes its record last
  }
}

/** Ends the process with a message if another one runs Syncline here or installs packages. */
export async function lockCheckout() {
  const { release, holder } = await lockFolder(projectFolder);
  if (release) return release;
  const which = holder ? ` (process ${holder})` : '';
  const addresses = path.join(projectFolder, '.syncline/ready.json');
  const stop = holder ? ` Stop it first: kill ${holder}` : ' Stop it first.';
  console.error(
    fs.existsSync(addresses)
      ? `Syncline already runs here${which}. Its addresses are in ${addresses}.${stop}`
      : `Syncline already runs here${which}: it starts, or npm installs its packages. Wait for it, or stop it.`,
  );
  process.exit(1);
}

/** Prefixes a command so that the kernel kills it when this process dies. */
function tied(command, args) {
  const prefix = ['--pdeathsig', 'KILL'];
  const works = spawnSync('setpriv', [...prefix, 'true'], { stdio: 'ignore' }).status === 0;
  return works ? ['setpriv', [...prefix, '--', command, ...args]] : [command, args];
}

/** Runs `npm ci` unless everything is installed. Ends the process if npm fails. */
export async function ensureInstalled() {
  if (isInstalled(projectFolder)) return;
  const release = await lockCheckout();
  // `npm ci` first empties node_modules, and it follows a link: it would delete the packages of another
  // folder.
  const packages = path.join(projectFolder, 'node_modules');
  if (fs.lstatSync(packages, { throwIfNoEntry: false })?.isSymbolicLink()) {
    console.error(
      `${packages} is a link to ${fs.readlinkSync(packages)}, which does not fit package-lock.json. ` +
        'Run npm ci there, or remove the link.',
    );
    process.exit(1);
  }
  console.log('Installing dependencies (npm ci) …');
  const args = ['ci', '--include=dev', '--include=optional'];
  const npm = process.env.npm_execpath;
  const isScript = npm?.endsWith('.js');
  const child = spawn(...tied(isScript ? process.execPath : 'npm', isScript ? [npm, ...args] : args), {
    cwd: projectFolder,
    stdio: 'inherit',
  });
  const failure = await new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(`: ${message}`));
    child.once('exit', (code) => resolve(code === 0 ? undefined : ''));
  });
  release();
  if (failure === undefined) return;
  console.error(`npm ci failed${failure}. What it printed above says why.`);
  process.exit(1);
}
