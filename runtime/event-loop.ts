/** How late the event loop is, for health checks. The watchdog ends a process that is blocked. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Finding } from '../domain/health';

const LATE_MS = 1_000;

/** @returns a check of the longest delay since the check before it. */
export function watchEventLoop(): () => Finding {
  const delays = monitorEventLoopDelay({ resolution: 20 });
  delays.enable();
  return () => {
    const longestMs = delays.max / 1e6;
    delays.reset();
    if (longestMs < LATE_MS) return { status: 'ok' };
    return { status: 'warning', detail: `The event loop was busy for ${longestMs.toFixed(0)} ms.` };
  };
}
