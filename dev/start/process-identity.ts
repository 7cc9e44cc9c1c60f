/**
 * Checks whether a recorded process id still belongs to the same process. Process ids are reused, so a
 * process is identified by its id together with its start time before it is signalled.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** Opaque: clock ticks since boot on Linux, a date on other systems. */
  started: string;
}

/** @returns undefined if the process does not exist or is a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    if (process.platform !== 'linux') {
      return {
        pid,
        started: execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim(),
      };
    }
    const line = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses can contain spaces.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    const [state, started] = [fields[0], fields[19]];
    return state === 'Z' || started === undefined ? undefined : { pid, started };
  } catch {
    return undefined;
  }
}

export const isAlive = ({ pid, started }: ProcessIdentity): boolean => identify(pid)?.started === started;

/** Waits until the process is gone. @returns false if it still runs after `timeoutMs`. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}

/** Sends the signal, then SIGKILL. Does nothing if the process is gone, even if its id has been reused. */
export async function stopIdentified(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<void> {
  for (const [attempt, patienceMs] of [
    [signal, timeoutMs],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!isAlive(identity)) return;
    try {
      process.kill(identity.pid, attempt);
    } catch {
      return; // gone between the look and the signal
    }
    if (await waitUntilGone(identity, patienceMs)) return;
  }
}
