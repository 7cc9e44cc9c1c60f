/** The inbox of a person: rules.md 24 to 27, R20, S21. */
import { sql } from 'kysely';
import { fromTypeId, newUuid, toTypeId } from '../../../db/sql/ids';
import { decideRecipient } from '../../../db/notifications/email-decision';
import { type News, notifyAdmins, notifyPerson } from '../../../db/notifications/notifications';
import { type GivenPerson, givenPerson } from '../../support/environments/people';
import {
  eventually,
  expectProblem,
  type GivenTenant,
  listening,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let server: Awaited<ReturnType<typeof listening>>;
let tenant: GivenTenant;
let ada: GivenPerson;
let bob: GivenPerson;

beforeAll(async () => {
  service = await startService();
  server = await listening(service.app);
});
beforeEach(async () => {
  tenant = await service.givenTenant();
  ada = await givenPerson(service.database, tenant.uuid);
  bob = await givenPerson(service.database, tenant.uuid, { name: 'Bob' });
});
afterAll(async () => {
  await server.close();
  await service.close();
});

const actingAs = ({ personId }: GivenPerson) => ({ 'Syncline-Acting-As': toTypeId('psn', personId) });
const get = (path: string, person = ada, of = tenant) => of.viewer.get(path).set(actingAs(person));
const post = (path: string, body: object, person = ada, of = tenant) =>
  of.admin.post(path, body).set(actingAs(person));
const inbox = async (person = ada) =>
  (await get('/v1/notifications', person).expect(200)).body.data as {
    id: string;
    kind: string;
    path: string;
  }[];
const newest = async () => (await inbox())[0]?.id as string;
const unread = async (person = ada) =>
  (await get('/v1/notifications/unread', person).expect(200)).body.unread as number;
const notify = async ({ personId }: GivenPerson, more: Partial<News> = {}) => {
  const syncRunId = newUuid();
  const news: News = {
    kind: 'sync_complete',
    integrationId: null,
    syncRunId,
    detail: '<script>alert(1)</script>',
    ...more,
  };
  await service.database.withTenant(tenant.uuid, (work) =>
    notifyPerson(work, { ...news, personId, operationId: null, revealAt: work.now }),
  );
  return syncRunId;
};
const tellAll = () =>
  service.database.withTenant(tenant.uuid, (work) =>
    notifyAdmins(work, { kind: 'endpoint_disabled', integrationId: null, detail: 'Gone.' }),
  );

it('shows what a person started, the target page, and the state of its e-mail', async () => {
  const syncRunId = await notify(ada);

  expect(await inbox()).toEqual([
    expect.objectContaining({
      kind: 'sync_complete',
      severity: 'info',
      detail: '<script>alert(1)</script>',
      path: `/console/sync-runs/${toTypeId('run', syncRunId)}`,
      sync_run_id: toTypeId('run', syncRunId),
      viewed_at: null,
      email: {
        decision: null,
        reason: null,
        decided_at: null,
        sent_at: null,
        failed_at: null,
        withdrawn_reason: null,
      },
    }),
  ]);
});

it('shows a person only their own notifications, and refuses to mark others as viewed', async () => {
  await notify(ada);
  const id = await newest();
  const other = await service.givenTenant();
  const eve = await givenPerson(service.database, other.uuid);

  expect([await inbox(bob), await unread(bob)]).toEqual([[], 0]);
  expectProblem(
    await post(`/v1/notifications/${id}/viewed`, { how: 'seen' }, bob),
    404,
    'notification_not_found',
  );
  expectProblem(
    await post(`/v1/notifications/${id}/viewed`, { how: 'seen' }, eve, other),
    404,
    'notification_not_found',
  );
  await post('/v1/notifications/viewed', { up_to: id }, eve, other).expect(200);
  expect((await get('/v1/notifications', eve, other).expect(200)).body.data).toEqual([]);

  expect(await unread()).toBe(1);
});

it('notifies all admins of events of the tenant, and each admin views the notification separately', async () => {
  await tellAll();
  const id = await newest();
  expect((await inbox(bob))[0]?.id).toBe(id);

  expect((await post(`/v1/notifications/${id}/viewed`, { how: 'opened' }).expect(200)).body).toEqual({
    unread: 0,
  });

  expect([await unread(), await unread(bob)]).toEqual([0, 1]);
  expect((await get('/v1/notifications?is_viewed=true').expect(200)).body.data).toMatchObject([
    { id, viewed_at: expect.any(String), email: { decision: 'viewed' } },
  ]);
});

it("a viewer's key acting for an admin cannot keep the e-mail of a notification from being sent (X8)", async () => {
  await notify(ada);
  const id = await newest();

  for (const [path, body] of [
    [`/v1/notifications/${id}/viewed`, { how: 'seen' }],
    ['/v1/notifications/viewed', { up_to: id }],
  ] as const)
    expectProblem(await tenant.viewer.post(path, body).set(actingAs(ada)), 403, 'role_insufficient');

  expect((await inbox())[0]).toMatchObject({ id, viewed_at: null });
});

it('is not viewed by a list, a count or a HEAD request', async () => {
  await notify(ada);
  for (const path of ['/v1/notifications', '/v1/notifications/unread']) {
    await get(path).expect(200);
    await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${tenant.keys.viewer}`, ...actingAs(ada) },
    });
  }

  expect(await unread()).toBe(1);
});

it('marks all as viewed up to what the page showed', async () => {
  for (let count = 0; count < 5; count += 1) await notify(ada);
  const shown = await inbox();

  expect((await post('/v1/notifications/viewed', { up_to: shown[1]?.id }).expect(200)).body).toEqual({
    unread: 1,
  });
});

it('marks no older one as viewed that appeared after the page was read', async () => {
  await notify(ada);
  const late = fromTypeId('ntf', await newest()) as string;
  await notify(ada);
  const read = await newest();
  await service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx
      .updateTable('notificationRecipients')
      .set({ revealedAt: sql`revealed_at + interval '1 minute'` })
      .where('notificationId', '=', late)
      .execute(),
  );

  expect((await post('/v1/notifications/viewed', { up_to: read }).expect(200)).body).toEqual({ unread: 1 });
  expect((await inbox()).at(-1)).toMatchObject({ viewed_at: null, appeared_at: expect.any(String) });
  const last = toTypeId('ntf', late);
  expect((await post('/v1/notifications/viewed', { up_to: last }).expect(200)).body).toEqual({ unread: 0 });
});

it('is paged, newest first', async () => {
  for (let count = 0; count < 5; count += 1) await notify(ada);
  const first = (await get('/v1/notifications?limit=3').expect(200)).body;
  const rest = (await get(`/v1/notifications?limit=3&cursor=${first.next_cursor}`).expect(200)).body;

  const ids = [...first.data, ...rest.data].map(({ id }: { id: string }) => id);
  expect([ids.length, rest.next_cursor]).toEqual([5, null]);
  expect(ids).toEqual(ids.toSorted().toReversed());
  expectProblem(
    await get(`/v1/notifications?limit=3&cursor=${first.next_cursor}`, bob),
    400,
    'invalid_cursor',
  );
});

it('gives a key the notifications of the tenant, but no inbox', async () => {
  await notify(ada);
  await tellAll();

  expect((await tenant.viewer.get('/v1/notifications').expect(200)).body.data).toMatchObject([
    { kind: 'endpoint_disabled', viewed_at: null, email: null },
  ]);
  expectProblem(await tenant.viewer.get('/v1/notifications/unread'), 403, 'person_required');
  expectProblem(
    await tenant.viewer.post('/v1/notifications/viewed', { up_to: toTypeId('ntf', newUuid()) }),
    403,
    'person_required',
  );
});

it('updates an open page, and only those of the person', async () => {
  const follow = async (headers: Record<string, string>) => {
    const controller = new AbortController();
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/stream?topics=notifications`, {
      headers: { authorization: `Bearer ${tenant.keys.viewer}`, ...headers },
      signal: controller.signal,
    });
    const stream = { text: '', close: () => controller.abort() };
    void (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body as ReadableStream<Uint8Array>)
        stream.text += decoder.decode(chunk, { stream: true });
    })().catch(() => undefined);
    return stream;
  };
  const [adas, bobs, keys] = [await follow(actingAs(ada)), await follow(actingAs(bob)), await follow({})];

  await notify(ada);
  const id = await newest();
  await notify(bob);

  await eventually(async () => expect(adas.text).toContain(`data:{"notification_id":"${id}"}`));
  await eventually(async () => expect(bobs.text).toContain('notification_id'));
  expect(bobs.text).not.toContain(id);
  expect(keys.text).not.toContain('notification_id');
  for (const stream of [adas, bobs, keys]) stream.close();
});

