/**
 * May this process be given traffic? PostgreSQL has to answer and its schema has to be the one we know. Temporal being down is no
 * reason to say no: changes are accepted and wait.
 */
import type { Database } from '../../db/database';
import { migrations } from '../../db/migrations';

const ANSWER_WITHIN_MS = 2_000;

export interface Readiness {
  /** Undefined = ready; else the reason, in words for operators. */
  whyNotReady(): Promise<string | undefined>;
  /** From now on the answer is no. */
  startDraining(): void;
  isDraining(): boolean;
}

export function createReadiness({ database }: { database: Database }): Readiness {
  let isDraining = false;
  let isMigrated = false;

  async function whyDatabaseIsNotReady(): Promise<string | undefined> {
    if (isMigrated) {
      await database.ping();
      return undefined;
    }
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
        timer = setTimeout(resolve, ANSWER_WITHIN_MS, 'PostgreSQL does not answer.');
      });
      const answer = whyDatabaseIsNotReady().catch(
        () => 'PostgreSQL does not answer, or its schema is missing.',
      );
      return Promise.race([answer, late]).finally(() => clearTimeout(timer));
    },
    startDraining() {
      isDraining = true;
    },
    isDraining: () => isDraining,
  };
}
