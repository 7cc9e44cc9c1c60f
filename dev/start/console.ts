/** Builds the console where what was built is older than what it is made of: its own files and the API's, whose types it takes. */
import fs from 'node:fs';
import path from 'node:path';
import { projectFolder } from '../tools/paths';
import { runToEnd } from './processes';
import { step } from './progress';

const SOURCES = ['console', 'api', 'domain', 'contract', 'connectors', 'package-lock.json'];
/** Written by the build itself. */
const MADE = 'schema.d.ts';

function newestIn(file: string): number {
  const stat = fs.statSync(file);
  if (!stat.isDirectory()) return path.basename(file) === MADE ? 0 : stat.mtimeMs;
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

/** Throws with what the build said. */
export async function ensureConsole(): Promise<void> {
  if (isBuilt()) return;
  await step('console', () => runToEnd('npm', ['run', '--silent', 'console:build'], { cwd: projectFolder }));
}
