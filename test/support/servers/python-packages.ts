/**
 * The Python packages of the tests: the third parties of `third-parties.txt` and the verifiers of webhook
 * signatures.
 */
import path from 'node:path';
import { ensurePythonPackages as ensurePackages } from '../../../dev/tools/python-packages';

const packages = {
  requirements: path.join(__dirname, 'third-parties.txt'),
  title: 'kinto, scim2-server, standardwebhooks and svix',
};

/** @returns the folder for PYTHONPATH. @throws with what pip printed. */
export const ensurePythonPackages = (onFetch?: (what: string) => void): Promise<string> =>
  ensurePackages(packages, onFetch);
