/** The inbox of a person who has not looked for a year (rules.md 60). */
import { countUnread, listInbox, viewNotificationsUpTo } from '../../../db/notifications/inbox';
import { type GivenPerson, givenPerson } from '../../support/environments/people';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { rowsOf } from '../many-rows';

let db: TestDb;
let tenant: GivenTenant;
let ada: GivenPerson;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  ada = await givenPerson(db.database, tenant.tenantId);
});

/** In another order than they were made in. @returns the last one that appeared. */
async function givenUnviewed(count: number): Promise<string> {
  const [last] = await db.superuser(
    `with made as materialized (
       select n, lpad(n::text, 32, '0')::uuid as id, now() - make_interval(secs => $3 - n * 7 % $3) as at
       from generate_series(0, $3 - 1) n),
     news as (insert into notifications (tenant_id, notification_id, kind, sync_run_id, detail, created_at, resolved_at)
       select $1, id, 'sync_complete', gen_random_uuid(), '', at, at from made),
     told as (insert into notification_recipients
         (tenant_id, notification_recipient_id, notification_id, person_id, visible_at, revealed_at)
       select $1, id, id, $2, at, at from made)
     select id from made order by at desc limit 1`,
    [tenant.tenantId, ada.personId, count],
  );
  return last?.['id'] as string;
}
const unread = () => tenant.work((work) => countUnread(work, ada));

it('marks 1,000 of 1,200 in one request, those that appeared last, and the others with the next', async () => {
  const notificationId = await givenUnviewed(1_200);
  const mark = () => tenant.work((work) => viewNotificationsUpTo(work, { ...ada, notificationId }));

  expect([await mark(), await unread()]).toEqual([1_000, 200]);
  const shown = await tenant.work((work) => listInbox(work, { ...ada, limit: 2_000 }));
  const inOrder = shown.toSorted(
    (one, other) => (other.revealedAt?.getTime() ?? 0) - (one.revealedAt?.getTime() ?? 0),
  );
  expect(inOrder.findIndex(({ viewedAt }) => viewedAt === null)).toBe(1_000);
  expect([await mark(), await unread()]).toEqual([200, 0]);
});

it('marks 1,000 of 20,000 without reading the others', async () => {
  const notificationId = await givenUnviewed(20_000);

  const { read } = await rowsOf(tenant, (work) => viewNotificationsUpTo(work, { ...ada, notificationId }));

  expect(read).toBeLessThan(2_500);
  expect(await unread()).toBe(19_000);
});
