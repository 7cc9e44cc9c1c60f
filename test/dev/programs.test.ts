import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { findProgram } from '../../dev/tools/binaries';
import { projectFolder } from '../../dev/tools/paths';
import { portOrFree } from '../../dev/start/ports';
import { temporaryFolder } from '../support/servers/shared-servers';

const folder = temporaryFolder('programs');

function program(name: string, script: string): string {
  const file = path.join(fs.mkdtempSync(path.join(folder, 'bin-')), name);
  fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

/** Runs with the variables set and puts them back. */
async function withEnvironment<Result>(
  variables: Record<string, string>,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    process.env = before;
  }
}

describe('a program', () => {
  it('is the one named by the variable, before one on PATH', async () => {
    const [given, installed] = [program('pocketbase', 'exit 0'), program('pocketbase', 'exit 0')];

    const found = await withEnvironment(
      { POCKETBASE_PATH: given, PATH: `${path.dirname(installed)}:${process.env.PATH}` },
      () => findProgram('pocketbase'),
    );

    expect(found).toBe(given);
  });

  it('is the one on PATH, unless that does not run', async () => {
    const [working, broken] = [program('pocketbase', 'exit 0'), program('pocketbase', 'exit 1')];
    const search = `${path.dirname(broken)}:${path.dirname(working)}`;

    const found = await withEnvironment({ POCKETBASE_PATH: '', PATH: search }, () =>
      findProgram('pocketbase'),
    );

    expect(found).toBe(working);
  });

  it('is an error if the variable names one that does not run: no other is used instead', async () => {
    const search = withEnvironment({ TEMPORAL_CLI_PATH: '/nowhere/temporal' }, () => findProgram('temporal'));

    await expect(search).rejects.toThrow(
      'TEMPORAL_CLI_PATH is set to /nowhere/temporal, but that does not run',
    );
  });
});

describe('the dependencies', () => {
  const lock = (packages: Record<string, unknown>): string =>
    JSON.stringify({ lockfileVersion: 3, packages });

  function isInstalled(
    wanted: Record<string, unknown>,
    installed: Record<string, unknown> | undefined,
  ): boolean {
    const checkout = fs.mkdtempSync(path.join(folder, 'checkout-'));
    fs.writeFileSync(path.join(checkout, 'package-lock.json'), lock({ '': {}, ...wanted }));
    fs.mkdirSync(path.join(checkout, 'node_modules'));
    if (installed) fs.writeFileSync(path.join(checkout, 'node_modules/.package-lock.json'), lock(installed));
    const script = `import(${JSON.stringify(path.join(projectFolder, 'dev/tools/ensure-dependencies.mjs'))}).then(({ isInstalled }) => console.log(isInstalled(${JSON.stringify(checkout)})))`;
    return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim() === 'true';
  }

  const left = { 'node_modules/left': { version: '1.0.0', integrity: 'sha512-a' } };

  it.each([
    ['are complete if npm installed the packages of the lockfile', left, left, true],
    [
      'are complete without an optional package',
      { ...left, 'node_modules/darwin': { version: '1.0.0', optional: true } },
      left,
      true,
    ],
    [
      'are incomplete after a change of a version',
      { 'node_modules/left': { version: '1.0.1', integrity: 'sha512-a' } },
      left,
      false,
    ],
    [
      'are incomplete after a change of content',
      { 'node_modules/left': { version: '1.0.0', integrity: 'sha512-b' } },
      left,
      false,
    ],
    [
      'are incomplete after a package was added',
      { ...left, 'node_modules/right': { version: '1.0.0' } },
      left,
      false,
    ],
    ['are incomplete after an interrupted installation', left, undefined, false],
  ])('%s', (_title, wanted, installed, expected) => {
    expect(isInstalled(wanted, installed)).toBe(expected);
  });
});

describe('a port', () => {
  it('is another one when the preferred one is taken', async () => {
    const { createServer } = await import('node:net');
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port: taken } = server.address() as { port: number };

    const port = await portOrFree(taken);

    expect(port).not.toBe(taken);
    expect(port).toBeGreaterThan(0);
    server.close();
  });
});
