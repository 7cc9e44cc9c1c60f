/**
 * Starts and stops a PostgreSQL server in a folder, which is created if it does not exist. The server listens
 * on 127.0.0.1 only and has no socket file; passwords are checked by SCRAM. A server that an earlier process
 * left running is stopped first.
 */
import fs from 'node:fs';
import path from 'node:path';
import { findPostgresBinaries, type PostgresBinaries } from '../tools/postgres-binaries';
import { identify, stopIdentified } from './process-identity';
import { runToEnd, startProcess, waitUntilReady, type SupervisedProcess } from './processes';

export interface PostgresOptions {
  /** Its parent must exist and be enterable by the user that runs the server. */
  dataFolder: string;
  logFile: string;
  port: number;
  /** Decides only when the folder is created, as its password does. */
  superuser?: string;
  password: string;
  /** Names and values of postgresql.conf. */
  settings?: Record<string, string>;
  /** Skips every wait for the disk: for servers thrown away after use. */
  isThrowaway?: boolean;
}

export interface PostgresServer {
  /** Of the database `postgres`. */
  url: string;
  process: SupervisedProcess;
  stop(): Promise<void>;
}

const SUPERUSER = 'syncline';
const throwawaySettings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

function giveTo(user: PostgresBinaries['runAs'], file: string): void {
  if (user) fs.chownSync(file, user.uid, user.gid);
}

/** Creates the folder under another name and renames it, so that a crash leaves no incomplete folder. */
async function createCluster(
  binaries: PostgresBinaries,
  { dataFolder, superuser = SUPERUSER, password, isThrowaway }: PostgresOptions,
): Promise<void> {
  const newFolder = `${dataFolder}.new`;
  const passwordFile = `${newFolder}.password`;
  for (const leftover of [newFolder, passwordFile]) fs.rmSync(leftover, { recursive: true, force: true });
  fs.mkdirSync(newFolder, { mode: 0o700 });
  fs.writeFileSync(passwordFile, password, { mode: 0o600 });
  giveTo(binaries.runAs, newFolder);
  giveTo(binaries.runAs, passwordFile);
  const locale =
    binaries.major >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : ['--locale=C.UTF-8'];
  const options = [
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--data-checksums',
    ...locale,
  ];
  if (isThrowaway) options.push('--no-sync');
  try {
    await runToEnd(path.join(binaries.folder, 'initdb'), [...options, '-D', newFolder], {
      ...binaries.runAs,
      cwd: '/',
    });
    fs.renameSync(newFolder, dataFolder);
  } catch (error) {
    fs.rmSync(newFolder, { recursive: true, force: true });
    throw new Error(
      `PostgreSQL could not create its data folder ${dataFolder}: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  } finally {
    fs.rmSync(passwordFile, { force: true });
  }
}

/** Stops a server that still runs on this folder because the process that started it was killed. */
async function stopOrphan(dataFolder: string): Promise<void> {
  const [line] = readLockFile(dataFolder);
  const identity = line ? identify(Number(line)) : undefined;
  // PostgreSQL itself ignores a stale lock file.
  if (!identity || !commandLineOf(identity.pid).includes(dataFolder)) return;
  await stopIdentified(identity, 'SIGINT', 10_000);
}

function commandLineOf(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Lines of postmaster.pid: 1 the process id, 8 its state. */
function readLockFile(dataFolder: string): string[] {
  try {
    return fs
      .readFileSync(path.join(dataFolder, 'postmaster.pid'), 'utf8')
      .split('\n')
      .map((line) => line.trim());
  } catch {
    return [];
  }
}

function assertSameMajor(dataFolder: string, { major }: PostgresBinaries): void {
  const made = Number(fs.readFileSync(path.join(dataFolder, 'PG_VERSION'), 'utf8'));
  if (made === major) return;
  throw new Error(
    `${dataFolder} was created by PostgreSQL ${made}, but PostgreSQL ${major} is installed. ` +
      'Move that folder away to start with an empty database, ' +
      `or set PG_BIN to the folder of version ${made}.`,
  );
}

/** Throws with the tail of the log if the server does not come up. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const binaries = findPostgresBinaries();
  const { dataFolder, port, password } = options;
  if (fs.existsSync(path.join(dataFolder, 'PG_VERSION'))) {
    assertSameMajor(dataFolder, binaries);
    await stopOrphan(dataFolder);
  } else {
    await createCluster(binaries, options);
  }
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // the path of a socket file is limited to 107 bytes
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: '200',
    ...(options.isThrowaway ? throwawaySettings : {}),
    ...options.settings,
  };
  const server = await startProcess({
    name: 'PostgreSQL',
    command: path.join(binaries.folder, 'postgres'),
    args: [
      '-D',
      dataFolder,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: '/',
    logFile: options.logFile,
    ports: [port],
    stopSignal: 'SIGINT', // "fast": ends sessions and writes a checkpoint; SIGTERM would wait for clients
    ...binaries.runAs,
  });
  await waitUntilReady(server, () => {
    const lines = readLockFile(dataFolder);
    return lines[0] === String(server.pid) && lines[7] === 'ready';
  });
  const login = `${options.superuser ?? SUPERUSER}:${encodeURIComponent(password)}`;
  const url = `postgres://${login}@127.0.0.1:${port}/postgres`;
  return { url, process: server, stop: () => server.stop() };
}
