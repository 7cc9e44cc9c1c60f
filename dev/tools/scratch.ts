/**
 * Temporary folders. Each name contains the id of its process, so that the folders of killed processes can be
 * removed.
 */
import fs from 'node:fs';
import path from 'node:path';
import { identify } from '../start/process-identity';

function removeAbandoned(parent: string, name: string): void {
  const pattern = new RegExp(`^${name}-(\\d+)-`);
  for (const entry of fs.readdirSync(parent)) {
    const pid = Number(pattern.exec(entry)?.[1]);
    if (!pid || identify(pid)) continue;
    try {
      fs.rmSync(path.join(parent, entry), { recursive: true, force: true });
    } catch {
      // belongs to another user
    }
  }
}

/** A new folder in `parent`, which is created if necessary. The caller removes the folder. */
export function scratchFolder(parent: string, name: string): string {
  fs.mkdirSync(parent, { recursive: true });
  removeAbandoned(parent, name);
  return fs.mkdtempSync(path.join(parent, `${name}-${process.pid}-`));
}
