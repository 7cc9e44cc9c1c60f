/** Runs Schemathesis against the API. Its seed is fixed, so that a run can be repeated. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ensurePythonPackages } from '../../../dev/tools/python-packages';
import { temporaryFolder } from '../servers/shared-servers';

/** What hooks.py reads. */
export interface FuzzSettings {
  url: string;
  /** Makes the idempotency keys of this run its own. */
  run: string;
  keys: Record<'viewer' | 'operator' | 'admin' | 'platform', string>;
  /** What the run needs itself and does not change, by prefix. */
  own_ids: Record<string, string>;
  /** Any text with `"id":"…"`: ids of what exists. */
  seed: string;
  /** Known values by name of a path parameter. */
  values: Record<string, string[]>;
}

export interface FuzzOutcome {
  isPassed: boolean;
  /** How many cases were generated. */
  generated: number;
  /** What Schemathesis printed. */
  report: string;
}

export const ensureSchemathesis = (onFetch?: (what: string) => void): Promise<string> =>
  ensurePythonPackages(
    { requirements: path.join(__dirname, 'requirements.txt'), title: 'Schemathesis' },
    onFetch,
  );

const START = 'from schemathesis.cli import schemathesis; schemathesis()';
/** The stream has no end. */
const LEFT_OUT = ['/v1/stream', '/openapi.json'];

export async function runSchemathesis(
  settings: FuzzSettings,
  { seconds, seed }: { seconds: number; seed: number },
): Promise<FuzzOutcome> {
  const folder = temporaryFolder('fuzz');
  const settingsFile = path.join(folder, 'settings.json');
  fs.writeFileSync(settingsFile, JSON.stringify(settings));
  const options = ['--config-file', path.join(__dirname, 'schemathesis.toml')];
  options.push('run', `${settings.url}/openapi.json`, '--url', settings.url, '--no-color');
  // A single worker: with a seed, the same requests in the same order.
  options.push('--seed', String(seed), '--max-time', String(seconds), '--workers', '1');
  options.push('--phases', 'examples,coverage,fuzzing,stateful');
  options.push(...LEFT_OUT.flatMap((left) => ['--exclude-path', left]));
  const child = spawn('python3', ['-c', START, ...options], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      PYTHONPATH: [await ensureSchemathesis(), __dirname].join(':'),
      SCHEMATHESIS_HOOKS: path.join(__dirname, 'hooks.py'),
      PYTHONDONTWRITEBYTECODE: '1',
      FUZZ_SETTINGS: settingsFile,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let report = '';
  child.stdout.on('data', (chunk: Buffer) => (report += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (report += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve, reject) =>
    child.once('close', resolve).once('error', reject),
  );
  fs.rmSync(folder, { recursive: true, force: true });
  const [, generated = 0] = /(\d+) generated/.exec(report) ?? [];
  return { isPassed: exitCode === 0, generated: Number(generated), report };
}
