/**
 * Child processes that end with their parent. Each has a process group of its own, so that Ctrl-C only
 * reaches the parent, which then stops its children in order. Output goes to a file. With util-linux's
 * `setpriv` (on every Debian and Ubuntu) the kernel ends a child when its parent dies, even by kill -9.
 */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export interface ProcessOptions {
  /** For messages: "PostgreSQL", "api". */
  name: string;
  command: string;
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  logFile: string;
  uid?: number | undefined;
  gid?: number | undefined;
  /** The signal on which this program shuts down properly. */
  stopSignal?: 'SIGTERM' | 'SIGINT';
}

export interface SupervisedProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  /** Resolves when the process has ended, with a description: "ended with exit code 1". Never rejects. */
  readonly ended: Promise<string>;
  isRunning(): boolean;
  /** Sends the stop signal, waits `patienceMs` (10 s), then kills the whole group. Safe to call twice. */
  stop(patienceMs?: number): Promise<void>;
  kill(): void;
}

const running = new Set<SupervisedProcess>();
let isClosing = false;

/** In the order in which they were started. */
export const runningProcesses = (): SupervisedProcess[] => [...running];

/** Makes `startProcess` throw from now on: a process started during the shutdown would be left running. */
export function refuseNewProcesses(): void {
  isClosing = true;
}

let deathSignalWorks: boolean | undefined;

/** Prefixes the command with `setpriv --pdeathsig` where it is available. */
export function tied(command: string, args: readonly string[], signal: string): [string, string[]] {
  deathSignalWorks ??=
    process.platform === 'linux' &&
    spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' }).status === 0;
  return deathSignalWorks
    ? ['setpriv', ['--pdeathsig', signal.replace('SIG', ''), '--', command, ...args]]
    : [command, [...args]];
}

/**
 * Runs a program to its end. @returns what it printed. @throws with what it printed to standard error.
 */
export function runToEnd(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number; gid?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      ...tied(command, args, 'SIGTERM'),
      { ...options, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(stderr.trim() || error.message));
        else resolve(stdout);
      },
    );
  });
}

/** Starts a child process. @throws if the program cannot be run. */
export async function startProcess(options: ProcessOptions): Promise<SupervisedProcess> {
  const { name, logFile, stopSignal = 'SIGTERM' } = options;
  if (isClosing) throw new Error(`${name} is not started any more: everything is being stopped`);
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  const log = fs.openSync(logFile, 'a', 0o600);
  const [command, args] = tied(options.command, options.args ?? [], stopSignal);
  const child: ChildProcess = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', log, log],
    detached: true,
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
  });
  fs.closeSync(log);
  let isRunning = true;
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      isRunning = false;
      resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${name} cannot be started: ${error.message}`)));
  });
  const pid = child.pid as number;
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // no process is left in the group
    }
  };
  const stop = async (patienceMs = 10_000) => {
    if (!isRunning) return;
    child.kill(stopSignal);
    const killLater = setTimeout(() => signalGroup('SIGKILL'), patienceMs);
    await ended;
    clearTimeout(killLater);
  };
  const supervised = {
    name,
    pid,
    logFile,
    stopSignal,
    ended,
    isRunning: () => isRunning,
    stop,
    kill: () => signalGroup('SIGKILL'),
  };
  running.add(supervised);
  void ended.then(() => running.delete(supervised));
  return supervised;
}

/** The last lines that a process wrote. */
export function tailOf(logFile: string, lines = 15): string {
  try {
    return fs.readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

/**
 * Polls `isReady` until it returns true; an exception counts as false. @throws with the tail of the log if
 * the process ends first or `timeoutMs` pass.
 */
export async function waitUntilReady(
  child: SupervisedProcess,
  isReady: () => Promise<boolean> | boolean,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (
      await Promise.resolve()
        .then(isReady)
        .catch(() => false)
    )
      return;
    const hasEnded = !child.isRunning();
    if (hasEnded || Date.now() > deadline) {
      const what = hasEnded ? await child.ended : `was not ready after ${timeoutMs / 1000} s`;
      throw new Error(
        `${child.name} ${what}. Its log, ${child.logFile}, ends with:\n${tailOf(child.logFile)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/** True if the address answers an HTTP GET with a status below 500. */
export async function answersHttp(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
  return response.status < 500;
}
