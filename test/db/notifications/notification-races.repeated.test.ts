/** A view races with the decision about the e-mail of the same notification: rules.md R18. */
import { beginEmailAttempt } from '../../../db/notifications/email-attempts';
import { viewNotification } from '../../../db/notifications/inbox';
import { decideRecipient } from '../../../db/notifications/email-decision';
import { notifyPerson } from '../../../db/notifications/notifications';
import { newUuid } from '../../../db/sql/ids';
import { type GivenPerson, givenPerson } from '../../support/environments/people';
import { repetitions } from '../../support/tier';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const count = repetitions({ quick: 200, full: 2_000 });
let at = new Date('2026-11-21T09:00:00Z');
let db: TestDb;
let tenant: GivenTenant;
let ada: GivenPerson;

beforeAll(async () => {
  db = await openTestDb(() => at);
  tenant = await GivenTenant.create(db);
  ada = await givenPerson(db.database, tenant.tenantId);
});
afterAll(() => db.end());

const recipients = () =>
  tenant.work(({ trx, tenantId }) =>
    trx
      .selectFrom('notificationRecipients')
      .selectAll()
      .where('tenantId', '=', tenantId)
      .orderBy('notificationId')
      .execute(),
  );
const emails = () =>
  tenant.work(({ trx, tenantId }) =>
    trx.selectFrom('emails').selectAll().where('tenantId', '=', tenantId).execute(),
  );
const settle = (notificationRecipientId: string) =>
  tenant.work((work) => decideRecipient(work, { notificationRecipientId }));

it('R18: a notification opened at the due instant of its e-mail is either viewed or sent, never both or neither', async () => {
  await tenant.work(async (work) => {
    for (let index = 0; index < count; index += 1)
      await notifyPerson(work, {
        personId: ada.personId,
        operationId: null,
        revealAt: work.now,
        kind: 'sync_complete',
        integrationId: null,
        syncRunId: newUuid(),
        detail: 'Done.',
      });
  });
  const all = await recipients();
  for (let start = 0; start < count; start += 100)
    await Promise.all(all.slice(start, start + 100).map((row) => settle(row.notificationRecipientId)));
  at = new Date(at.getTime() + 901_000);

  const outcomes: unknown[] = [];
  for (let start = 0; start < count; start += 8) {
    const round = all
      .slice(start, start + 8)
      .flatMap(({ notificationRecipientId, notificationId }, index) => {
        const view = () =>
          tenant.work((work) =>
            viewNotification(work, { personId: ada.personId, notificationId, how: 'opened' }),
          );
        const decide = async () => outcomes.push((await settle(notificationRecipientId)).decision);
        return index % 2 === 0 ? [view(), decide()] : [decide(), view()];
      });
    await Promise.all(round);
  }

  const decided = await recipients();
  const sent = decided.filter(({ decision }) => decision === 'emailed');
  const suppressed = decided.filter(({ decision }) => decision === 'viewed');
  expect([sent.length + suppressed.length, (await emails()).length]).toEqual([count, sent.length]);
  expect(decided.filter(({ viewedAt }) => viewedAt === null)).toEqual([]);
  expect(suppressed.filter(({ emailId }) => emailId !== null)).toEqual([]);
  expect(outcomes.filter((outcome) => outcome === 'emailed')).toHaveLength(sent.length);
  // Among many races each side wins at least once; a few may all go one way.
  expect(count < 1_000 || (sent.length > 0 && suppressed.length > 0)).toBe(true);

  // An e-mail whose notification was viewed after the decision is not sent.
  const attempts = await Promise.all(
    sent
      .slice(0, 20)
      .map(({ emailId }) => tenant.work((work) => beginEmailAttempt(work, { emailId: emailId as string }))),
  );
  expect(attempts.filter(({ kind }) => kind !== 'over')).toEqual([]);
}, 180_000);
