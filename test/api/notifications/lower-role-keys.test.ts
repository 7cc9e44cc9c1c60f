/** A key that acts for a person of a higher role leaves the e-mails of that person alone (X8). */
import { fromTypeId, toTypeId } from '../../../db/sql/ids';
import { notifyPerson } from '../../../db/notifications/notifications';
import { type GivenPerson, givenPerson } from '../../support/environments/people';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';
import { givenOnboarded } from '../support/simulated-worker';

let service: Service;
let tenant: GivenTenant;
let admin: GivenPerson;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
  admin = await givenPerson(service.database, tenant.uuid);
});
afterAll(() => service.close());

const actingForAdmin = () => ({ 'Syncline-Acting-As': toTypeId('psn', admin.personId) });

it("a viewer's key acting for an admin cannot turn off the admin's e-mails", async () => {
  const path = '/v1/notification-settings/own';
  const refused = await tenant.viewer.patch(path, { is_email_on: false }).set(actingForAdmin());

  expectProblem(refused, 403, 'role_insufficient');
  const own = await tenant.viewer.get('/v1/notification-settings').set(actingForAdmin()).expect(200);
  expect(own.body.own_is_email_on).toBe(true);
  await tenant.admin.patch(path, { is_email_on: false }).set(actingForAdmin()).expect(200);
});

it('a Sync Log that such a key reads does not count as viewed by the admin', async () => {
  const worker = await givenOnboarded(service, tenant);
  const runs = await tenant.viewer.get('/v1/sync-runs').expect(200);
  const { id } = runs.body.data.find(({ finished_at: at }: { finished_at: string | null }) => at !== null);
  await worker.work(async (work) => {
    const syncRunId = fromTypeId('run', id) as string;
    const { personId } = admin;
    const news = { kind: 'sync_complete', integrationId: null, syncRunId, detail: 'Done.' } as const;
    await notifyPerson(work, { ...news, personId, operationId: null, revealAt: work.now });
  });
  const unread = async () =>
    (await tenant.viewer.get('/v1/notifications/unread').set(actingForAdmin()).expect(200)).body.unread;

  const before = await unread();

  await tenant.viewer.get(`/v1/sync-runs/${id}`).set(actingForAdmin()).expect(200);
  expect(await unread()).toBe(before);
  await tenant.admin.get(`/v1/sync-runs/${id}`).set(actingForAdmin()).expect(200);
  expect(await unread()).toBe(before - 1);
});
