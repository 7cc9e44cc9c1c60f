/** A folder for one run of the tests, named after its process so that a later run can remove what a killed one has left. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { reachableParent } from '../../dev/postgres-binaries';
import { identify } from '../../dev/process-identity';

const prefix = 'syncline-test-';

function removeAbandoned(parent: string): void {
  for (const name of fs.readdirSync(parent)) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    if (!pid || identify(pid)) continue;
    try {
      fs.rmSync(path.join(parent, name), { recursive: true, force: true });
    } catch {
      // somebody else's
    }
  }
}

/** Enterable by the user that runs PostgreSQL. Whoever asks removes it at the end. */
export function createRunFolder(): string {
  const parent = reachableParent(os.tmpdir(), 'tests');
  removeAbandoned(parent);
  const folder = fs.mkdtempSync(path.join(parent, `${prefix}${process.pid}-`));
  fs.chmodSync(folder, 0o711);
  return folder;
}
