/**
 * Builds the console if its build is older than its sources: its own files and the API's, from which its
 * types are generated.
 */
import fs from 'node:fs';
import path from 'node:path';
import { projectFolder } from '../tools/paths';
import { onFreePorts, type Ports } from './addresses';
import { answersHttp, runToEnd, startProcess, waitUntilReady } from './processes';
import { note, step } from './progress';
import { logFile } from './state';

const SOURCES = ['console', 'api', 'domain', 'contract', 'connectors', 'package-lock.json'];
/** Written by the build itself. */
const GENERATED = 'schema.d.ts';

function newestIn(file: string): number {
  const stat = fs.statSync(file);
  if (!stat.isDirectory()) return path.basename(file) === GENERATED ? 0 : stat.mtimeMs;
  return Math.max(0, ...fs.readdirSync(file).map((name) => newestIn(path.join(file, name))));
}

function isBuilt(): boolean {
  const page = path.join(projectFolder, 'dist/console/index.html');
  if (!fs.existsSync(page)) return false;
  return (
    fs.statSync(page).mtimeMs >
    Math.max(...SOURCES.map((source) => newestIn(path.join(projectFolder, source))))
  );
}

/** Throws with what the build printed. */
export async function ensureConsole(): Promise<void> {
  if (isBuilt()) return;
  await step('console', () => runToEnd('npm', ['run', '--silent', 'console:build'], { cwd: projectFolder }));
}

/**
 * Vite's development server, which shows an edit at once. It passes requests to the API on. @returns the
 * console's URL.
 */
export async function serveConsole(ports: Ports, apiUrl: string): Promise<string> {
  return step('console, watched', async () => {
    await runToEnd('npm', ['run', '--silent', 'console:types'], { cwd: projectFolder });
    return onFreePorts(ports, ['CONSOLE_DEV_PORT'], note, () => serve(ports.CONSOLE_DEV_PORT, apiUrl));
  });
}

async function serve(port: number, apiUrl: string): Promise<string> {
  const vite = path.join(path.dirname(require.resolve('vite/package.json')), 'bin/vite.js');
  const address = ['--host', '127.0.0.1', '--port', String(port), '--strictPort'];
  const child = await startProcess({
    name: 'console',
    command: process.execPath,
    args: [vite, '--config', 'console/vite.config.mts', ...address],
    cwd: projectFolder,
    env: { ...process.env, API_URL: apiUrl },
    logFile: logFile('console'),
    ports: [port],
  });
  const url = `http://127.0.0.1:${port}/console`;
  await waitUntilReady(child, () => answersHttp(`${url}/`));
  return url;
}
