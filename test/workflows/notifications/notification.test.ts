/**
 * One person's notification from the news to its end (rules.md 24 to 26, R19). Minutes and days pass by
 * skipped time.
 */
import { notificationWorkflowId } from '../../../contract/notification';
import type { TenantWork } from '../../../db/database';
import { newUuid } from '../../../db/sql/ids';
import {
  changeNotificationSettings,
  lockNotificationSettings,
} from '../../../db/notifications/notification-settings';
import { countUnread, listInbox, markTargetViewed, viewNotification } from '../../../db/notifications/inbox';
import { resolveNotification, notifyAdmins, notifyPerson } from '../../../db/notifications/notifications';
import { findRefusedAddress } from '../../../db/notifications/undeliverable-addresses';
import type { MailAnswer } from '../../../egress/mail/smtp-mailer';
import type { NotificationKind } from '../../../domain/notifications/notification-kinds';
import { PushEnvironment, MINUTE, type TestTenant } from '../../support/environments/push-environment';
import { type GivenPerson, givenPerson } from '../../support/environments/people';

const HOUR = 60 * MINUTE;
const SECOND = 1_000;
const busy: MailAnswer = { kind: 'unavailable', code: 'EMESSAGE 451 DATA', detail: '451 Try again later.' };
const noSuchUser: MailAnswer = {
  kind: 'refused',
  code: 'EENVELOPE 550 RCPT TO',
  detail: '550 No such user.',
  isAddressRefused: true,
};

let environment: PushEnvironment;
let tenant: TestTenant;
let ada: GivenPerson;
let integrationId: string;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.mail.sent.length = 0;
  environment.mail.attempts.length = 0;
  environment.mail.answer = () => ({ kind: 'taken' });
  tenant = await environment.tenant();
  integrationId = await tenant.integration();
  ada = await givenPerson(environment.database, tenant.tenantId);
});

/**
 * Time passes, and the outbox is sent meanwhile: what is decided on the way has its e-mail leave on the way.
 */
const pass = async (ms: number): Promise<void> => {
  for (let left = ms; left > 0;) {
    const step = Math.min(left, ms <= 2 * HOUR ? MINUTE : 15 * MINUTE);
    await environment.sleep(step);
    left -= step;
  }
};

const inTenant = <T>(work: (context: TenantWork) => Promise<T>): Promise<T> =>
  environment.database.withTenant(tenant.tenantId, work);
const inbox = ({ personId }: GivenPerson = ada) =>
  inTenant((work) => listInbox(work, { personId, limit: 50 }));
const decisions = async (person?: GivenPerson) => (await inbox(person)).map(({ decision }) => decision);
const view = (notificationId: string) =>
  inTenant((work) => viewNotification(work, { personId: ada.personId, notificationId, how: 'seen' }));
const newest = async () => (await inbox())[0]?.notificationId as string;
const mailTo = ({ email }: GivenPerson) =>
  environment.mail.sent.filter(({ recipient }) => recipient === email);
const notify = async (
  kind: NotificationKind = 'sync_complete',
  { afterMs = 0, operationId = null as string | null, overviewId = null as string | null } = {},
) => {
  const syncRunId = newUuid();
  await inTenant((work) =>
    notifyPerson(work, {
      kind,
      personId: ada.personId,
      operationId,
      integrationId,
      overviewId,
      syncRunId,
      detail: 'It <b>ended</b>.',
      revealAt: new Date(work.now.getTime() + afterMs),
    }),
  );
  await environment.dispatch();
  return syncRunId;
};
const settings = (change: { isEmailOn?: boolean; emailDelaySeconds?: number }) =>
  inTenant(async (work) => {
    await lockNotificationSettings(work);
    await changeNotificationSettings(work, change);
  });
