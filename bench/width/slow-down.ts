/**
 * Stops a process for most of the time, so that it works as fast as on a small machine of its own. Several
 * workers on one small machine would otherwise only take its processors from each other.
 */
import type { SupervisedProcess } from '../../dev/start/processes';

/** Short, because each message to the database is late by up to as long as the process is stopped. */
const CYCLE_MS = 20;
/** A timer may ring so much before its time. */
const EARLY_MS = 2;

interface Turn {
  /** Of one core. */
  share: number;
  /** When the process runs within a cycle, 0 to 1. Those that run at the same moment share the processors. */
  place: number;
}

/** @returns a function that lets the process run again */
export function slowDown({ pid }: SupervisedProcess, { share, place }: Turn): () => void {
  const runMs = CYCLE_MS * share;
  // By the clock: intervals of one program that were once due in the same millisecond stay together.
  const untilTurn = (): number => {
    const untilNext = CYCLE_MS - ((performance.now() + CYCLE_MS * (1 - place)) % CYCLE_MS);
    return untilNext < EARLY_MS ? untilNext + CYCLE_MS : untilNext;
  };
  let timer: NodeJS.Timeout;
  let beganAt = performance.now();
  /** Timers of a busy machine are late: so much longer than its share it has run. */
  let owedMs = 0;
  const stop = (): void => {
    process.kill(pid, 'SIGSTOP');
    owedMs += performance.now() - beganAt - runMs;
    timer = setTimeout(run, untilTurn());
  };
  const run = (): void => {
    if (owedMs > runMs) {
      owedMs -= runMs;
      timer = setTimeout(run, untilTurn());
      return;
    }
    process.kill(pid, 'SIGCONT');
    beganAt = performance.now();
    timer = setTimeout(stop, runMs);
  };
  run();
  return () => {
    clearTimeout(timer);
    process.kill(pid, 'SIGCONT');
  };
}
