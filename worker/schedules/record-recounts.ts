/** Compares the counts of records with the records, once a day for each tenant, in one worker at a time. */
import type { ActivityDependencies } from '../../activities/dependencies';
import { type Database, unlessDeleted } from '../../db/database';
import {
  findNextRecordType,
  findTenantsToRecount,
  IN_A_SNAPSHOT,
  noteRecount,
  recountType,
} from '../../db/records/recount-records';
import { FIRST_ID } from '../../db/sql/ids';
import { always, type MayContinue, startLeasedLoop } from '../leased-loop';

const LOOK_EVERY_MS = 10 * 60_000;
const RECOUNT_AFTER_MS = 24 * 3_600_000;
const TENANTS_PER_PAGE = 100;
/** PostgreSQL keeps what is deleted or replaced in any table for as long as a snapshot is open. */
const SNAPSHOT_MAX_MS = 5 * 60_000;

export interface RecountOptions extends Pick<ActivityDependencies, 'database' | 'log'> {
  /** Called for each count that was wrong. */
  onCorrected?: () => void;
}

/** @throws the first error, after all tenants were tried. */
export async function recountRecords(
  options: RecountOptions,
  mayContinue: MayContinue = always,
): Promise<void> {
  const { database } = options;
  const countedBefore = new Date((await nowOf(database)).getTime() - RECOUNT_AFTER_MS);
  let failure: { error: unknown } | undefined;
  let page: string[];
  let after = FIRST_ID;
  do {
    page = await database.withDispatcher((work) =>
      findTenantsToRecount(work, { countedBefore, after, limit: TENANTS_PER_PAGE }),
    );
    for (const tenantId of page) {
      if (!(await mayContinue())) return;
      await unlessDeleted(recountTenant(options, tenantId, mayContinue)).catch(
        (error: unknown) => (failure ??= { error }),
      );
    }
    after = page.at(-1) ?? after;
  } while (page.length === TENANTS_PER_PAGE);
  if (failure !== undefined) throw failure.error;
}

const nowOf = (database: Database): Promise<Date> => database.withDispatcher(async ({ now }) => now);

async function recountTenant(
  { database, log, onCorrected }: RecountOptions,
  tenantId: string,
  mayContinue: MayContinue,
): Promise<void> {
  let after = '';
  for (;;) {
    const recordType = await database.withTenant(tenantId, (work) => findNextRecordType(work, { after }));
    if (recordType === undefined) break;
    const until = performance.now() + SNAPSHOT_MAX_MS;
    const mayCount = async () => performance.now() < until && (await mayContinue());
    const recount = await database.withTenant(
      tenantId,
      (work) => recountType(work, { recordType, mayContinue: mayCount }),
      IN_A_SNAPSHOT,
    );
    if (!(await mayContinue())) return;
    if (recount === undefined) log.warn({ tenantId, recordType }, 'counting the records took too long');
    else if (recount.records !== recount.counted) {
      log.warn({ tenantId, recordType, ...recount }, 'corrected a count of records');
      onCorrected?.();
    }
    after = recordType;
  }
  await database.withTenant(tenantId, noteRecount);
}

export const startRecordRecounts = (options: RecountOptions): { stop(): Promise<void> } =>
  startLeasedLoop({
    database: options.database,
    log: options.log,
    name: 'record_recounts',
    intervalMs: LOOK_EVERY_MS,
    run: (mayContinue) => recountRecords(options, mayContinue),
  });
