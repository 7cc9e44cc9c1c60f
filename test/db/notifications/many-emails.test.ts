/** E-mails to a person about whom thousands of notifications were decided (rules.md 60). */
import { Client } from 'pg';
import { beginEmailAttempt } from '../../../db/notifications/email-attempts';
import { recordEmailFailure } from '../../../db/notifications/emails';
import { type GivenPerson, givenPerson } from '../../support/environments/people';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { rowsOf } from '../many-rows';

let at = new Date('2026-11-21T09:00:00Z');
let db: TestDb;
let tenant: GivenTenant;
let ada: GivenPerson;

beforeAll(async () => {
  db = await openTestDb(() => at);
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  ada = await givenPerson(db.database, tenant.tenantId);
});

/** Notifications with an e-mail each, of which none was attempted. @returns the ids of the e-mails. */
async function waiting(count: number): Promise<string[]> {
  const rows = await db.superuser(
    `with made as materialized (select uuidv7() as id, uuidv7() as recipient_id, uuidv7() as email_id
       from generate_series(1, $3::int)),
     news as (insert into notifications (tenant_id, notification_id, kind, sync_run_id, detail, created_at, resolved_at)
       select $1, id, 'sync_complete', gen_random_uuid(), '', $4::timestamptz, $4 from made),
     emailed as (insert into emails (tenant_id, email_id, kind, person_id, recipient, content, created_at)
       select $1, email_id, 'notification', $2, $5, '{"items": []}', $4 from made),
     told as (insert into notification_recipients (tenant_id, notification_recipient_id, notification_id,
         person_id, visible_at, revealed_at, email_at, decision, decided_at, email_id)
       select $1, recipient_id, id, $2, $4, $4, $4, 'emailed', $4, email_id from made)
     select email_id from made order by 1`,
    [tenant.tenantId, ada.personId, count, at, ada.email],
  );
  return rows.map((row) => row['email_id'] as string);
}
const attempt = (emailId: string) => tenant.work((work) => beginEmailAttempt(work, { emailId }));
const fail = (emailId: string) =>
  tenant.work((work) => recordEmailFailure(work, { emailId, error: '451', mayBeTaken: false }));
const open = async () =>
  (
    await db.superuser(
      `select email_id as id, kind, (select count(*)::int from notification_recipients recipient
         where recipient.email_id = emails.email_id) as notifications
       from emails where tenant_id = $1 and sent_at is null and failed_at is null and withdrawn_at is null`,
      [tenant.tenantId],
    )
  ).map((row) => row as { id: string; kind: string; notifications: number });

it('500 that wait become one by one attempt, with as many statements as five', async () => {
  const query = jest.spyOn(Client.prototype, 'query');
  // On a slow machine, other processes are notified of two commits by two statements instead of one.
  const sent = () => query.mock.calls.filter((call) => !JSON.stringify(call).includes('pg_notify')).length;
  const statements = async (count: number): Promise<number> => {
    const [first = ''] = await waiting(count);
    const before = sent();
    expect((await attempt(first)).kind).toBe('over');
    const [digest] = await open();
    expect([digest?.kind, digest?.notifications]).toEqual(['notification_digest', count]);
    expect((await attempt(digest?.id ?? '')).kind).toBe('send');
    return sent() - before;
  };

  const ofFive = await statements(5);
  tenant = await GivenTenant.create(db);
  ada = await givenPerson(db.database, tenant.tenantId);

  expect(await statements(500)).toBe(ofFive);
  query.mockRestore();
});

it('of 2,500 that wait an attempt merges a thousand, and each is in the digest in the end', async () => {
  const emails = await waiting(2_500);

  const wrote = [];
  for (const emailId of emails)
    wrote.push((await rowsOf(tenant, (work) => beginEmailAttempt(work, { emailId }))).wrote);

  expect(Math.max(...wrote)).toBeLessThan(2_100);
  expect(wrote.filter((rows) => rows > 0)).toHaveLength(3);
  expect(await open()).toMatchObject([{ kind: 'notification_digest', notifications: 2_500 }]);
});

it('while the mail server refuses, a further one joins the digest that is soon tried again', async () => {
  const [first = ''] = await waiting(1_000);
  await attempt(first);
  const [digest] = await open();
  await attempt(digest?.id ?? '');
  await fail(digest?.id ?? '');
  at = new Date(at.getTime() + 60_000);
  const [further = ''] = await waiting(1);

  const { read } = await rowsOf(tenant, (work) => beginEmailAttempt(work, { emailId: further }));

  expect(read).toBeLessThanOrEqual(30);
  expect(await open()).toMatchObject([{ id: digest?.id, notifications: 1_001 }]);
});

it('a digest that is not tried again for an hour is sent at once with what is new', async () => {
  const [first = ''] = await waiting(10);
  await attempt(first);
  const [digest] = await open();
  for (let attempts = 0; attempts < 4; attempts += 1) {
    await attempt(digest?.id ?? '');
    await fail(digest?.id ?? '');
  }
  at = new Date(at.getTime() + 60_000);
  const [further = ''] = await waiting(1);

  await attempt(further);

  const [next] = await open();
  expect(next).toMatchObject({ kind: 'notification_digest', notifications: 11 });
  expect(next?.id).not.toBe(digest?.id);
});
