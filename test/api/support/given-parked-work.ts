/** Work that took its worker down, without any worker. */
import { newUuid, toTypeId } from '../../../db/sql/ids';
import type { GivenTenant, Service } from './service';

/** @returns its id on the wire. */
export async function givenParkedWork(
  { database }: Service,
  { uuid: tenantId }: GivenTenant,
): Promise<string> {
  const [workId, subjectId] = [newUuid(), newUuid()];
  await database.withDispatcher(({ trx, now }) =>
    trx
      .insertInto('runningWork')
      .values({
        tenantId,
        workId,
        kind: 'push',
        subjectId,
        job: '',
        integrationId: subjectId,
        workerId: null,
        isSuspect: true,
        deaths: 3,
        seenAt: now,
        parkedAt: now,
      })
      .execute(),
  );
  return toTypeId('wrk', workId);
}