const operation = async ({ isAnswered }: { isAnswered: boolean }) => {
  const operationId = newUuid();
  await inTenant(({ trx, tenantId, now }) =>
    trx
      .insertInto('operations')
      .values({
        tenantId,
        operationId,
        kind: 'sync_now',
        integrationId,
        syncRunId: newUuid(),
        requestedBy: 'test',
        requestedAt: now,
        answeredAt: isAnswered ? now : null,
      })
      .execute(),
  );
  return operationId;
};
const overview = async (
  more: { invalidAt?: Date; invalidReason?: 'superseded_by_new_overview'; expiresAt?: Date } = {},
) => {
  const overviewId = newUuid();
  await inTenant(({ trx, tenantId, now }) =>
    trx
      .insertInto('overviews')
      .values({
        tenantId,
        overviewId,
        integrationId,
        state: 'ready',
        requestedBy: 'test',
        requestedAt: now,
        ...more,
      })
      .execute(),
  );
  return overviewId;
};

describe('an e-mail', () => {
  it('is not sent when the notification was viewed a minute before its time', async () => {
    await notify();
    await pass(14 * MINUTE);
    await view(await newest());

    await pass(24 * HOUR);

    expect(environment.mail.attempts).toEqual([]);
    expect(await inbox()).toMatchObject([{ decision: 'viewed', viewedAt: expect.any(Date) }]);
  });

  it('is sent once if the notification was not viewed, with a link to the platform and without texts of third parties', async () => {
    await notify();
    await pass(14 * MINUTE);
    expect(environment.mail.attempts).toEqual([]);

    await pass(24 * HOUR);

    expect(environment.mail.attempts).toHaveLength(1);
    expect(mailTo(ada)).toEqual([
      expect.objectContaining({ subject: 'Sync Now of Ledger (Test) is complete' }),
    ]);
    expect(environment.mail.sent[0]?.text).toMatch(/https:\/\/syncline\.example\/console\/sync-runs\/run_/);
    expect(`${environment.mail.sent[0]?.text}${environment.mail.sent[0]?.html}`).not.toMatch(/ended/);
    expect(await inbox()).toMatchObject([
      { decision: 'emailed', viewedAt: null, emailSentAt: expect.any(Date) },
    ]);
  });

  it('is sent after the delay of the tenant', async () => {
    await settings({ emailDelaySeconds: 3_600 });
    const notifiedAt = await environment.now();
    await notify();

    await pass(2 * HOUR);

    const waitedMs = (environment.mail.attempts[0]?.at as number) - notifiedAt;
    expect([waitedMs >= HOUR, waitedMs < HOUR + 2 * MINUTE]).toEqual([true, true]);
  });

  it('is not sent if e-mails are off, even if they were turned off meanwhile, and the reason is stored', async () => {
    await notify();
    await settings({ isEmailOn: false });

    await pass(HOUR);

    expect([environment.mail.attempts, await decisions()]).toEqual([[], ['email_off']]);
  });

  it('is not sent to a person who was disabled since', async () => {
    await notify();
    await inTenant(({ trx, now }) =>
      trx.updateTable('people').set({ disabledAt: now }).where('personId', '=', ada.personId).execute(),
    );

    await pass(HOUR);

    expect([environment.mail.attempts, await decisions()]).toEqual([[], ['person_disabled']]);
  });

  it('is sent about a valid overview, and not about an invalid one', async () => {
    await notify('sync_overview_ready', {
      overviewId: await overview({
        invalidAt: new Date(await environment.now()),
        invalidReason: 'superseded_by_new_overview',
      }),
    });
    await pass(HOUR);
    expect(environment.mail.attempts).toEqual([]);
    expect(await inbox()).toMatchObject([
      { decision: 'snapshot_invalid', decisionReason: 'superseded_by_new_overview' },
    ]);

    await notify('sync_overview_ready', {
      overviewId: await overview({ expiresAt: new Date((await environment.now()) + 7 * 24 * HOUR) }).catch(
        async () => '',
      ),
    });
    await pass(HOUR);

    expect(mailTo(ada)).toEqual([
      expect.objectContaining({ subject: 'The Sync Overview of Ledger (Test) is ready' }),
    ]);
  });

  it('is not sent about an alert whose cause ended in time', async () => {
    await inTenant((work) =>
      notifyAdmins(work, { kind: 'integration_unavailable', integrationId, detail: 'It is down.' }),
    );
    await pass(5 * MINUTE);
    await inTenant((work) =>
      resolveNotification(work, { integrationId, kind: 'integration_unavailable', now: work.now }),
    );

    await pass(HOUR);

    expect(environment.mail.attempts).toEqual([]);
    expect(await inbox()).toMatchObject([{ decision: 'not_needed', decisionReason: 'resolved' }]);
  });
});

