/**
 * Allows one `npm start` per checkout. A start records its own process and its children. If it was killed,
 * the next start stops the children that still run.
 */
import fs from 'node:fs';
import { inState } from '../tools/paths';
import { identify, isAlive, stopIdentified, type ProcessIdentity } from './process-identity';
import { runningProcesses } from './processes';
import { writeJson } from './secrets';

interface Record {
  starter: ProcessIdentity;
  children: (ProcessIdentity & { name: string; stopSignal: NodeJS.Signals })[];
}

const file = inState('processes.json');

function read(): Record | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Record;
  } catch {
    return undefined;
  }
}

/** Records the processes that run now. */
export function recordProcesses(): void {
  const children = runningProcesses().flatMap(({ name, pid, stopSignal }) => {
    const identity = identify(pid);
    return identity ? [{ ...identity, name, stopSignal }] : [];
  });
  writeJson(file, { starter: identify(process.pid), children });
}

/** Stops the children of a killed start. @returns their names. @throws if another start runs here. */
export async function becomeOnlyInstance(): Promise<string[]> {
  const earlier = read();
  if (earlier && isAlive(earlier.starter)) {
    throw new Error(
      `Syncline already runs here (process ${earlier.starter.pid}). Its addresses are in ` +
        `${inState('ready.json')}. Stop it first: kill ${earlier.starter.pid}`,
    );
  }
  const orphans = (earlier?.children ?? []).filter(isAlive);
  recordProcesses();
  await Promise.all(orphans.map((orphan) => stopIdentified(orphan, orphan.stopSignal, 10_000)));
  return orphans.map(({ name }) => name);
}

export function clearProcesses(): void {
  fs.rmSync(file, { force: true });
}
