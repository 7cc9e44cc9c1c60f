/** Who gets which notification, and the one decision about each person's e-mail: rules.md 24 to 26, R18. */
import {
  countUnread,
  listInbox,
  markTargetViewed,
  viewNotification,
  viewNotificationsUpTo,
} from '../../../db/notifications/inbox';
import { emailAtOnce, decideRecipient } from '../../../db/notifications/email-decision';
import {
  changeNotificationSettings,
  findNotificationSettings,
  lockNotificationSettings,
} from '../../../db/notifications/notification-settings';
import {
  listNotifications,
  type News,
  notifyAdmins,
  notifyPerson,
} from '../../../db/notifications/notifications';
import { changePersonEmails } from '../../../db/tenants/people';
import type { NotificationKind } from '../../../domain/notifications/notification-kinds';
import { newUuid } from '../../../db/sql/ids';
import { STALLED_WORK } from '../../../db/platform/stalled-work';
import {
  clearRefusal,
  findRefusedAddress,
  isRefusingMany,
  saveRefusal,
} from '../../../db/notifications/undeliverable-addresses';
import { type GivenPerson, givenPerson } from '../../support/environments/people';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let at = new Date('2026-11-21T09:00:00Z');
let db: TestDb;
let tenant: GivenTenant;
let ada: GivenPerson;

beforeAll(async () => {
  db = await openTestDb(() => at);
});
afterAll(() => db.end());
beforeEach(async () => {
  at = new Date('2026-11-21T09:00:00Z');
  tenant = await GivenTenant.create(db);
  ada = await givenPerson(db.database, tenant.tenantId);
});

const later = (seconds: number) => {
  at = new Date(at.getTime() + seconds * 1_000);
};
const news = (more: Partial<News> = {}): News => ({
  kind: 'sync_complete',
  integrationId: null,
  syncRunId: newUuid(),
  detail: 'Done.',
  ...more,
});
const notify = (more: Partial<News> & { personId?: string; operationId?: string } = {}, of = tenant) =>
  of.work((work) =>
    notifyPerson(work, {
      personId: ada.personId,
      operationId: null,
      revealAt: work.now,
      ...news(more),
      ...more,
    }),
  );
const inbox = ({ personId } = ada, of = tenant) =>
  of.work((work) => listInbox(work, { personId, limit: 200 }));
const unread = ({ personId } = ada) => tenant.work((work) => countUnread(work, { personId }));
const recipients = () =>
  tenant.work(({ trx, tenantId }) =>
    trx
      .selectFrom('notificationRecipients')
      .selectAll()
      .where('tenantId', '=', tenantId)
      .orderBy('notificationId')
      .execute(),
  );
const onlyRecipient = async () => (await recipients())[0] as Awaited<ReturnType<typeof recipients>>[number];
const emails = () =>
  tenant.work(({ trx, tenantId }) =>
    trx.selectFrom('emails').selectAll().where('tenantId', '=', tenantId).execute(),
  );
const settle = (notificationRecipientId: string) =>
  tenant.work((work) => decideRecipient(work, { notificationRecipientId }));

it('notifies once of the end of an operation, however often it is called', async () => {
  const operationId = newUuid();
  await notify({ operationId });
  await notify({ operationId });

  expect(await recipients()).toHaveLength(1);
  expect(
    await db.superuser(`select count(*)::int as count from notifications where tenant_id = $1`, [
      tenant.tenantId,
    ]),
  ).toEqual([{ count: 1 }]);
});

it('creates no notification when the transaction is rolled back', async () => {
  await expect(
    tenant.work(async (work) => {
      await notifyAdmins(work, news());
      throw new Error('No.');
    }),
  ).rejects.toThrow('No.');

  expect(await inbox()).toEqual([]);
});

it("shows a notification of all admins at once, and an operation's only after its response could have been sent", async () => {
  await tenant.work((work) =>
    notifyAdmins(work, news({ kind: 'endpoint_disabled', webhookEndpointId: newUuid() })),
  );
  expect(await unread()).toBe(1);

  await notify({ operationId: newUuid() });
  expect(await unread()).toBe(1);

  for (const { notificationRecipientId } of await recipients()) await settle(notificationRecipientId);
  expect(await unread()).toBe(2);
});

it("keeps a requester's notifications out of the tenant's list", async () => {
  await notify();
  await tenant.work((work) => notifyAdmins(work, news({ kind: 'endpoint_disabled' })));

  expect(
    (await tenant.work((work) => listNotifications(work, { limit: 10 }))).map(({ kind }) => kind),
  ).toEqual(['endpoint_disabled']);
});