describe('a notification', () => {
  it('is not shown if the answer reached the requester first', async () => {
    await notify('sync_complete', {
      afterMs: 5 * SECOND,
      operationId: await operation({ isAnswered: true }),
    });

    await pass(HOUR);

    expect([await inbox(), environment.mail.attempts]).toEqual([[], []]);
  });

  it('is shown 5 s later if the answer was not received', async () => {
    await notify('sync_complete', {
      afterMs: 5 * SECOND,
      operationId: await operation({ isAnswered: false }),
    });
    expect(await inbox()).toEqual([]);

    await pass(10 * SECOND);

    expect(await inbox()).toHaveLength(1);
    expect(await inTenant((work) => countUnread(work, ada))).toBe(1);
    await pass(HOUR);
  });

  it('counts as viewed when its page was opened in another way', async () => {
    const syncRunId = await notify();
    await pass(MINUTE);
    await inTenant((work) => markTargetViewed(work, { personId: ada.personId, syncRunId }));

    await pass(HOUR);

    expect([environment.mail.attempts, await decisions()]).toEqual([[], ['viewed']]);
  });

  it('reaches exactly the admins of the tenant, once per episode, and each views it separately', async () => {
    const bob = await givenPerson(environment.database, tenant.tenantId, { name: 'Bob' });
    const operator = await givenPerson(environment.database, tenant.tenantId, { role: 'operator' });
    const news = { kind: 'integration_needs_reauthorization' as const, integrationId, detail: '401' };
    await inTenant((work) => notifyAdmins(work, news));
    await inTenant((work) => notifyAdmins(work, news));
    await pass(MINUTE);
    await view(await newest());

    await pass(HOUR);

    expect([await decisions(ada), await decisions(bob), await inbox(operator)]).toEqual([
      ['viewed'],
      ['emailed'],
      [],
    ]);
    expect(environment.mail.sent.map(({ recipient }) => recipient)).toEqual([bob.email]);
  });

  it('continues after its workflow was terminated, once the sweep finds it', async () => {
    await notify();
    await pass(MINUTE);
    const { notificationRecipientId } = await inTenant(({ trx }) =>
      trx.selectFrom('notificationRecipients').selectAll().executeTakeFirstOrThrow(),
    );
    await environment.env.client.workflow
      .getHandle(notificationWorkflowId({ notificationRecipientId }))
      .terminate('by hand');

    await environment.handleRow({
      topic: 'notification',
      tenantId: tenant.tenantId,
      notificationRecipientId,
      nextDueAt: new Date(),
    });
    await pass(HOUR);

    expect(mailTo(ada)).toHaveLength(1);
  });
});

describe('without a mail server for a day', () => {
  it('a person who has viewed the notification gets no e-mail, the others one each', async () => {
    environment.mail.answer = () => busy;
    await notify();
    await notify();
    await pass(20 * HOUR);
    await view(await newest());
    environment.mail.answer = () => ({ kind: 'taken' });

    await pass(24 * HOUR);

    expect(mailTo(ada)).toHaveLength(1);
    expect(await inbox()).toMatchObject([
      { decision: 'emailed', emailWithdrawnReason: 'viewed', viewedAt: expect.any(Date) },
      { decision: 'emailed', emailWithdrawnReason: null, emailSentAt: expect.any(Date) },
    ]);
  }, 120_000);

  it('more than three become one, without those that were viewed', async () => {
    environment.mail.answer = () => busy;
    for (let count = 0; count < 6; count += 1) await notify();
    await pass(20 * HOUR);
    await view(await newest());
    environment.mail.answer = () => ({ kind: 'taken' });

    await pass(24 * HOUR);

    expect(mailTo(ada).map(({ subject }) => subject)).toEqual(['5 notifications are waiting in Syncline']);
    expect(
      (await inbox()).filter(
        ({ emailSentAt, emailWithdrawnReason }) => emailSentAt !== null && emailWithdrawnReason === null,
      ),
    ).toHaveLength(5);
  }, 120_000);

  it('three stay three', async () => {
    environment.mail.answer = () => busy;
    for (let count = 0; count < 3; count += 1) await notify();
    await pass(20 * HOUR);
    environment.mail.answer = () => ({ kind: 'taken' });

    await pass(24 * HOUR);

    expect(mailTo(ada)).toHaveLength(3);
  }, 120_000);
});

