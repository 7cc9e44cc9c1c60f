/**
 * Writes to the log what `/readyz` would answer, for operators whose supervisor does not ask: each warning
 * and failure when it begins, every ten minutes while it lasts, and when it has ended.
 */
import type { Logger } from 'pino';
import type { Finding, Findings } from '../domain/health';

const ASK_EVERY_MS = 60_000;
const REPEAT_AFTER_MS = 10 * 60_000;

interface Logged {
  status: Finding['status'];
  /** By the clock that no one sets. */
  at: number;
}

export function logFindings({
  ask,
  note,
  log,
  everyMs = ASK_EVERY_MS,
  repeatAfterMs = REPEAT_AFTER_MS,
}: {
  ask: () => Promise<Findings>;
  /** Called each time with what is not ok; it may fail. */
  note?: (wrong: { check: string; detail: string }[]) => Promise<void>;
  log: Logger;
  /** Only tests pass shorter times. */
  everyMs?: number;
  repeatAfterMs?: number;
}): { stop(): void } {
  const logged = new Map<string, Logged>();
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  function report(check: string, { status, detail }: Finding): void {
    const last = logged.get(check);
    const isKnown = last?.status === status && performance.now() - last.at < repeatAfterMs;
    if (isKnown || (status === 'ok' && last === undefined)) return;
    logged.set(check, { status, at: performance.now() });
    if (status !== 'ok')
      return log[status === 'failed' ? 'error' : 'warn']({ check, detail }, 'a health check failed');
    logged.delete(check);
    log.info({ check }, 'a health check is ok again');
  }

  async function round(): Promise<void> {
    const findings = await ask();
    if (isStopped) return;
    for (const [check, finding] of Object.entries(findings)) report(check, finding);
    const wrong = Object.entries(findings).flatMap(([check, { status, detail = status }]) =>
      status === 'ok' ? [] : [{ check, detail }],
    );
    if (wrong.length > 0) await note?.(wrong).catch(() => undefined);
    if (isStopped) return;
    timer = setTimeout(() => void round(), everyMs).unref();
  }
  void round();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
