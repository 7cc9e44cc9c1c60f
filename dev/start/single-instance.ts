/**
 * One `npm start` per checkout. Whoever starts writes down its own process and its children; if it was
 * killed, the next start finds the children that are still there and stops them before it begins.
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

/** Writes down what runs now. */
export function recordProcesses(): void {
  const children = runningProcesses().flatMap(({ name, pid, stopSignal }) => {
    const identity = identify(pid);
    return identity ? [{ ...identity, name, stopSignal }] : [];
  });
  writeJson(file, { starter: identify(process.pid), children });
}

/** Throws if another start runs here. Stops what a killed one left. Answers their names. */
export async function becomeOnlyInstance(): Promise<string[]> {
  const earlier = read();
  if (earlier && isAlive(earlier.starter)) {
    throw new Error(
      `Syncline already runs here (process ${earlier.starter.pid}); ${inState('ready.json')} says where. Stop it first: kill ${earlier.starter.pid}`,
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
