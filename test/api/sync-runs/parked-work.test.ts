/** What people and operators learn of work that took its workers down (rule 60). */
import { fromTypeId, newUuid, toTypeId } from '../../../db/sql/ids';
import { showParkedWork } from '../../../db/push/parked-work';
import { givenParkedWork } from '../support/given-parked-work';
import { givenIntegration, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
});

type Parked = Parameters<typeof showParkedWork>[1];
const park = (parked: Parked) =>
  service.database.withTenant(tenant.uuid, (work) => showParkedWork(work, parked));
const notifications = async () => (await tenant.admin.get('/v1/notifications').expect(200)).body.data;
const metric = async () =>
  /^syncline_parked_work (\d+)$/m.exec(await service.dependencies.metrics.registry.metrics())?.[1];

it.each([
  ['push', '', 'The pushes of the integration'],
  ['check', '', 'The check of the connection'],
  ['pull', 'contacts', 'A job of a sync run (contacts)'],
] as const)(
  'rule 60: an admin is notified of a parked %s, with the app that it concerns',
  async (kind, job, detail) => {
    const { id } = await givenIntegration(tenant);
    const integrationId = fromTypeId('int', id) as string;
    const subjectId = kind === 'pull' ? newUuid() : integrationId;

    await park({ kind, subjectId, job, integrationId });

    expect(await notifications()).toMatchObject([
      {
        kind: 'work_parked',
        severity: 'error',
        title: expect.stringMatching(/^Work for .+ is parked$/),
        detail,
        integration_id: id,
        sync_run_id: kind === 'pull' ? toTypeId('run', subjectId) : null,
        path: '/console/parked-work',
      },
    ]);
  },
);

it.each([
  ['webhook_delivery', 'webhook_endpoint_id', 'whe'],
  ['overview', 'overview_id', 'ovw'],
] as const)(
  'rule 60: an admin is notified of a parked %s, which belongs to no app',
  async (kind, idName, prefix) => {
    const subjectId = newUuid();

    await park({ kind, subjectId, job: '', integrationId: null });

    expect(await notifications()).toMatchObject([
      { kind: 'work_parked', title: 'Work is parked', [idName]: toTypeId(prefix, subjectId) },
    ]);
  },
);

it('rule 60: each parking is notified, so a retry that fails is too', async () => {
  const { id } = await givenIntegration(tenant);
  const integrationId = fromTypeId('int', id) as string;
  const parked = { kind: 'push', subjectId: integrationId, job: '', integrationId } as const;

  await park(parked);
  await park(parked);

  expect(await notifications()).toHaveLength(2);
});

it('rule 60: an operator sees in the metrics how much work is parked, and that a retry ends it', async () => {
  expect(await metric()).toBe('0');

  const other = await service.givenTenant();
  const [id] = [await givenParkedWork(service, tenant), await givenParkedWork(service, other)];
  expect(await metric()).toBe('2');
  await tenant.admin.post(`/v1/parked-work/${id}/retry`).expect(200);

  expect(await metric()).toBe('1');
});
