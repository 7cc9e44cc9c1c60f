/** What was changed in apps after it was pushed: rule 54. */
import { replaceDrifts } from '../../../db/verify/drifts';
import { fromTypeId } from '../../../db/sql/ids';
import type { JsonValue } from '../../../domain/json';
import { givenIntegration, type Service, startService } from '../support/service';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

type Found = readonly { place: string; expected: JsonValue; found: JsonValue }[];

/** An integration and records with these drifts, by external id. */
async function givenDrifts(records: Record<string, Found>) {
  const tenant = await service.givenTenant();
  const { id } = await givenIntegration(tenant);
  const recordIds: Record<string, string> = {};
  for (const [externalId, found] of Object.entries(records))
    recordIds[externalId] = await givenDrift(tenant, id, externalId, found);
  return { tenant, id, recordIds };
}

async function givenDrift(
  tenant: Awaited<ReturnType<Service['givenTenant']>>,
  id: string,
  externalId: string,
  found: Found,
): Promise<string> {
  const integrationId = fromTypeId('int', id) as string;
  const { body } = await tenant.operator
    .put(`/v1/records/employees/${externalId}`, { fields: { first_name: 'Ada' } })
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
        remoteId: `r-${externalId}`,
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
      drifts: found.map((drift) => ({ recordId, ...drift })),
    });
    await trx
      .updateTable('recordSyncs')
      .set({ resultStatus: 'synced', resultVersion: 1, windowOpenedAt: null, dueAt: null })
      .where('recordId', '=', recordId)
      .execute();
  });
  return body.id as string;
}

const MISSING = { place: '', expected: null, found: null };
const CHANGED = { place: 'name', expected: { givenName: 'Ada' }, found: { givenName: 'Adele' } };

it('rule 54: drifts are listed page by page and shown at the record until it is pushed', async () => {
  const { tenant, id, recordIds } = await givenDrifts({ 'e-1': [MISSING, CHANGED] });
  const missing = { place: null, expected: null, found: null, found_at: expect.any(String) };
  const changed = { ...CHANGED, found_at: expect.any(String) };
  const of = {
    integration_id: id,
    record_type: 'employees',
    record_id: recordIds['e-1'],
    external_id: 'e-1',
  };
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

it('a forged cursor of drifts with a NUL in its place is refused', async () => {
  const { tenant } = await givenDrifts({ 'e-1': [MISSING, CHANGED] });
  const first = await tenant.viewer.get('/v1/drifts?limit=1').expect(200);
  const [mark, position] = JSON.parse(Buffer.from(first.body.next_cursor, 'base64url').toString());
  const forged = JSON.stringify([mark, { ...position, place: 'a\u0000b' }]);
  const cursor = Buffer.from(forged).toString('base64url');

  const { body } = await tenant.viewer.get(`/v1/drifts?cursor=${cursor}`).expect(400);
  expect(body.code).toBe('invalid_cursor');
});

it.each(['\u{20bb7}'.repeat(250), '\u6f22'.repeat(500), '\u0001'.repeat(500)])(
  'the cursor behind the longest place is accepted (%#)',
  async (place) => {
    const { tenant } = await givenDrifts({
      'e-1': [MISSING, { ...CHANGED, place }, { ...CHANGED, place: `${place}2` }],
    });
    const { body: first } = await tenant.viewer.get('/v1/drifts?limit=2').expect(200);
    const next = await tenant.viewer.get(`/v1/drifts?limit=2&cursor=${first.next_cursor}`).expect(200);
    expect(next.body).toMatchObject({ data: [{ place: `${place}2` }], next_cursor: null });
  },
);

describe('rule 54: a decision about drifts', () => {
  const decide = async (
    { tenant, id }: Awaited<ReturnType<typeof givenDrifts>>,
    body: Record<string, unknown>,
  ) =>
    (
      await tenant.operator
        .post('/v1/drifts/decide', { integration_id: id, record_type: 'employees', ...body })
        .expect(200)
    ).body;
  const record = async ({ tenant }: Awaited<ReturnType<typeof givenDrifts>>, externalId: string) =>
    (await tenant.viewer.get(`/v1/records/employees/${externalId}`).expect(200)).body;
  const links = ({ tenant }: Awaited<ReturnType<typeof givenDrifts>>) =>
    service.database.withTenant(tenant.uuid, async ({ trx }) =>
      (await trx.selectFrom('recordLinks').select('remoteId').orderBy('remoteId').execute()).map(
        ({ remoteId }) => remoteId,
      ),
    );

  it('to repair pushes the records again, and creates a missing one', async () => {
    const given = await givenDrifts({ 'e-1': [CHANGED], 'e-2': [MISSING], 'e-3': [CHANGED] });
    const external_ids = ['e-1', 'e-2'];
    expect(await decide(given, { decision: 'repair', external_ids })).toEqual({
      decided: 2,
      skipped: 0,
      next_cursor: null,
    });

    const states = ['e-1', 'e-2', 'e-3'].map(async (one) => (await record(given, one)).syncs[0].status);
    expect(await Promise.all(states)).toEqual(['sync_pending', 'sync_pending', 'synced']);
    expect(await links(given)).toEqual(['r-e-1', 'r-e-3']);
  });

  it("to accept takes the app's value, and leaves a missing record in Syncline without a link", async () => {
    const given = await givenDrifts({ 'e-1': [CHANGED], 'e-2': [MISSING] });
    expect(await decide(given, { decision: 'accept' })).toMatchObject({ decided: 2, skipped: 0 });

    expect((await record(given, 'e-1')).fields).toEqual({ first_name: 'Adele' });
    expect((await record(given, 'e-2')).fields).toEqual({ first_name: 'Ada' });
    expect(await links(given)).toEqual(['r-e-1']);
  });

  it('to accept keeps an edit in Syncline that waits for its push', async () => {
    const given = await givenDrifts({ 'e-1': [CHANGED], 'e-2': [CHANGED] });
    await given.tenant.operator
      .put('/v1/records/employees/e-1', { fields: { first_name: 'Augusta' } })
      .expect(202);
    const external_ids = ['e-1', 'e-2', 'e-2', 'e-unknown'];
    expect(await decide(given, { decision: 'accept', external_ids })).toMatchObject({
      decided: 1,
      skipped: 1,
    });

    expect((await record(given, 'e-1')).fields).toEqual({ first_name: 'Augusta' });
    expect((await record(given, 'e-2')).fields).toEqual({ first_name: 'Adele' });
  });
});
