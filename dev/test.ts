/**
 * `npm test [suite] [-- options of Jest]`. Fetches what the suite needs before the first test, so that a
 * missing tool is reported once and plainly; runs the checks (types, lint, format: each counts as a test) and
 * Jest; ends with `N passed, N failed`. A skipped test, or a suite without any test, is a failure.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ensurePythonPackages } from '../test/support/servers/python-packages';
import { ensureSchemathesis } from '../test/support/fuzz/schemathesis';
import { createRunFolder } from '../test/support/environments/run-folder';
import { findProgram } from './tools/binaries';
import { findToxiproxy, findWireMock } from './tools/fault-tools';
import { ensureMailSink } from './companions/mail-sink';
import { ensureSampleApp } from './companions/sample-app';
import { findKeycloak } from './tools/keycloak';
import { projectFolder } from './tools/paths';
import { findPostgresBinaries } from './tools/postgres-binaries';
import { tied } from './start/processes';

interface Suite {
  /** Of jest.config.cjs. */
  projects: string[];
  /** Scripts of package.json. */
  checks: string[];
  tools: (() => unknown)[];
  jestOptions: string[];
  /** Projects that check what the tests of the others have recorded. */
  afterwards?: string[];
  /** Unless the environment says otherwise. */
  env?: Record<string, string>;
}

interface Counts {
  passed: number;
  failed: number;
  /** What failed, by name, as far as it has one. */
  failures: string[];
}

const noCounts = (): Counts => ({ passed: 0, failed: 0, failures: [] });
const sumOf = (counts: Counts[]): Counts => ({
  passed: counts.reduce((sum, { passed }) => sum + passed, 0),
  failed: counts.reduce((sum, { failed }) => sum + failed, 0),
  failures: counts.flatMap(({ failures }) => failures),
});

const announce = (tool: string): void => console.log(`Fetching ${tool} …`);
const servers = [
  findPostgresBinaries,
  () => findProgram('temporal', announce),
  () => ensurePythonPackages(announce),
];
const faultTools = [
  ...servers,
  () => findToxiproxy(announce),
  () => findWireMock(announce),
  () => ensureSchemathesis(announce),
];
const companions = [
  ...servers,
  () => findProgram('temporal-test-server', announce),
  () => findProgram('pocketbase', announce),
  () => ensureMailSink(announce),
  () => ensureSampleApp(announce),
];
const twoWorkers = ['--maxWorkers=2'];
/** Jest exits even if a failed test of faults left something open. */
const twoWorkersAndExit = [...twoWorkers, '--forceExit'];

const suites: Record<string, Suite> = {
  default: {
    projects: ['unit', 'workflows', 'service'],
    checks: ['typecheck', 'lint', 'format:check'],
    tools: companions,
    jestOptions: twoWorkers,
    afterwards: ['plans'],
  },
  slow: {
    projects: ['slow', 'repeated'],
    checks: [],
    tools: companions,
    jestOptions: twoWorkers,
    env: { TEST_TIER: 'full' },
  },
  faults: {
    projects: ['faults', 'chaos'],
    checks: [],
    tools: faultTools,
    jestOptions: twoWorkersAndExit,
    env: { CHAOS_TRIALS: '25' }, // 100 of all kinds
  },
  operators: { projects: ['operators'], checks: [], tools: servers, jestOptions: twoWorkers },
  hostile: { projects: ['hostile'], checks: [], tools: servers, jestOptions: ['--runInBand', '--forceExit'] },
  console: { projects: ['console'], checks: [], tools: companions, jestOptions: twoWorkers },
  /** Not in `all`: it needs Java 21 and Maven, and 160 MB of Keycloak. */
  keycloak: {
    projects: ['keycloak'],
    checks: [],
    tools: [...companions, () => findKeycloak(announce)],
    jestOptions: ['--runInBand'],
  },
  journey: { projects: ['journey'], checks: [], tools: [], jestOptions: ['--runInBand'] },
  chaos: {
    projects: ['chaos', 'repeated', 'unit'],
    checks: [],
    tools: [...companions, ...faultTools],
    jestOptions: twoWorkersAndExit,
    env: { CHAOS_TRIALS: '50', TEST_TIER: 'full', TEST_SEED: String(randomInt(1, 2 ** 31)) },
  },
};

/** `all` is everything that `npm test` leaves out. */
const groups: Record<string, string[]> = {
  all: ['slow', 'faults', 'operators', 'hostile', 'console', 'journey'],
};

class Interrupted extends Error {}

/**
 * Runs a program in this terminal. Throws Interrupted if it ended by a signal from the terminal or a
 * supervisor.
 */
