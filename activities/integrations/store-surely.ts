/**
 * Stores what a third party has given and will not give again, such as new tokens or the id of a
 * subscription. It is in no other place until then, so a failover of the database must not lose it.
 */
import { TenantDeleted } from '../../db/database';

const TRIES = 10;
const PAUSE_MS = 1_000;

export async function storeSurely<T>(store: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await store();
    } catch (error) {
      if (tries === TRIES || error instanceof TenantDeleted) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
