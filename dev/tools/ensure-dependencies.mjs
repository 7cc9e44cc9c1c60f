/**
 * Makes sure that Node.js is new enough and that node_modules holds what package-lock.json says, before
 * anything of it is loaded. Plain Node, no package: this runs first on a fresh machine.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const oldestNode = [20, 19];

/** Ends the process with a message if Node.js is too old. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  console.error(`Syncline needs Node.js ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

const readPackages = (file) => JSON.parse(fs.readFileSync(file, 'utf8')).packages;

/**
 * True if what npm wrote down about the last installation equals the lockfile; optional packages may be
 * absent.
 */
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
    return false; // never installed, or interrupted: npm writes its list last
  }
}

/**
 * `npm ci` in that folder unless everything is there already. Ends the process if npm fails.
 * @param {string} what for the progress line
 */
export function ensureInstalled(folder = projectFolder, what = 'dependencies') {
  if (isInstalled(folder)) return;
  // `npm ci` begins by emptying node_modules, and follows a link to do so: it would take the packages from
  // whoever owns them.
  const packages = path.join(folder, 'node_modules');
  if (fs.lstatSync(packages, { throwIfNoEntry: false })?.isSymbolicLink()) {
    console.error(
      `${packages} is a link to ${fs.readlinkSync(packages)}, and what is there does not fit package-lock.json. Install it there, or remove the link.`,
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