it('cannot be seen or viewed by another person or tenant', async () => {
  await notify();
  const { notificationId, notificationRecipientId } = await onlyRecipient();
  const bob = await givenPerson(db.database, tenant.tenantId);
  const other = await GivenTenant.create(db);
  const target = { notificationId, how: 'seen' as const };

  expect(await tenant.work((work) => viewNotification(work, { personId: bob.personId, ...target }))).toBe(
    false,
  );
  expect(await other.work((work) => viewNotification(work, { personId: ada.personId, ...target }))).toBe(
    false,
  );
  expect(
    await other.work((work) => viewNotificationsUpTo(work, { personId: ada.personId, notificationId })),
  ).toBe(0);
  expect(await other.work((work) => decideRecipient(work, { notificationRecipientId }))).toEqual({
    decision: 'not_found',
  });
  expect([await inbox(bob), await inbox(ada, other), await unread()]).toEqual([[], [], 1]);
});

it('cannot be sent to a person of another tenant', async () => {
  const other = await GivenTenant.create(db);

  await expect(notify({}, other)).rejects.toThrow(/foreign key/);
});

it('marks all notifications up to one as viewed, and no later ones', async () => {
  for (let count = 0; count < 4; count += 1) await notify();
  for (const { notificationRecipientId } of await recipients()) await settle(notificationRecipientId);
  const shown = await inbox();

  expect(
    await tenant.work((work) =>
      viewNotificationsUpTo(work, { ...ada, notificationId: shown[1]?.notificationId as string }),
    ),
  ).toBe(3);

  expect((await inbox()).map(({ viewedAt }) => viewedAt !== null)).toEqual([false, true, true, true]);
  expect(await unread()).toBe(1);
});

it('keeps the first view: a second one changes nothing', async () => {
  await notify();
  const { notificationId, notificationRecipientId } = await onlyRecipient();
  await settle(notificationRecipientId);
  await tenant.work((work) => viewNotification(work, { ...ada, notificationId, how: 'seen' }));
  const [before] = await recipients();
  later(60);

  expect(await tenant.work((work) => viewNotification(work, { ...ada, notificationId, how: 'opened' }))).toBe(
    true,
  );

  expect(await recipients()).toEqual([before]);
});

it('counts a view of its target page for the person who opened it only', async () => {
  const bob = await givenPerson(db.database, tenant.tenantId);
  const syncRunId = newUuid();
  await notify({ syncRunId });
  await notify({ syncRunId, personId: bob.personId });

  await tenant.work((work) => markTargetViewed(work, { personId: ada.personId, syncRunId }));

  expect((await recipients()).map(({ personId, decision }) => [personId, decision])).toEqual([
    [ada.personId, 'viewed'],
    [bob.personId, null],
  ]);
});

it('does not count the page of a run for a notification that leads elsewhere', async () => {
  const syncRunId = newUuid();
  await tenant.work((work) => notifyAdmins(work, news({ kind: 'deletions_need_review', syncRunId })));

  await tenant.work((work) => markTargetViewed(work, { personId: ada.personId, syncRunId }));

  expect(await unread()).toBe(1);
});

it('is sent at once for kinds that require it, and not twice to one address', async () => {
  const contact = await givenPerson(db.database, tenant.tenantId);
  const content = { integration_id: 'int_1', app: 'App', account_name: 'Acme', datasets: [] };
  const emailId = newUuid();
  await tenant.work(async (work) => {
    const notified = await notifyAdmins(work, news({ kind: 'onboarding_complete' }));
    await emailAtOnce(work, notified, {
      kind: 'onboarding_complete',
      content,
      alreadySent: { address: contact.email.toUpperCase(), emailId },
    });
  });

  expect((await emails()).map(({ recipient, personId }) => [recipient, personId])).toEqual([
    [ada.email, ada.personId],
  ]);
  expect(
    (await recipients()).map((row) => [
      row.decision,
      row.decisionReason,
      row.personId === contact.personId && row.emailId === emailId,
    ]),
  ).toEqual(
    expect.arrayContaining([
      ['emailed', 'at_once', true],
      ['emailed', 'at_once', false],
    ]),
  );
});

it('has settings that two people cannot overwrite unnoticed', async () => {
  const change = (emailDelaySeconds: number) =>
    tenant.work(async (work) => {
      const before = await lockNotificationSettings(work);
      return before.version === 1
        ? (await changeNotificationSettings(work, { emailDelaySeconds })).emailDelaySeconds
        : 'stale';
    });

  expect(await tenant.work(findNotificationSettings)).toEqual({
    isEmailOn: true,
    emailDelaySeconds: 900,
    version: 1,
  });
  const outcomes = await Promise.all([60, 120, 180, 240].map(change));

  expect(outcomes.filter((outcome) => outcome === 'stale')).toHaveLength(3);
  expect(outcomes).toContain((await tenant.work(findNotificationSettings)).emailDelaySeconds);
});

