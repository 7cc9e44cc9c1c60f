/**
 * Whether this process can take traffic. An outage of Temporal is a warning, because changes are still
 * accepted and queued.
 */
import type { Database } from '../../db/database';
import { askDatabase } from '../../db/platform/database-health';
import { type Finding, type Findings, failedUnless } from '../../domain/health';

const ANSWER_WITHIN_MS = 2_000;

export interface Readiness {
  report(): Promise<Findings>;
  /** The process is not ready from now on. */
  startDraining(): void;
  isDraining(): boolean;
}

export function createReadiness({
  database,
  eventLoop,
  temporal,
}: {
  database: Database;
  eventLoop?: () => Finding;
  temporal?: (withinMs: number) => Promise<Finding>;
}): Readiness {
  let isDraining = false;
  let asked: Promise<[Findings, Finding | undefined]> | undefined;

  /** Requests at the same time share the answers: /readyz is public, and connections are few. */
  function ask(): Promise<[Findings, Finding | undefined]> {
    asked ??= Promise.all([askDatabase(database, ANSWER_WITHIN_MS), temporal?.(ANSWER_WITHIN_MS)]).finally(
      () => (asked = undefined),
    );
    return asked;
  }

  return {
    async report() {
      const [stores, ofTemporal] = await ask();
      return {
        process: failedUnless(!isDraining, 'This process is shutting down.'),
        ...(eventLoop === undefined ? {} : { event_loop: eventLoop() }),
        ...stores,
        ...(ofTemporal === undefined ? {} : { temporal: ofTemporal }),
      };
    },
    startDraining() {
      isDraining = true;
    },
    isDraining: () => isDraining,
  };
}
