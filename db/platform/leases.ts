/**
 * Leases of background work that one process does for all. A session lock of PostgreSQL would not work
 * through a pooler. Needs the dispatcher's role.
 */
import type { Work } from '../database';

/** A holder renews its lease more often. */
const SILENT_AFTER_MS = 90_000;

interface LeaseHolder {
  name: string;
  holderId: string;
}

/**
 * Takes or renews a lease. @returns false if another process holds it. A time in the future is of a clock
 * that was set back.
 */
export async function takeLease({ trx, now }: Work, { name, holderId }: LeaseHolder): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('leases')
    .values({ name, holderId, seenAt: now })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ holderId, seenAt: now })
        .where(({ eb, or }) =>
          or([
            eb('leases.holderId', '=', holderId),
            eb('leases.seenAt', '<', new Date(now.getTime() - SILENT_AFTER_MS)),
            eb('leases.seenAt', '>', new Date(now.getTime() + SILENT_AFTER_MS)),
          ]),
        ),
    )
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

export async function releaseLease({ trx }: Work, { name, holderId }: LeaseHolder): Promise<void> {
  await trx.deleteFrom('leases').where('name', '=', name).where('holderId', '=', holderId).execute();
}
