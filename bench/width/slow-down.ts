/**
 * Stops a process for most of the time, so that it works as fast as on a small machine of its own. Several
 * workers on one small machine would otherwise only take its processors from each other.
 */
import type { SupervisedProcess } from '../../dev/start/processes';

/** Short, because each message to the database is late by up to as long as the process is stopped. */
const CYCLE_MS = 20;

interface Turn {
  /** Of one core. */
  share: number;
  /** When the process runs within a cycle, 0 to 1. Those that run at the same moment share the processors. */
  place: number;
}

/** @returns a function that lets the process run again */
export function slowDown({ pid }: SupervisedProcess, { share, place }: Turn): () => void {
  // By the clock: intervals of one program that were once due in the same millisecond stay together.
  const untilTurn = (): number => CYCLE_MS - ((performance.now() + CYCLE_MS * (1 - place)) % CYCLE_MS);
  let timer: NodeJS.Timeout;
  const stop = (): void => {
    process.kill(pid, 'SIGSTOP');
    timer = setTimeout(run, untilTurn());
  };
  const run = (): void => {
    process.kill(pid, 'SIGCONT');
    timer = setTimeout(stop, CYCLE_MS * share);
  };
  stop();
  return () => {
    clearTimeout(timer);
    process.kill(pid, 'SIGCONT');
  };
}
