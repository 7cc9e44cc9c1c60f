/** Previewing, confirming and lifting erasures (rules.md 62). */
import { advanceErasure, ERASURE_LIMITS } from '../../../db/erasures/advance-erasure';
import { fromTypeId } from '../../../db/sql/ids';
import { hashOfName, openKeyOfErasures } from '../../../db/records/erased-records';
import { endPreview, givenErasure } from '../support/given-erasure';
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

const preview = async (body: object) => (await tenant.admin.post('/v1/erasures', body).expect(202)).body;

it('rule 62: an admin sees what would be erased before anything is', async () => {
  const { id: integrationId } = await givenIntegration(tenant);
  const { id, state } = await preview({ email: 'ada@example.com' });
  expect(state).toBe('previewing');
  await tenant.admin.post(`/v1/erasures/${id}/confirm`, { records: 1 }).expect(409);

  const there = { records: 1, action: 'keep', succeeded: 0, failed: 0, unanswered: 0 } as const;
  const integration = fromTypeId('int', integrationId) as string;
  await endPreview(service, tenant, id, {
    records: 1,
    found: { records: 1, pushes: 4 },
    thirdParties: [{ integrationId: integration, ...there }],
  });

  expect((await tenant.admin.get(`/v1/erasures/${id}`).expect(200)).body).toMatchObject({
    state: 'ready',
    records: 1,
    found: { records: 1, pushes: 4 },
    integrations: [{ integration_id: integrationId, ...there }],
    confirmed_at: null,
  });
});

it('rule 62: an erasure of more records than the admin saw is refused', async () => {
  const id = await givenErasure(service, tenant, 'ready');

  const refused = await tenant.admin.post(`/v1/erasures/${id}/confirm`, { records: 3 }).expect(409);
  expect(refused.body.code).toBe('erasure_differs');
});

it('rule 62: a confirmed erasure says who confirmed it, by id, and cannot be confirmed twice', async () => {
  const id = await givenErasure(service, tenant, 'ready');
  const confirmed = await tenant.admin.post(`/v1/erasures/${id}/confirm`, { records: 0 }).expect(202);

  expect(confirmed.body).toMatchObject({ state: 'erasing', confirmed_by: expect.stringMatching(/^key_/) });
  await tenant.admin.post(`/v1/erasures/${id}/confirm`, { records: 0 }).expect(409);
});

it('rule 62: an e-mail address that was searched for is not kept in the audit log', async () => {
  await preview({
    email: 'ada@example.com',
    records: [{ record_type: 'employees', external_id: 'ada-1815' }],
  });

  const { body } = await tenant.admin.get('/v1/audit-log').expect(200);
  expect(body.data[0]).toMatchObject({
    action: 'erasure.previewed',
    detail: { records: 1, has_email: true },
  });
  expect(JSON.stringify(body)).not.toMatch(/ada@example|ada-1815/);
});

it('rule 62: a change of an erased record is refused with what to do, alone and in a batch', async () => {
  await service.database.withEraser(tenant.uuid, async (work) => {
    const hash = hashOfName(await openKeyOfErasures(work), { recordType: 'employees', externalId: 'ada' });
    await work.trx
      .insertInto('erasedHashes')
      .values({ tenantId: tenant.uuid, hash, erasureId: tenant.uuid })
      .execute();
  });

  const put = await tenant.admin.put('/v1/records/employees/ada', { fields: { name: 'Ada' } }).expect(410);
  expect(put.body).toMatchObject({ code: 'record_erased', detail: expect.stringContaining('lift') });
  const change = (externalId: string) => ({
    operation: 'put',
    record_type: 'employees',
    external_id: externalId,
    fields: { name: 'Ada' },
  });
  const batch = await tenant.admin
    .post('/v1/records/batch', { records: [change('ada'), change('bob')] })
    .expect(202);
  expect(batch.body.results).toMatchObject([
    { status: 410, problem: { code: 'record_erased' } },
    { status: 202 },
  ]);
});

/** As a worker does it, without waits. */
async function advance(id: string): Promise<void> {
  const key = { tenantId: tenant.uuid, erasureId: fromTypeId('ers', id) as string };
  const limits = { ...ERASURE_LIMITS, settleMs: 0, answersMs: 0 };
  while ((await advanceErasure(service.database, key, limits)).state !== 'ended');
}

it('rule 62: a person of two erasures can be created again when both are lifted', async () => {
  const put = () =>
    tenant.admin.put('/v1/records/employees/odile', { fields: { mail: 'odile@example.net' } });
  await put().expect(202);
  const byName = { records: [{ record_type: 'employees', external_id: 'odile' }] };
  const both = [(await preview(byName)).id, (await preview({ email: 'odile@example.net' })).id];
  for (const id of both) await advance(id);
  for (const id of both) {
    await tenant.admin.post(`/v1/erasures/${id}/confirm`, { records: 1 }).expect(202);
    await advance(id);
  }
  await put().expect(410);

  const lifted = await tenant.admin.post(`/v1/erasures/${both[1]}/lift`).expect(200);
  expect(lifted.body.lifted_at).not.toBeNull();
  await put().expect(410);
  await tenant.admin.post(`/v1/erasures/${both[0]}/lift`).expect(200);
  await put().expect(202);
});

it('only a finished erasure can be lifted', async () => {
  const id = await givenErasure(service, tenant, 'ready');
  await tenant.admin.post(`/v1/erasures/${id}/lift`).expect(409);
  const done = await givenErasure(service, tenant, 'done');

  const lifted = await tenant.admin.post(`/v1/erasures/${done}/lift`).expect(200);
  expect(lifted.body.lifted_at).not.toBeNull();
});
