/**
 * Whether this process can take traffic. PostgreSQL must respond and have the expected schema. An outage of
 * Temporal does not matter: changes are still accepted and queued.
 */
import { type Database, ReadOnlyDatabase } from '../../db/database';
import { migrations } from '../../db/migrations';

const ANSWER_WITHIN_MS = 2_000;

export interface Readiness {
  /** The reason as a message for operators; undefined = ready. */
  whyNotReady(): Promise<string | undefined>;
  /** The process is not ready from now on. */
  startDraining(): void;
  isDraining(): boolean;
}

export function createReadiness({ database }: { database: Database }): Readiness {
  let isDraining = false;
  let isMigrated = false;

  async function whyDatabaseIsNotReady(): Promise<string | undefined> {
    await database.ping();
    if (isMigrated) return undefined;
    const applied = new Set(await database.appliedMigrations());
    const missing = Object.keys(migrations).filter((name) => !applied.has(name));
    isMigrated = missing.length === 0;
    return isMigrated
      ? undefined
      : `The database lacks migrations: ${missing.join(', ')}. Run npm run migrate.`;
  }

  return {
    async whyNotReady() {
      if (isDraining) return 'This process is shutting down.';
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<string>((resolve) => {
        timer = setTimeout(resolve, ANSWER_WITHIN_MS, 'PostgreSQL does not respond.');
      });
      const answer = whyDatabaseIsNotReady().catch((error: unknown) =>
        error instanceof ReadOnlyDatabase
          ? error.message
          : 'PostgreSQL does not respond, or its schema is missing.',
      );
      return Promise.race([answer, late]).finally(() => clearTimeout(timer));
    },
    startDraining() {
      isDraining = true;
    },
    isDraining: () => isDraining,
  };
}
