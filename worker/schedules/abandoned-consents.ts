/** Removes what unfinished connect sessions leave behind. One worker does it at a time. */
import type { ActivityDependencies } from '../../activities/dependencies';
import { unlessDeleted } from '../../db/database';
import {
  type AbandonedConsent,
  dropAbandonedConsent,
  findAbandonedConsents,
} from '../../db/sync-runs/abandoned-consents';
import { startLeasedLoop } from '../leased-loop';

const INTERVAL_MS = 60_000;
const SESSIONS_PER_TURN = 200;

export function startAbandonedConsents({ database, log }: Pick<ActivityDependencies, 'database' | 'log'>): {
  stop(): Promise<void>;
} {
  // Those that cannot be dropped now, such as those of a tenant that is being deleted, hide no others.
  let after: AbandonedConsent | undefined;
  return startLeasedLoop({
    database,
    log,
    name: 'abandoned_consents',
    intervalMs: INTERVAL_MS,
    async run(mayContinue) {
      const found = await database.withDispatcher((work) =>
        findAbandonedConsents(work, { after, limit: SESSIONS_PER_TURN }),
      );
      after = found[SESSIONS_PER_TURN - 1];
      let failure: { error: unknown } | undefined;
      for (const { tenantId, connectSessionId } of found) {
        if (!(await mayContinue())) return;
        await unlessDeleted(
          database.withTenant(tenantId, (work) => dropAbandonedConsent(work, { connectSessionId })),
        ).catch((error: unknown) => (failure ??= { error }));
      }
      if (failure !== undefined) throw failure.error;
    },
  });
}