function run(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const child = spawn(...tied(command, args, 'SIGTERM'), { cwd: projectFolder, stdio: 'inherit', env });
  // Ctrl-C reaches the child by the terminal; this process waits for the exit code.
  const onInterrupt = (): void => {};
  const onTerminate = (): boolean => child.kill('SIGTERM');
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate).on('SIGHUP', onTerminate);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate).off('SIGHUP', onTerminate);
      if (signal === 'SIGINT' || signal === 'SIGTERM' || code === 130) reject(new Interrupted());
      else resolve(code ?? 1);
    });
  });
}

async function runChecks(checks: string[]): Promise<Counts> {
  const counts = noCounts();
  for (const check of checks) {
    const isPassed = (await run('npm', ['run', '--silent', check])) === 0;
    console.log(`${isPassed ? 'PASS' : 'FAIL'} ${check}`);
    counts[isPassed ? 'passed' : 'failed'] += 1;
    if (!isPassed) counts.failures.push(check);
  }
  return counts;
}

async function runJest({ projects, jestOptions, env = {} }: Suite, options: string[]): Promise<Counts> {
  const folder = createRunFolder();
  const countsFile = path.join(folder, 'counts.json');
  const reporters = [
    '--reporters=default',
    `--reporters=${path.join(projectFolder, 'test/support/counting-reporter.cjs')}`,
  ];
  const args = [
    require.resolve('jest/bin/jest'),
    '--selectProjects',
    ...projects,
    ...reporters,
    ...jestOptions,
    ...options,
  ];
  try {
    const exitCode = await run(process.execPath, args, {
      ...env,
      ...process.env,
      TEST_COUNTS_FILE: countsFile,
      TEST_IS_FILTERED: options.length > 0 ? '1' : '',
    });
    const counts = fs.existsSync(countsFile)
      ? (JSON.parse(fs.readFileSync(countsFile, 'utf8')) as Counts)
      : noCounts();
    const isUnexplained = counts.failed === 0 && (exitCode !== 0 || counts.passed === 0);
    if (isUnexplained)
      console.error(
        counts.passed === 0
          ? 'No test ran: counted as a failure.'
          : `Jest ended with exit code ${exitCode}: counted as a failure.`,
      );
    return { ...counts, failed: counts.failed + (isUnexplained ? 1 : 0) };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * With TEST_SUMMARY_FILE the counts, and below them what failed, go to that file, so that `.ci/run` can add
 * up several suites.
 */
function report(counts: Counts): void {
  const file = process.env.TEST_SUMMARY_FILE;
  const failures = counts.failures.map((failure) => `FAILED ${failure}\n`).join('');
  if (file) fs.writeFileSync(file, `${counts.passed} ${counts.failed}\n${failures}`);
  else console.log(`\n${failures}${counts.passed} passed, ${counts.failed} failed`);
  process.exit(counts.failed === 0 ? 0 : 1);
}

async function runSuite(suite: Suite, options: string[]): Promise<Counts> {
  await Promise.all(suite.tools.map((tool) => tool()));
  const checks = options.length > 0 ? [] : suite.checks; // options choose among the tests of Jest only
  const counts = [await runChecks(checks)];
  const statements = createRunFolder();
  try {
    const recording = { ...suite, env: { ...suite.env, TEST_STATEMENTS_FOLDER: statements } };
    counts.push(await runJest(recording, options));
    if (suite.afterwards !== undefined && options.length === 0)
      counts.push(await runJest({ ...recording, projects: suite.afterwards }, []));
  } finally {
    fs.rmSync(statements, { recursive: true, force: true });
  }
  return sumOf(counts);
}

async function main(args: string[]): Promise<void> {
  const [name, ...rest] = args[0] && !args[0].startsWith('-') ? args : ['default', ...args];
  const options = rest.filter((option) => option !== '--');
  // `npm run hostile -- 50000`: the number of sessions.
  if (name === 'hostile' && /^\d+$/.test(options[0] ?? '')) process.env['HOSTILE_SESSIONS'] = options.shift();
  const counts: Counts[] = [];
  for (const suiteName of groups[name as string] ?? [name as string]) {
    const suite = suites[suiteName];
    if (!suite)
      throw new Error(
        `There is no suite "${suiteName}". There are: ${[...Object.keys(suites), ...Object.keys(groups)].join(', ')}.`,
      );
    const counted = await runSuite(suite, options).catch((error: unknown) => {
      if (error instanceof Interrupted) throw error;
      console.error(`The suite ${suiteName} could not run: ${(error as Error).message}`);
      return { passed: 0, failed: 1, failures: [`suite ${suiteName}`] };
    });
    counts.push(counted);
  }
  report(sumOf(counts));
}

export function test(args: string[]): void {
  main(args).catch((error: unknown) => {
    if (error instanceof Interrupted) process.exit(130);
    console.error(`The tests could not run: ${(error as Error).message}`);
    report({ passed: 0, failed: 1, failures: [] });
  });
}
