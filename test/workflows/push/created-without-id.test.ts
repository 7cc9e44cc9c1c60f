/** What people see of answers that are successes but say too little: rules.md 13, 47 and 58. */
import type { HttpResponse } from '../../../connectors/connector';
import type { JsonValue } from '../../../domain/json';
import {
  GRACE_MS,
  MINUTE,
  PushEnvironment,
  type TestTenant,
} from '../../support/environments/push-environment';
import { jsonAnswer, linkPeople, PeopleOverHttp } from '../../support/fakes/people-over-http';

const HOUR = 60 * MINUTE;
const IDS = ['e0', 'e1', 'e2', 'e3', 'e4'];
const PAGE: HttpResponse = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  text: '<!doctype html><h1>Welcome back</h1>',
};

let environment: PushEnvironment;
let crm: PeopleOverHttp;
let tenant: TestTenant;
let integrationId: string;

beforeAll(async () => {
  environment = await PushEnvironment.create({ http: { send: (request) => crm.send(request) } });
});
afterAll(() => environment.end());
beforeEach(() => {
  crm = new PeopleOverHttp();
});

async function linked(options: { isFindable?: boolean } = {}): Promise<void> {
  tenant = await environment.tenant();
  integrationId = await linkPeople(tenant, options);
}

const hire = (name = 'Ada') =>
  tenant.accept(...IDS.map((externalId) => ({ externalId, fields: { name: `${name} ${externalId}` } })));
const statuses = async () => {
  const all = await Promise.all(IDS.map((externalId) => tenant.status(integrationId, externalId)));
  return [...new Set(all)];
};
const errorOf = async (externalId: string) =>
  (await tenant.recordSync(integrationId, externalId))?.errors?.[0];
const creations = () => crm.requestsBy('POST').length;
const outage = () =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx
      .selectFrom('integrations')
      .select(['outageSince', 'blockedReason'])
      .where('integrationId', '=', integrationId)
      .executeTakeFirstOrThrow(),
  );
const NO_OUTAGE = { outageSince: null, blockedReason: null };
const answers = (status: number, body?: JsonValue) => () => jsonAnswer(status, body);

describe('five new records whose creations are answered with a success', () => {
  it.each([
    ['without a body (201)', answers(201)],
    ['without a body (202)', answers(202)],
    ['without a body (204)', answers(204)],
    ['with a body without an id', answers(201, { ok: true })],
    ['with null as the id', answers(201, { id: null })],
    ['with a blank id', answers(201, { id: ' \t ' })],
    ['with an object as the id', answers(200, { id: { value: 7 } })],
    ['with a yes as the id', answers(201, { id: true })],
    ['with a list of results (207)', answers(207, [{ status: 201, id: 'p1' }])],
    ['with a text', () => ({ status: 201, headers: { 'content-type': 'text/plain' }, text: 'Created' })],
  ] satisfies [string, PeopleOverHttp['answer']][])(
    '%s, and that no search finds, are created once each, and each of them shows its own error',
    async (_what, answer) => {
      await linked();
      Object.assign(crm, { answer, isIndexed: false });
      await hire();
      await environment.sleep(GRACE_MS + MINUTE);

      expect(await statuses()).toEqual(['sync_failed']);
      expect(await errorOf('e3')).toMatchObject({
        category: 'rejected_record',
        code: 'created_without_id',
        message: expect.stringMatching(/accepted|created/) as string,
      });
      expect(await outage()).toEqual(NO_OUTAGE);
      await environment.sleep(6 * HOUR);
      expect(creations()).toBe(5);
    },
  );

  it('and that appear in searches a little later, become Synced by themselves', async () => {
    await linked();
    Object.assign(crm, { answer: answers(202), isIndexed: false });
    await hire();
    await environment.sleep(GRACE_MS + 4_000);
    crm.isIndexed = true;
    await environment.sleep(MINUTE);

    expect(await statuses()).toEqual(['synced']);
    expect([creations(), crm.people.length]).toEqual([5, 5]);
  });

  it('are not created again by an edit, and by Retry now only if a search finds nothing', async () => {
    await linked();
    Object.assign(crm, { answer: answers(201), isIndexed: false });
    await hire();
    await environment.sleep(GRACE_MS + MINUTE);
    await hire('Ada Lovelace');
    await environment.sleep(GRACE_MS + MINUTE);
    expect(creations()).toBe(5);
    expect(await statuses()).toEqual(['sync_failed']);

    crm.answer = (person) => jsonAnswer(201, person);
    crm.isIndexed = true;
    crm.people.splice(1); // the others were lost there
    for (const externalId of IDS) expect(await tenant.act('retry', integrationId, externalId)).toBe('done');
    await environment.sleep(MINUTE);

    expect(await statuses()).toEqual(['synced']);
    expect(crm.people.map(({ name }) => name)).toHaveLength(IDS.length);
    expect(new Set(crm.people.map(({ name }) => name))).toEqual(
      new Set(IDS.map((id) => `Ada Lovelace ${id}`)),
    );
    expect(creations()).toBe(9);
  });

  it.each([
    ['without an id', answers(201, { ok: true })],
    ['with a web page', () => PAGE],
  ])(
    '%s, and that cannot be searched, are sent again only on request, under their keys',
    async (_what, answer) => {
      await linked({ isFindable: false });
      crm.answer = answer;
      await hire();
      await environment.sleep(GRACE_MS + 1_000);
      expect(await statuses()).toEqual(['sync_failed']);
      expect(await outage()).toEqual(NO_OUTAGE);
      await environment.sleep(6 * HOUR);
      expect(creations()).toBe(5);

      crm.answer = (person) => jsonAnswer(201, person);
      for (const externalId of IDS) expect(await tenant.act('retry', integrationId, externalId)).toBe('done');
      await environment.sleep(MINUTE);

      expect(await statuses()).toEqual(['synced']);
      expect(crm.people).toHaveLength(5);
    },
  );

  it('with a web page are searched, and become Synced without an outage', async () => {
    await linked();
    crm.answer = () => PAGE;
    await hire();
    await environment.sleep(GRACE_MS + MINUTE);

    expect(await statuses()).toEqual(['synced']);
    expect(await outage()).toEqual(NO_OUTAGE);
    expect(crm.people).toHaveLength(5);
  });
});

it('rule 58: web pages as answers to edits are no outage while the check succeeds', async () => {
  await linked();
  await hire();
  await environment.sleep(GRACE_MS + 1_000);
  crm.instead = ({ method }) => (method === 'PATCH' ? PAGE : undefined);
  await hire('Grace');
  await environment.sleep(GRACE_MS + 2 * MINUTE);
  expect(await statuses()).toEqual(['sync_failed']);
  expect(await outage()).toEqual(NO_OUTAGE);

  crm.instead = () => undefined;
  await environment.sleep(HOUR);

  expect(await statuses()).toEqual(['synced']);
});
