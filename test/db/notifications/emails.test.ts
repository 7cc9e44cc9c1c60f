/** E-mail rows, from being queued to their end. */
import {
  countEmailAttempt,
  lockEmail,
  markEmailFailed,
  markEmailSent,
  recordEmailFailure,
  queueEmail,
} from '../../../db/notifications/emails';
import type { TenantWork } from '../../../db/database';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  await db.superuser('truncate outbox');
  tenant = await GivenTenant.create(db);
});

const content = { integration_id: 'int_1', app: 'PocketBase', account_name: 'Acme', datasets: [] };
const queue = (work: TenantWork) =>
  queueEmail(work, { kind: 'onboarding_complete', recipient: 'ada@example.org', content });
const find = (emailId: string) => tenant.work((work) => lockEmail(work, { emailId }));

it('queues an e-mail together with the outbox message that starts its workflow', async () => {
  const emailId = await tenant.work(queue);

  expect(await find(emailId)).toMatchObject({
    kind: 'onboarding_complete',
    recipient: 'ada@example.org',
    content,
    attempts: 0,
    sentAt: null,
    failedAt: null,
  });
  expect(await db.superuser('select topic, subject_id, tenant_id from outbox')).toEqual([
    { topic: 'email', subject_id: emailId, tenant_id: tenant.tenantId },
  ]);
});

it('queues nothing when the transaction is rolled back', async () => {
  const undone = tenant.work(async (work) => {
    await queue(work);
    throw new Error('No.');
  });

  await expect(undone).rejects.toThrow('No.');
  expect(await db.superuser('select * from outbox')).toEqual([]);
  expect(await db.superuser(`select * from emails where tenant_id = '${tenant.tenantId}'`)).toEqual([]);
});

it('replaces characters that PostgreSQL cannot store', async () => {
  const emailId = await tenant.work((work) =>
    queueEmail(work, {
      kind: 'onboarding_failed',
      recipient: 'ada@example.org',
      content: { ...content, account_name: 'A\0\ud800' },
    }),
  );

  expect(await find(emailId)).toMatchObject({ content: { account_name: 'A\u2400\uFFFD' } });
});

it('stores the number of attempts and the last error, truncated', async () => {
  const emailId = await tenant.work(queue);

  await tenant.work((work) => countEmailAttempt(work, { emailId }));
  await tenant.work((work) =>
    recordEmailFailure(work, { emailId, error: `4${'x'.repeat(5_000)}\0`, mayBeTaken: false }),
  );

  expect(await find(emailId)).toMatchObject({
    attempts: 1,
    sentAt: null,
    failedAt: null,
    lastError: `4${'x'.repeat(499)}`,
  });
});

it('keeps the first outcome', async () => {
  const [sent, failed] = [await tenant.work(queue), await tenant.work(queue)];
  await tenant.work((work) => markEmailSent(work, { emailId: sent }));
  await tenant.work((work) => markEmailFailed(work, { emailId: failed, error: '550 No.' }));

  for (const emailId of [sent, failed]) {
    await tenant.work((work) => markEmailFailed(work, { emailId, error: 'late' }));
    await tenant.work((work) => recordEmailFailure(work, { emailId, error: 'late', mayBeTaken: false }));
    await tenant.work((work) => markEmailSent(work, { emailId }));
  }

  expect(await find(sent)).toMatchObject({ sentAt: expect.any(Date), failedAt: null, lastError: null });
  expect(await find(failed)).toMatchObject({
    sentAt: null,
    failedAt: expect.any(Date),
    lastError: '550 No.',
  });
});

it("does not change another tenant's e-mail", async () => {
  const emailId = await tenant.work(queue);
  const other = await GivenTenant.create(db);

  await other.work((work) => markEmailSent(work, { emailId }));

  expect(await other.work((work) => lockEmail(work, { emailId }))).toBeUndefined();
  expect(await find(emailId)).toMatchObject({ sentAt: null });
});

it('shows the dispatcher that an e-mail exists, but neither its recipient nor its content', async () => {
  await tenant.work(queue);

  expect(await db.asRole('syncline_dispatcher', null, 'select email_id, sent_at from emails')).not.toEqual(
    [],
  );
  await expect(db.asRole('syncline_dispatcher', null, 'select recipient from emails')).rejects.toThrow(
    'permission denied',
  );
});
