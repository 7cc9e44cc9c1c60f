/** A preview is confirmed in the minute in which it would be deleted (rules.md 62). */
import { confirmErasure, findErasure, requestErasure } from '../../../db/erasures/erasures';
import { purgeExpired } from '../../../db/retention/purge-expired';
import { DEFAULT_RETENTION } from '../../../domain/retention';
import { untilWaitedFor } from '../../support/until-waited-for';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

it('rule 62: an erasure that was confirmed while old previews are deleted goes on', async () => {
  const tenant = await GivenTenant.create(db);
  const { erasureId } = await tenant.work((work) =>
    requestErasure(work, { search: { email: 'ada@example.com' }, requestedBy: 'key_x' }),
  );
  await db.superuser(
    `update erasures set state = 'ready', updated_at = now() - interval '25 hours' where erasure_id = $1`,
    [erasureId],
  );

  const { purging } = await tenant.work(async (work) => {
    const ready = await findErasure(work, { erasureId }, { forUpdate: true });
    if (ready === undefined) throw new Error('No preview.');
    await confirmErasure(work, ready, { actions: new Map(), confirmedBy: 'key_x' });
    const begun = purgeExpired(db.database, DEFAULT_RETENTION);
    await untilWaitedFor(work);
    return { purging: begun };
  });
  await purging;

  const left = await tenant.work((work) => findErasure(work, { erasureId }));
  expect(left).toMatchObject({ state: 'blocking', confirmedBy: 'key_x' });
});