describe('the mail server', () => {
  it('is asked again after 451, under the same id', async () => {
    environment.mail.answer = () => (environment.mail.attempts.length === 1 ? busy : { kind: 'taken' });
    await notify();

    await pass(HOUR);

    expect(new Set(environment.mail.attempts.map(({ emailId }) => emailId)).size).toBe(1);
    expect([environment.mail.attempts.length, mailTo(ada).length]).toEqual([2, 1]);
  });

  it('is refused by its address for a quarter of an hour: no more e-mails are sent until the person has another one', async () => {
    environment.mail.answer = () => noSuchUser;
    await notify();
    await pass(HOUR);
    expect(await inTenant((work) => findRefusedAddress(work, ada))).toMatchObject({
      email: ada.email,
      detail: '550 No such user.',
    });
    environment.mail.answer = () => ({ kind: 'taken' });
    await notify();
    await pass(HOUR);
    expect([environment.mail.attempts.length, await decisions()]).toEqual([
      4,
      ['address_refused', 'emailed'],
    ]);

    const email = `new-${ada.email}`;
    await inTenant(({ trx }) =>
      trx.updateTable('people').set({ email }).where('personId', '=', ada.personId).execute(),
    );
    await notify();
    await pass(HOUR);

    expect(environment.mail.sent.map(({ recipient }) => recipient)).toEqual([email]);
  });

  it('gets an e-mail whose answer was lost again under the same id, and never as part of another', async () => {
    environment.mail.answer = () =>
      environment.mail.attempts.length <= 1
        ? { kind: 'unavailable', code: 'ECONNECTION', detail: 'Closed.', mayBeTaken: true }
        : busy;
    await notify();
    await pass(15 * MINUTE + 10 * SECOND);
    const [lost] = environment.mail.attempts;
    for (let count = 0; count < 5; count += 1) await notify();
    await pass(16 * MINUTE);
    environment.mail.answer = () => ({ kind: 'taken' });

    await pass(24 * HOUR);

    expect([
      environment.mail.sent.length,
      environment.mail.sent.filter(({ emailId }) => emailId === lost?.emailId).length,
    ]).toEqual([2, 1]);
    expect(mailTo(ada).map(({ subject }) => subject)).toContain('5 notifications are waiting in Syncline');
  }, 120_000);

  it('gets at most 20 e-mails for one person within an hour; further notifications are combined in a later one', async () => {
    for (let count = 0; count < 27; count += 1) {
      await notify();
      await pass(MINUTE);
    }
    await pass(16 * MINUTE);
    expect(mailTo(ada)).toHaveLength(20);

    await pass(2 * HOUR);

    expect(mailTo(ada)).toHaveLength(21);
    expect(mailTo(ada).at(-1)?.subject).toBe('7 notifications are waiting in Syncline');
  }, 240_000);
});

it("leaves ids in Temporal's history, and neither names nor addresses", async () => {
  await notify();
  await pass(HOUR);
  const { notificationRecipientId } = await inTenant(({ trx }) =>
    trx.selectFrom('notificationRecipients').selectAll().executeTakeFirstOrThrow(),
  );

  const { events } = await environment.env.client.workflow
    .getHandle(notificationWorkflowId({ notificationRecipientId }))
    .fetchHistory();
  const historyText = JSON.stringify(events);
  const decoded = [...historyText.matchAll(/"data":"([A-Za-z0-9+/=]+)/g)]
    .map(([, text]) => Buffer.from(text as string, 'base64').toString())
    .join('\n');

  expect(decoded).toContain(notificationRecipientId);
  expect(`${historyText}${decoded}`).not.toMatch(/@example|Ledger|ended/);
});
