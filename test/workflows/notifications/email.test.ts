/** One e-mail from its row to its end. Hours pass by skipped time. */
import { EMAIL_WORKFLOW, emailWorkflowId } from '../../../contract/email';
import type { TenantWork } from '../../../db/database';
import { type Email, lockEmail, markEmailSent, queueEmail } from '../../../db/notifications/emails';
import { newUuid, toTypeId } from '../../../db/sql/ids';
import type { MailAnswer } from '../../../egress/mail/smtp-mailer';
import { PushEnvironment, MINUTE, type TestTenant } from '../../support/environments/push-environment';

const HOUR = 60 * MINUTE;
const content = {
  integration_id: 'int_1',
  app: 'PocketBase',
  account_name: 'Acme',
  datasets: [{ record_type: 'employees', state: 'succeeded' as const, records: 8 }],
};
const trouble: MailAnswer = {
  kind: 'unavailable',
  code: 'EMESSAGE 451 DATA',
  detail: '451 Mailbox of ada@example.org is busy.',
};

let environment: PushEnvironment;
let tenant: TestTenant;
let emailId: string;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.mail.sent.length = 0;
  environment.mail.attempts.length = 0;
  environment.mail.answer = () => ({ kind: 'taken' });
  tenant = await environment.tenant();
  emailId = await inTenant((work) =>
    queueEmail(work, { kind: 'onboarding_complete', recipient: 'ada@example.org', content }),
  );
});

const inTenant = <T>(work: (context: TenantWork) => Promise<T>): Promise<T> =>
  environment.database.withTenant(tenant.tenantId, work);
const row = (): Promise<Email | undefined> =>
  environment.database.withTenant(tenant.tenantId, (work) => lockEmail(work, { emailId }));
const start = () =>
  environment.handleRow({ topic: 'email', tenantId: tenant.tenantId, emailId, nextDueAt: new Date() });
const handle = () => environment.env.client.workflow.getHandle(emailWorkflowId({ emailId }));
const run = async (): Promise<unknown> => {
  await start();
  return handle().result();
};
const history = async () =>
  JSON.stringify((await handle().fetchHistory()).events?.map((event) => JSON.stringify(event)));

it('is sent once, and its row has the time', async () => {
  expect(await run()).toBe('sent');

  expect(environment.mail.sent).toEqual([
    expect.objectContaining({ emailId, recipient: 'ada@example.org', subject: 'PocketBase (Acme) is ready' }),
  ]);
  expect(await row()).toMatchObject({
    attempts: 1,
    sentAt: expect.any(Date),
    failedAt: null,
    lastError: null,
  });
});

it('is retried after 1, 5 and 15 minutes and 1, 2, 4, 8 and 16 hours, then failed', async () => {
  environment.mail.answer = () => trouble;

  expect(await run()).toBe('failed');

  const waits = environment.mail.attempts
    .slice(1)
    .map(({ at }, index) => Math.round((at - (environment.mail.attempts[index]?.at as number)) / MINUTE));
  expect(waits).toEqual([1, 5, 15, 60, 120, 240, 480, 960]);
  expect(await row()).toMatchObject({
    attempts: 9,
    sentAt: null,
    failedAt: expect.any(Date),
    lastError: trouble.detail,
  });
}, 120_000);

it('is sent after a day without a mail server', async () => {
  const begunAt = await environment.now();
  environment.mail.answer = () => trouble;
  await start();
  await environment.env.sleep(24 * HOUR);
  expect(await row()).toMatchObject({ sentAt: null, failedAt: null, lastError: trouble.detail });
  environment.mail.answer = () => ({ kind: 'taken' });

  expect(await handle().result()).toBe('sent');

  expect((environment.mail.attempts.at(-1)?.at as number) - begunAt).toBeLessThan(32 * HOUR);
  expect(environment.mail.sent).toHaveLength(1);
  expect(await row()).toMatchObject({ sentAt: expect.any(Date), lastError: null });
}, 120_000);

