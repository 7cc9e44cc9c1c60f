/**
 * A folder for one run of the tests, enterable by the user that runs PostgreSQL. The caller removes it at the
 * end.
 */
import fs from 'node:fs';
import os from 'node:os';
import { reachableParent } from '../../../dev/tools/postgres-binaries';
import { scratchFolder } from '../../../dev/tools/scratch';

export function createRunFolder(): string {
  const folder = scratchFolder(reachableParent(os.tmpdir(), 'tests'), 'syncline-test');
  fs.chmodSync(folder, 0o711);
  return folder;
}
