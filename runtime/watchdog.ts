/**
 * Ends this process if its event loop makes no progress: a process that is busy for ever answers no signal
 * and takes no work, and Temporal gives its work to the next process. A thread of its own looks for the
 * heartbeats of the event loop (rule 60).
 */
import inspector from 'node:inspector';
import { Worker } from 'node:worker_threads';

const HEARTBEAT_MS = 500;

export interface WatchdogInput {
  process: 'api' | 'worker';
  limitSeconds: number;
  /** One counter, raised with every heartbeat. */
  heartbeats: SharedArrayBuffer;
}

export function startWatchdog(options: Omit<WatchdogInput, 'heartbeats'>): void {
  // A debugger stops the event loop at each breakpoint.
  if (inspector.url() !== undefined) return;
  const heartbeats = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const workerData: WatchdogInput = { ...options, heartbeats };
  const thread = new Worker(require.resolve('./watchdog-thread.cjs'), { workerData });
  thread.unref();
  const counter = new Int32Array(heartbeats);
  setInterval(() => Atomics.add(counter, 0, 1), HEARTBEAT_MS).unref();
}
