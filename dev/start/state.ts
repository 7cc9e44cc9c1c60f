/** Folders and logs inside `.syncline/`. */
import fs from 'node:fs';
import path from 'node:path';
import { inState } from '../tools/paths';

/** A folder inside `.syncline/` that only its owner can enter. */
export function privateFolder(name: string): string {
  const folder = inState(name);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** A log file of this run. The log of the previous run is kept as `*.previous`. */
export function logFile(name: string): string {
  const file = path.join(privateFolder('logs'), `${name}.log`);
  if (fs.existsSync(file)) fs.renameSync(file, `${file}.previous`);
  return file;
}
