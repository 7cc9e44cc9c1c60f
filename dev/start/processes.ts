/**
 * Child processes that end with their parent. Each has a process group of its own, so that Ctrl-C only
 * reaches the parent, which then stops its children in order. Output goes to a file. With util-linux's
 * `setpriv` (on every Debian and Ubuntu) the kernel ends a child when its parent dies, even by kill -9.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { isTakenFrom } from './listeners';

export interface ProcessOptions {
  /** For messages: "PostgreSQL", "api". */
  name: string;
  command: string;
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  logFile: string;
  /** Where it will listen on 127.0.0.1. */
  ports?: readonly number[];
  uid?: number | undefined;
  gid?: number | undefined;
  /** The signal on which this program shuts down properly. */
  stopSignal?: 'SIGTERM' | 'SIGINT';
}

export interface SupervisedProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly ports: readonly number[];
  readonly stopSignal: NodeJS.Signals;
  /** Resolves when the process has ended, with a description: "ended with exit code 1". Never rejects. */
  readonly ended: Promise<string>;
  isRunning(): boolean;
  /** Sends the stop signal, waits `patienceMs` (10 s), then kills the whole group. Safe to call twice. */
  stop(patienceMs?: number): Promise<void>;
  kill(): void;
}

/** A port was taken between the choice and the start. */
export class PortTaken extends Error {}

const running = new Set<SupervisedProcess>();

/** `started`: also of programs that run to their end. `ready`: `waitUntilReady` has succeeded. */
export const processEvents = new EventEmitter<Record<'started' | 'ready', [SupervisedProcess]>>();

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

type RunOptions = Pick<Partial<ProcessOptions>, 'cwd' | 'env' | 'uid' | 'gid'>;

/**
 * Runs a program to its end. @returns what it printed. @throws with what it printed to standard error.
 */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const settings = { ...options, name: path.basename(command), command, args };
  const { child, supervised } = await launch({ ...settings, logFile: '' }, 'pipe');
  const [output, errors] = [collect(child.stdout), collect(child.stderr)];
  const how = await supervised.ended;
  const [printed, problem] = await Promise.all([output, errors]);
  if (how === 'ended with exit code 0') return printed;
  throw new Error(problem.trim() || `${command} ${how}`);
}

async function collect(stream: NodeJS.ReadableStream | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Starts a child process. @throws if the program cannot be run. */
export async function startProcess(options: ProcessOptions): Promise<SupervisedProcess> {
  fs.mkdirSync(path.dirname(options.logFile), { recursive: true });
  const log = fs.openSync(options.logFile, 'a', 0o600);
  try {
    return (await launch(options, log)).supervised;
  } finally {
    fs.closeSync(log);
  }
}

async function launch(
  options: ProcessOptions,
  output: number | 'pipe',
): Promise<{ child: ChildProcess; supervised: SupervisedProcess }> {
  const { name, logFile, ports = [], stopSignal = 'SIGTERM' } = options;
  if (isClosing) throw new Error(`${name} is not started any more: everything is being stopped`);
  const [command, args] = tied(options.command, options.args ?? [], stopSignal);
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', output, output],
    detached: true,
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
  });
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) =>
      resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${name} cannot be started: ${error.message}`)));
  });
  const supervised = { name, logFile, ports, stopSignal, ended, ...controlsOf(child, stopSignal, ended) };
  running.add(supervised);
  void ended.then(() => running.delete(supervised));
  processEvents.emit('started', supervised);
  return { child, supervised };
}

function controlsOf(child: ChildProcess, stopSignal: NodeJS.Signals, ended: Promise<string>) {
  const pid = child.pid as number;
  let isRunning = true;
  child.once('exit', () => (isRunning = false));
  const kill = () => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // no process is left in the group
    }
  };
  const stop = async (patienceMs = 10_000) => {
    if (!isRunning) return;
    child.kill(stopSignal);
    const killLater = setTimeout(kill, patienceMs);
    await ended;
    clearTimeout(killLater);
    kill(); // what the process has started itself, as npm does
  };
  return { pid, isRunning: () => isRunning, stop, kill };
}

/** The last lines that a process wrote. */
export function tailOf(logFile: string, lines = 15): string {
  try {
    return fs.readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

const isAddressInUse = (log: string): boolean => /EADDRINUSE|address already in use/i.test(log);

/**
 * Polls `isReady` until it returns true; an exception counts as false. @throws with the tail of the log if
 * the process ends first or `timeoutMs` pass, and `PortTaken` if another process listens on its port.
 */
export async function waitUntilReady(
  child: SupervisedProcess,
  isReady: () => Promise<boolean> | boolean,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answers = await Promise.resolve()
      .then(isReady)
      .catch(() => false);
    const hasEnded = !child.isRunning();
    if (answers || hasEnded) {
      const isTaken =
        isTakenFrom(child.pid, child.ports) || (hasEnded && isAddressInUse(tailOf(child.logFile)));
      if (child.ports.length > 0 && isTaken) {
        child.kill();
        throw new PortTaken(`${child.name} could not listen: its port is used by another process.`);
      }
    }
    if (answers && !hasEnded) {
      processEvents.emit('ready', child);
      return;
    }
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
