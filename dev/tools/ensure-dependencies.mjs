/**
 * Checks the version of Node.js and that node_modules matches package-lock.json, before a package is loaded.
 * Uses Node only and no package, because it runs first on a new machine.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

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

/**
 * Runs `npm ci` in the folder unless everything is installed. Ends the process if npm fails.
 * @param {string} what for the progress line
 */
export function ensureInstalled(folder = projectFolder, what = 'dependencies') {
  if (isInstalled(folder)) return;
  // `npm ci` first empties node_modules, and it follows a link: it would delete the packages of another
  // folder.
  const packages = path.join(folder, 'node_modules');
  if (fs.lstatSync(packages, { throwIfNoEntry: false })?.isSymbolicLink()) {
    console.error(
      `${packages} is a link to ${fs.readlinkSync(packages)}, which does not fit package-lock.json. ` +
        'Run npm ci there, or remove the link.',
    );
    process.exit(1);
  }
  console.log(`Installing ${what} (npm ci) …`);
  const args = ['ci', '--include=dev', '--include=optional'];
  const npm = process.env.npm_execpath;
  const isScript = npm?.endsWith('.js');
  const { status, error } = spawnSync(isScript ? process.execPath : 'npm', isScript ? [npm, ...args] : args, {
    cwd: folder,
    stdio: 'inherit',
  });
  if (status === 0) return;
  console.error(`npm ci failed${error ? `: ${error.message}` : ''}. What it printed above says why.`);
  process.exit(1);
}