describe('the settings', () => {
  const path = '/v1/notification-settings';

  it('are on with 15 minutes until an admin changes them, which is audited', async () => {
    const before = await tenant.viewer.get(path).expect(200);
    expect(before.body).toEqual({
      is_email_on: true,
      email_delay_seconds: 900,
      own_is_email_on: null,
      own_address_refused: null,
    });

    const after = await tenant.admin
      .patch(path, { is_email_on: false, email_delay_seconds: 60 })
      .set('If-Match', before.headers.etag as string)
      .expect(200);

    expect(after.body).toMatchObject({ is_email_on: false, email_delay_seconds: 60 });
    expect((await tenant.viewer.get(path).expect(200)).headers.etag).toBe(after.headers.etag);
    expect((await tenant.admin.get('/v1/audit-log').expect(200)).body.data[0]).toMatchObject({
      action: 'notification_settings.changed',
    });
  });

  it('are not changed on an old version (R20)', async () => {
    const etag = (await tenant.viewer.get(path).expect(200)).headers.etag as string;
    const both = await Promise.all(
      [60, 120].map((email_delay_seconds) =>
        tenant.admin.patch(path, { email_delay_seconds }).set('If-Match', etag),
      ),
    );

    expect(both.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 412]);
  });

  it('can be changed by admins only, and only within bounds', async () => {
    expect((await tenant.operator.patch(path, { is_email_on: false }).set('If-Match', '"1"')).status).toBe(
      403,
    );
    expect(
      (await tenant.admin.patch(path, { email_delay_seconds: 86_401 }).set('If-Match', '"1"')).status,
    ).toBe(400);
    expect((await tenant.viewer.get(path).expect(200)).body.is_email_on).toBe(true);
  });

  it('apply to notifications that are created afterwards', async () => {
    await tenant.admin
      .patch(path, { is_email_on: false, email_delay_seconds: 0 })
      .set('If-Match', '"1"')
      .expect(200);
    await notify(ada);
    await service.database.withTenant(tenant.uuid, async (work) => {
      const { notificationRecipientId } = await work.trx
        .selectFrom('notificationRecipients')
        .selectAll()
        .executeTakeFirstOrThrow();
      await decideRecipient(work, { notificationRecipientId });
    });

    expect(await inbox()).toMatchObject([{ email: { decision: 'email_off' } }]);
  });
});
