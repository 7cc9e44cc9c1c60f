/**
 * Folders for work in progress, named after the process that works there, so that a later one can remove what
 * a killed one has left.
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
      // somebody else's
    }
  }
}

/** A new folder in `parent`, which is made if need be. Whoever asks removes it at the end. */
export function scratchFolder(parent: string, name: string): string {
  fs.mkdirSync(parent, { recursive: true });
  removeAbandoned(parent, name);
  return fs.mkdtempSync(path.join(parent, `${name}-${process.pid}-`));
}