it('is not retried after a permanent refusal', async () => {
  environment.mail.answer = () => ({
    kind: 'refused',
    code: 'EENVELOPE 550 RCPT TO',
    detail: '550 No such user.',
  });

  expect(await run()).toBe('failed');

  expect(environment.mail.attempts).toHaveLength(1);
  expect(await row()).toMatchObject({
    attempts: 1,
    sentAt: null,
    failedAt: expect.any(Date),
    lastError: '550 No such user.',
  });
});

it('is sent once for any number of requests, at once or later', async () => {
  await Promise.all([start(), start(), start()]);
  await handle().result();
  await start();
  await handle().result();

  expect(environment.mail.attempts).toHaveLength(1);
});

it('is sent once after its workflow was terminated and started again', async () => {
  environment.mail.answer = () => trouble;
  await start();
  await environment.env.sleep(10_000);
  await handle().terminate('by hand');
  environment.mail.answer = () => ({ kind: 'taken' });
  expect(await run()).toBe('sent');
  expect(await row()).toMatchObject({ attempts: 2 });

  await start();

  expect(environment.mail.sent).toHaveLength(1);
});

it('is not sent if its row says that it was sent', async () => {
  await inTenant((work) => markEmailSent(work, { emailId }));

  expect(await run()).toBe('sent');
  expect(environment.mail.attempts).toEqual([]);
});

it('ends without an e-mail row', async () => {
  emailId = newUuid();

  expect(await run()).toBe('not_found');
});

it('is not sent again if only its result could not be stored', async () => {
  const withTenant = environment.database.withTenant.bind(environment.database);
  let failures = 0;
  const trap = jest.spyOn(environment.database, 'withTenant').mockImplementation(async (tenantId, work) => {
    if (environment.mail.sent.length > 0 && (failures += 1) <= 3) throw new Error('PostgreSQL is away.');
    return withTenant(tenantId, work);
  });

  const outcome = await run();
  trap.mockRestore();

  expect([outcome, environment.mail.attempts.length, failures]).toEqual(['sent', 1, 4]);
  expect(await row()).toMatchObject({ attempts: 1, sentAt: expect.any(Date) });
});

it('is retried like any other if it could not be composed, which is a defect in Syncline', async () => {
  environment.mail.answer = () => {
    if (environment.mail.attempts.length === 1) throw new Error('This worker knows no e-mail of that kind.');
    return { kind: 'taken' };
  };

  expect(await run()).toBe('sent');
  expect(await row()).toMatchObject({ attempts: 2 });
});

it('waits, without a counted attempt, if the worker has no SMTP settings', async () => {
  const without = await PushEnvironment.create({ hasMailer: false });
  try {
    const lonely = await without.tenant();
    const place = { tenantId: lonely.tenantId, emailId: '' };
    place.emailId = await without.database.withTenant(place.tenantId, (work) =>
      queueEmail(work, { kind: 'onboarding_failed', recipient: 'a@example.org', content }),
    );
    await without.handleRow({ topic: 'email', ...place, nextDueAt: new Date() });
    await without.env.sleep(24 * HOUR);

    const waiting = await without.database.withTenant(place.tenantId, (work) => lockEmail(work, place));
    expect(waiting).toMatchObject({ attempts: 0, sentAt: null, failedAt: null });
    expect((await without.env.client.workflow.getHandle(emailWorkflowId(place)).describe()).status.name).toBe(
      'RUNNING',
    );
  } finally {
    await without.end();
  }
}, 120_000);

it("leaves ids in Temporal's history, and neither names nor texts of the mail server", async () => {
  environment.mail.answer = () => (environment.mail.attempts.length === 1 ? trouble : { kind: 'taken' });
  await run();

  const historyText = Buffer.from(await history()).toString();
  const decoded = [...historyText.matchAll(/"data\\*":\\*"([A-Za-z0-9+/=]+)/g)]
    .map(([, text]) => Buffer.from(text as string, 'base64').toString())
    .join('\n');
  expect(`${historyText}${decoded}`).toContain(emailId);
  expect(`${historyText}${decoded}`).not.toMatch(/ada@|Acme|PocketBase|Mailbox/);
});

it('has permanent names: one workflow per e-mail, under its public id', () => {
  expect(EMAIL_WORKFLOW).toBe('emailWorkflow');
  expect(emailWorkflowId({ emailId })).toBe(`email:${toTypeId('eml', emailId)}`);
});
