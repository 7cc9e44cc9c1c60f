/** A copy of the project as a clone would have it, in which a test runs `npm start`. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { projectFolder } from '../../../dev/tools/paths';
import type { Ready } from '../../../dev/start/welcome';

/** What is installed already, for tests that are not about installing. */
const installed = ['node_modules', '.cache', 'dev/mail-sink/node_modules', 'dev/sample-app/node_modules'];

export function createCheckout(folder: string, { isInstalled }: { isInstalled: boolean }): string {
  const checkout = path.join(folder, 'checkout');
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: projectFolder,
    encoding: 'utf8',
  });
  for (const file of files
    .split('\0')
    .filter((name) => name && fs.existsSync(path.join(projectFolder, name)))) {
    fs.mkdirSync(path.dirname(path.join(checkout, file)), { recursive: true });
    fs.copyFileSync(path.join(projectFolder, file), path.join(checkout, file));
  }
  for (const name of isInstalled ? installed : []) {
    if (fs.existsSync(path.join(projectFolder, name)))
      fs.symlinkSync(path.join(projectFolder, name), path.join(checkout, name));
  }
  return checkout;
}

const anyPort = Object.fromEntries(
  [
    'POSTGRES',
    'TEMPORAL',
    'TEMPORAL_UI',
    'API',
    'CONSOLE_DEV',
    'POCKETBASE',
    'SCIM',
    'MAIL',
    'SMTP',
    'WEBHOOK_RECEIVER',
    'SAMPLE_APP',
  ].map((name) => [`${name}_PORT`, '0']),
);

export class Start {
  private printed = '';
  private readonly child: ChildProcess;
  /** Settles with the exit code, null for a death by signal. */
  readonly ended: Promise<number | null>;

  /**
   * Runs `npm start` without npm unless `command` says otherwise, in a process group of its own, on any free
   * ports.
   */
  constructor(
    private readonly checkout: string,
    environment: Record<string, string> = {},
    command: [string, ...string[]] = [process.execPath, 'dev/start.mjs'],
  ) {
    const [program, ...args] = command;
    this.child = spawn(program, args, {
      cwd: checkout,
      env: { ...outsideOfJest(), ...anyPort, ...environment },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.printed += chunk.toString()));
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
  }

  get output(): string {
    return this.printed;
  }

  get readyFile(): string {
    return path.join(this.checkout, '.syncline/ready.json');
  }

  /**
   * Waits for the last words of a start that went well. Throws with everything printed if they do not come.
   */
  async ready(timeoutMs: number): Promise<Ready> {
    const deadline = Date.now() + timeoutMs;
    while (!this.printed.includes('Syncline runs')) {
      if (this.child.exitCode !== null || Date.now() > deadline)
        throw new Error(`npm start did not get there. It printed:\n${this.printed}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return JSON.parse(fs.readFileSync(this.readyFile, 'utf8')) as Ready;
  }

  /** What a terminal does on Ctrl-C: it signals every process in the foreground. */
  pressControlC(): void {
    process.kill(-(this.child.pid as number), 'SIGINT');
  }

  /** Safe if it has ended. */
  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/** The environment without Jest's own variables and without those by which a test run finds its servers. */
export function outsideOfJest(): NodeJS.ProcessEnv {
  const isSetByTests = (name: string): boolean =>
    /^(JEST_|TEST_|npm_|NODE_ENV$|DATABASE_URL$|TEMPORAL_ADDRESS$)/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetByTests(name)));
}

/** Command lines of the processes that run something of this folder, without this process. */
function processesOf(folder: string): string[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const commandLine = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return commandLine.includes(folder) ? [commandLine] : [];
      } catch {
        return []; // it has just ended
      }
    });
}

/** Polls until nothing of the folder runs any more. @returns what still runs after 10 s. */
export async function leftBehind(folder: string): Promise<string[]> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (processesOf(folder).length === 0) return [];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return processesOf(folder);
}

/** The `curl` lines that `npm start` prints, run unchanged. */
export function runPrintedCommand(command: string): unknown {
  return JSON.parse(
    execFileSync(
      '/bin/sh',
      ['-c', command.replace(/^curl /, 'curl --silent --show-error --fail-with-body ')],
      { encoding: 'utf8' },
    ),
  );
}

export const printedCommands = (output: string): string[] =>
  [...output.matchAll(/^\s+(curl .*)$/gm)].map(([, command]) => command as string);