describe('a person who has turned off e-mails', () => {
  const decisionOf = async (kind: NotificationKind) => {
    await tenant.work((work) => notifyAdmins(work, news({ kind })));
    const { notificationRecipientId } = (await recipients()).at(-1) as { notificationRecipientId: string };
    await settle(notificationRecipientId);
    later(901);
    return settle(notificationRecipientId);
  };

  it('gets no e-mails about news and warnings, and those about errors that last until an admin acts', async () => {
    await tenant.work((work) => changePersonEmails(work, { ...ada, isEmailOn: false }));

    expect(await decisionOf('sync_complete')).toEqual({ decision: 'email_off' });
    expect(await decisionOf('integration_unavailable')).toEqual({ decision: 'email_off' });
    expect(await decisionOf('integration_needs_reauthorization')).toEqual({ decision: 'emailed' });
    expect((await recipients()).map(({ decisionReason }) => decisionReason)).toEqual([
      'person',
      'person',
      null,
    ]);
  });

  it('gets them again after turning them on', async () => {
    for (const isEmailOn of [false, true])
      await tenant.work((work) => changePersonEmails(work, { ...ada, isEmailOn }));

    expect(await decisionOf('sync_complete')).toEqual({ decision: 'emailed' });
  });
});

describe('a refused address', () => {
  const refuse = async (person = ada) => {
    const isServerAtFault = await db.database.withDispatcher((work) => isRefusingMany(work, person));
    const refusal = { ...person, detail: '550 No such user.\0', isServerAtFault };
    return tenant.work((work) => saveRefusal(work, refusal));
  };
  const refused = () => tenant.work((work) => findRefusedAddress(work, ada));

  it('counts after a second refusal a quarter of an hour later, and for this address only', async () => {
    expect([await refuse(), await refused()]).toEqual([false, undefined]);
    later(14 * 60);
    expect(await refuse()).toBe(false);
    later(60);
    expect(await refuse()).toBe(true);
    expect(await refused()).toMatchObject({ email: ada.email, detail: '550 No such user.\u2400' });

    const email = `new-${ada.email}`;
    await tenant.work(({ trx }) =>
      trx.updateTable('people').set({ email }).where('personId', '=', ada.personId).execute(),
    );
    expect(await refused()).toBeUndefined();
    expect(await refuse({ ...ada, email })).toBe(false);
  });

  it('is forgotten when the mail server takes an e-mail, or when an admin clears it', async () => {
    await refuse();
    await tenant.work((work) => clearRefusal(work, ada));
    later(16 * 60);

    expect(await refuse()).toBe(false);
  });

  it('does not count while the same server refuses several others: that is the server', async () => {
    const [bob, eve] = [
      await givenPerson(db.database, tenant.tenantId),
      await givenPerson(db.database, tenant.tenantId),
    ];
    for (const person of [ada, bob, eve]) expect(await refuse(person)).toBe(false);
    later(20 * 60);
    for (const person of [ada, bob, eve]) expect(await refuse(person)).toBe(false);
    expect(await refused()).toBeUndefined();

    later(31 * 60);
    expect(await refuse()).toBe(false);
    later(16 * 60);
    expect(await refuse()).toBe(true);
  });
});

it('is found by the sweep if its workflow is lost, but not before it is due or after its outcome', async () => {
  const isStalled = async (overdueSince: Date) => {
    const page = await db.database.withDispatcher((work) =>
      STALLED_WORK.notifications(work, { overdueSince, after: undefined, limit: 10_000 }),
    );
    return page.stalled.filter(
      ({ topic, tenantId }) => topic === 'notification' && tenantId === tenant.tenantId,
    ).length;
  };
  const inMinutes = (minutes: number) => new Date(at.getTime() + minutes * 60_000);
  await notify();
  const { notificationRecipientId } = await onlyRecipient();
  expect([await isStalled(at), await isStalled(inMinutes(1))]).toEqual([0, 1]);

  await settle(notificationRecipientId);
  expect([await isStalled(inMinutes(14)), await isStalled(inMinutes(16))]).toEqual([0, 1]);

  later(901);
  await settle(notificationRecipientId);
  expect(await isStalled(inMinutes(60))).toBe(0);
});

it('shows the dispatcher when it is due, and neither its content nor its recipient', async () => {
  await expect(
    db.asRole('syncline_dispatcher', null, 'select person_id from notification_recipients'),
  ).rejects.toThrow('permission denied');
  expect(
    await db.asRole(
      'syncline_dispatcher',
      null,
      'select notification_recipient_id, visible_at, email_at, decision from notification_recipients',
    ),
  ).not.toEqual([]);
});
