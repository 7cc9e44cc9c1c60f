/** Removes what unfinished connect sessions leave behind. One worker does it at a time. */
import type { ActivityDependencies } from '../../activities/dependencies';
import { unlessDeleted } from '../../db/database';
import {
  type AbandonedConsent,
  dropAbandonedConsent,
  findAbandonedConsents,
} from '../../db/sync-runs/abandoned-consents';
import { type MayContinue, startLeasedLoop } from '../leased-loop';

const INTERVAL_MS = 60_000;
const SESSIONS_PER_TURN = 200;

type Options = Pick<ActivityDependencies, 'database' | 'log'>;

/**
 * Those that cannot be dropped now, such as those of a tenant that is being deleted, hide no others.
 * @param place the last one that was looked at in this round
 */
export async function dropAbandonedConsents(
  { database }: Pick<Options, 'database'>,
  place: { after?: AbandonedConsent | undefined },
  mayContinue: MayContinue,
): Promise<void> {
  const found = await database.withDispatcher((work) =>
    findAbandonedConsents(work, { after: place.after, limit: SESSIONS_PER_TURN }),
  );
  let failure: { error: unknown } | undefined;
  for (const session of found) {
    if (!(await mayContinue())) return;
    const { tenantId, connectSessionId } = session;
    await unlessDeleted(
      database.withTenant(tenantId, (work) => dropAbandonedConsent(work, { connectSessionId })),
    ).catch((error: unknown) => (failure ??= { error }));
    place.after = session;
  }
  if (found.length < SESSIONS_PER_TURN) place.after = undefined;
  if (failure !== undefined) throw failure.error;
}

export function startAbandonedConsents(options: Options): { stop(): Promise<void> } {
  const place = {};
  return startLeasedLoop({
    database: options.database,
    log: options.log,
    name: 'abandoned_consents',
    intervalMs: INTERVAL_MS,
    run: (mayContinue) => dropAbandonedConsents(options, place, mayContinue),
  });
}
