/**
 * Stops a process for most of the time, so that it works as fast as on a small machine of its own. Several
 * workers on one small machine would otherwise only take its processors from each other.
 */
import type { SupervisedProcess } from '../../dev/start/processes';

/** Short, because each message to the database is late by up to as long as the process is stopped. */
const CYCLE_MS = 20;

/** `share`: of one core. @returns a function that lets the process run again */
export function slowDown({ pid }: SupervisedProcess, share: number): () => void {
  const stop = (): boolean => process.kill(pid, 'SIGSTOP');
  const run = (): boolean => process.kill(pid, 'SIGCONT');
  let pausing: NodeJS.Timeout | undefined;
  const cycle = setInterval(() => {
    run();
    pausing = setTimeout(stop, CYCLE_MS * share);
  }, CYCLE_MS);
  return () => {
    clearInterval(cycle);
    clearTimeout(pausing);
    run();
  };
}
