/** What was changed in apps after it was pushed: rule 54. */
import { replaceDrifts } from '../../../db/verify/drifts';
import { fromTypeId } from '../../../db/sql/ids';
import { givenIntegration, type Service, startService } from '../support/service';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

it('rule 54: drifts are listed page by page and shown at the record until it is pushed', async () => {
  const tenant = await service.givenTenant();
  const { id } = await givenIntegration(tenant);
  const integrationId = fromTypeId('int', id) as string;
  const { body } = await tenant.operator
    .put('/v1/records/employees/e-1', { fields: { first_name: 'Ada' } })
    .expect(202);
  const recordId = fromTypeId('rec', body.id as string) as string;
  const key = { integrationId, recordType: 'employees', syncRunId: integrationId, job: 'verify:employees' };
  await service.database.withTenant(tenant.uuid, async (work) => {
    const { trx, tenantId, now } = work;
    await trx
      .insertInto('recordLinks')
      .values({
        tenantId,
        integrationId,
        recordId,
        recordType: 'employees',
        remoteId: 'r-1',
        remoteVersion: null,
        remoteHash: null,
        agreed: null,
        notation: null,
        isDeactivated: false,
        updatedAt: now,
      })
      .execute();
    await replaceDrifts(work, key, {
      recordIds: [recordId],
      drifts: [
        { recordId, place: '', expected: null, found: null },
        { recordId, place: 'first_name', expected: 'Ada', found: 'Adele' },
      ],
    });
  });

  const missing = { place: null, expected: null, found: null, found_at: expect.any(String) };
  const changed = { place: 'first_name', expected: 'Ada', found: 'Adele', found_at: expect.any(String) };
  const of = { integration_id: id, record_type: 'employees', record_id: body.id, external_id: 'e-1' };
  const first = await tenant.viewer.get(`/v1/drifts?integration_id=${id}&limit=1`).expect(200);
  expect(first.body.data).toEqual([{ ...of, ...missing }]);
  const next = await tenant.viewer.get(
    `/v1/drifts?integration_id=${id}&limit=1&cursor=${first.body.next_cursor as string}`,
  );
  expect(next.body).toEqual({ data: [{ ...of, ...changed }], next_cursor: null });
  const shown = await tenant.viewer.get('/v1/records/employees/e-1').expect(200);
  expect(shown.body.syncs[0].drifts).toEqual([missing, changed]);

  await service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx
      .updateTable('recordLinks')
      .set({ updatedAt: new Date(Date.now() + 1_000) })
      .execute(),
  );
  expect((await tenant.viewer.get('/v1/drifts').expect(200)).body.data).toEqual([]);
});
