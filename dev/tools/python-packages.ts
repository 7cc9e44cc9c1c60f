/** Installs Python packages into the project's cache, once per list of pins and Python version. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { runToEnd } from '../start/processes';
import { cacheFolder } from './paths';
import { scratchFolder } from './scratch';

export interface PythonPackages {
  /** A file of exact pins, as `pip freeze` writes it. */
  requirements: string;
  /** For progress lines and errors: "scim2-server". */
  title: string;
}

const PIP_INSTALL = [
  '-m',
  'pip',
  'install',
  '--quiet',
  '--disable-pip-version-check',
  '--no-warn-script-location',
  '--no-warn-conflicts',
  '--root-user-action=ignore',
];

async function pythonVersion(title: string): Promise<string> {
  try {
    return (await runToEnd('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])).trim();
  } catch {
    throw new Error(
      `python3 is missing. ${title} needs Python 3.11 or newer with pip ` +
        '(Debian, Ubuntu: apt-get install python3-pip).',
    );
  }
}

/**
 * @returns the folder for PYTHONPATH. Safe to call from two processes at once. @throws with what pip printed.
 */
export async function ensurePythonPackages(
  { requirements, title }: PythonPackages,
  onFetch: (what: string) => void = () => {},
): Promise<string> {
  const version = await pythonVersion(title);
  const pins = createHash('sha256').update(fs.readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = path.join(cacheFolder, 'python', `${version}-${pins}`);
  if (fs.existsSync(folder)) return folder;
  onFetch(`${title} for Python ${version}`);
  const unfinished = scratchFolder(path.dirname(folder), 'install');
  try {
    await runToEnd('python3', [...PIP_INSTALL, '--target', unfinished, '--requirement', requirements]);
    fs.renameSync(unfinished, folder);
  } catch (error) {
    fs.rmSync(unfinished, { recursive: true, force: true });
    if (fs.existsSync(folder)) return folder; // another process was faster
    throw new Error(
      `${title} could not be installed for Python ${version} (3.11 or newer and pip are needed): ` +
        (error as Error).message,
      { cause: error },
    );
  }
  return folder;
}
