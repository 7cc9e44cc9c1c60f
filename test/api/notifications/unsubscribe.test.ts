/** The unsubscribe link of an e-mail (RFC 8058): what people, mail programs and scanners do with it (B40). */
import supertest from 'supertest';
import { fromTypeId, newUuid } from '../../../db/sql/ids';
import { unsubscribeToken } from '../../../db/notifications/unsubscribe-token';
import { createEncryption } from '../../../db/platform/encryption';
import { canUnsubscribe } from '../../../domain/notifications/email-kinds';
import { Browser, givenPerson, type GivenPerson } from '../support/console';
import {
  expectProblem,
  type GivenTenant,
  newEncryptionKey,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
let person: GivenPerson;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
beforeEach(async () => {
  person = await givenPerson(service, tenant);
});
afterAll(() => service.close());

const uuid = () => fromTypeId('psn', person.id) as string;
const linkOf = (personId = uuid(), tenantId = tenant.uuid, encryption = service.encryption) =>
  `/unsubscribe/${unsubscribeToken(encryption, { tenantId, personId })}`;
const isOn = async () => (await tenant.admin.get(`/v1/people/${person.id}`)).body.is_email_on as boolean;
const postByMailProgram = (link: string) =>
  supertest(service.app).post(link).type('form').send('List-Unsubscribe=One-Click');

it('a scanner that opens it with GET, HEAD or OPTIONS changes nothing, and a person sees a button', async () => {
  const shown = await supertest(service.app).get(linkOf());
  await supertest(service.app).head(linkOf());
  await supertest(service.app).options(linkOf());

  expect([shown.status, shown.type]).toEqual([200, 'text/html']);
  expect(shown.text).toContain('<form method="post">');
  expect(shown.headers['content-security-policy']).toContain("form-action 'self'");
  expect(await isOn()).toBe(true);
});

it('a mail program turns off e-mails with one POST, without a sign-in or a cookie, and again without effect', async () => {
  for (let times = 0; times < 2; times += 1) {
    const answer = await postByMailProgram(linkOf());
    expect([answer.status, answer.headers['set-cookie']]).toEqual([200, undefined]);
  }

  expect(await isOn()).toBe(false);
  const { data } = (await tenant.admin.get('/v1/audit-log')).body as {
    data: { action: string; target: string; actor: string }[];
  };
  expect(
    data.filter(({ target, action }) => target === person.id && action === 'person.emails_changed'),
  ).toEqual([expect.objectContaining({ actor: 'unsubscribe_link' })]);
});

it('the person turns them on again in the account', async () => {
  await postByMailProgram(linkOf());
  const browser = await new Browser(service.app).signIn(person.email);
  expect((await browser.get('/console/v1/notification-settings')).body.own_is_email_on).toBe(false);

  const answer = await browser.send('patch', '/console/v1/notification-settings/own', { is_email_on: true });

  expect([answer.status, answer.body.own_is_email_on]).toEqual([200, true]);
  expectProblem(
    await tenant.admin.patch('/v1/notification-settings/own', { is_email_on: false }),
    403,
    'person_required',
  );
});

it('a link that was altered, signed by another key or made for another person is refused', async () => {
  const other = await givenPerson(service, tenant);
  const [tenantPart, , signature] = linkOf().slice('/unsubscribe/'.length).split('.');
  const foreign = createEncryption({ keys: [newEncryptionKey('k1')] });
  for (const link of [
    `/unsubscribe/${tenantPart}.${other.id}.${signature}`,
    `${linkOf()}x`,
    `${linkOf()}.x`,
    linkOf().slice(0, -1),
    linkOf(uuid(), tenant.uuid, foreign),
    '/unsubscribe/x',
    '/unsubscribe/..',
  ])
    expect((await postByMailProgram(link)).status).toBeGreaterThanOrEqual(400);

  expectProblem(await postByMailProgram(`/unsubscribe/${tenantPart}.${other.id}.${signature}`), 404);
  expect(await isOn()).toBe(true);
});

it('a link of a person of another tenant changes nothing', async () => {
  const foreign = await service.givenTenant();

  expect((await postByMailProgram(linkOf(uuid(), foreign.uuid))).status).toBe(200);
  expect(await isOn()).toBe(true);
  expect((await postByMailProgram(linkOf(newUuid()))).status).toBe(200);
});

it('works after the encryption key was rotated, as long as the old key is there', () => {
  const [old, current] = [newEncryptionKey('k1'), newEncryptionKey('k2')];
  const signature = createEncryption({ keys: [old] }).sign('unsubscribe', 'a.b');

  expect(createEncryption({ keys: [current, old] }).isSigned('unsubscribe', 'a.b', signature)).toBe(true);
  expect(createEncryption({ keys: [current, old] }).isSigned('other', 'a.b', signature)).toBe(false);
  expect(createEncryption({ keys: [current] }).isSigned('unsubscribe', 'a.b', signature)).toBe(false);
});

it('e-mails that a person cannot turn off have no such link', () => {
  const item = { app: null, account_name: null, path: '/' };
  const about = (...kinds: ('sync_complete' | 'integration_needs_reauthorization')[]) => ({
    kind: 'notification_digest',
    content: { items: kinds.map((kind) => ({ ...item, kind })) },
  });

  expect(canUnsubscribe(about('integration_needs_reauthorization'))).toBe(false);
  expect(canUnsubscribe(about('sync_complete', 'integration_needs_reauthorization'))).toBe(true);
  expect(canUnsubscribe({ kind: 'onboarding_failed', content: {} })).toBe(false);
  expect(canUnsubscribe({ kind: 'onboarding_complete', content: {} })).toBe(true);
});
