/**
 * Waiting for what happens in other processes: polled, with a deadline, and a message that says what was
 * waited for.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * Answers the first value of `probe` that is neither undefined nor false. A probe that throws has not
 * succeeded yet. When `timeoutMs` have passed it throws, with what the probe said last.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 120_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let problem: unknown;
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      problem = error;
    }
    if (performance.now() > deadline)
      throw new Error(`Waited ${timeoutMs / 1_000} s in vain until ${what}.`, { cause: problem });
    await sleep(POLL_MS);
  }
}
