/** Installs the packages of `third-parties.txt` into the project's cache, once per content of that file and Python version. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../../../dev/tools/paths';
import { runToEnd } from '../../../dev/start/processes';
import { scratchFolder } from '../../../dev/tools/scratch';

const requirements = path.join(__dirname, 'third-parties.txt');

async function pythonVersion(): Promise<string> {
  try {
    return (await runToEnd('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])).trim();
  } catch {
    throw new Error(
      'python3 is missing; the third parties of the tests need Python 3.11 or newer with pip (Debian, Ubuntu: apt-get install python3-pip).',
    );
  }
}

/** Answers the folder for PYTHONPATH. Throws with pip's words if the packages cannot be had. Two processes may do it at once. */
export async function ensurePythonPackages(onFetch: (what: string) => void = () => {}): Promise<string> {
  const version = await pythonVersion();
  const pins = createHash('sha256').update(fs.readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = path.join(cacheFolder, 'python', `${version}-${pins}`);
  if (fs.existsSync(folder)) return folder;
  onFetch(`kinto, scim2-server, standardwebhooks and svix for Python ${version}`);
  const work = scratchFolder(path.dirname(folder), 'install');
  const quiet = [
    '--quiet',
    '--disable-pip-version-check',
    '--no-warn-script-location',
    '--no-warn-conflicts',
    '--root-user-action=ignore',
  ];
  try {
    await runToEnd('python3', [
      '-m',
      'pip',
      'install',
      ...quiet,
      '--target',
      work,
      '--requirement',
      requirements,
    ]);
    fs.renameSync(work, folder);
  } catch (error) {
    fs.rmSync(work, { recursive: true, force: true });
    if (fs.existsSync(folder)) return folder; // another process was faster
    throw new Error(
      `The third parties of the tests could not be installed with Python ${version} (3.11 or newer and pip are needed): ${(error as Error).message}`,
      { cause: error },
    );
  }
  return folder;
}
