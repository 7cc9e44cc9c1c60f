/**
 * Until a process has started completely it holds nothing that needs a shutdown, so SIGTERM and SIGINT end it
 * at once, whatever it waits for. Without a handler they would not: as the first process of a container, a
 * process ignores signals that it does not handle.
 */
import type { Logger } from 'pino';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** @returns the function to call when the process has started: from then on it handles signals itself. */
export function exitOnSignalsDuringStart(name: 'api' | 'worker', log: Logger): () => void {
  const exit = (signal: NodeJS.Signals): void => {
    log.info({ signal }, `${name} stopped during its start`);
    process.exit(0);
  };
  for (const signal of SIGNALS) process.on(signal, exit);
  return () => {
    for (const signal of SIGNALS) process.off(signal, exit);
  };
}
