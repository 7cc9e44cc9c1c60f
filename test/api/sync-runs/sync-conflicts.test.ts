/** Decisions about conflicts: rules 46 and 49. */
import type { NewConflict } from '../../../db/records/conflicts';
import type { Json } from '../../support/clients/api-client';
import { fromTypeId } from '../../../db/sql/ids';
import {
  givenIntegration,
  expectProblem,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';
import { givenConflicts } from '../support/given-conflicts';

let service: Service;
let tenant: GivenTenant;
let integration: { id: string; uuid: string };
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
  const { id } = await givenIntegration(tenant);
  integration = { id, uuid: fromTypeId('int', id) as string };
});
afterAll(() => service.close());

const put = async (externalId: string, fields: object): Promise<string> => {
  const { body } = await tenant.operator.put(`/v1/records/employees/${externalId}`, { fields }).expect(202);
  return fromTypeId('rec', body.id as string) as string;
};
const fieldsOf = async (externalId: string): Promise<Json> =>
  (await tenant.viewer.get(`/v1/records/employees/${externalId}`).expect(200)).body.fields;
const raise = (...conflicts: NewConflict[]): Promise<Json[]> =>
  givenConflicts(service, tenant, integration, conflicts);
const decide = (id: string, decision: string) =>
  tenant.operator.post(`/v1/sync-conflicts/${id}/decide`, { decision });
const link = (recordId: string, remoteId: string) =>
  service.database.withTenant(tenant.uuid, ({ trx, tenantId, now }) =>
    trx
      .insertInto('recordLinks')
      .values({
        tenantId,
        integrationId: integration.uuid,
        recordId,
        recordType: 'employees',
        remoteId,
        remoteVersion: null,
        remoteHash: null,
        agreed: null,
        notation: null,
        isDeactivated: false,
        updatedAt: now,
      })
      .execute(),
  );
const linkOf = (recordId: string) =>
  service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx.selectFrom('recordLinks').select('remoteId').where('recordId', '=', recordId).executeTakeFirst(),
  );
const syncOf = async (externalId: string): Promise<Json> =>
  (await tenant.viewer.get(`/v1/records/employees/${externalId}`).expect(200)).body.syncs[0];

const bothSides = (recordId: string, more: Partial<NewConflict> = {}): NewConflict => ({
  recordId,
  remoteId: `r-${recordId}`,
  kind: 'field_changed_on_both_sides',
  field: 'first_name',
  ours: 'Ada',
  theirs: 'Adele',
  winner: 'ours',
  detail: 'Both sides changed first_name.',
  ...more,
});

describe('a field that was changed on both sides', () => {
  it.each([
    ['theirs', 'Adele'],
    ['ours', 'Ada'],
    ['dismiss', 'Ada'],
  ])('gets the value of the decision "%s"', async (decision, value) => {
    const recordId = await put('e-1', { first_name: 'Ada', last_name: 'Lovelace' });
    const [conflict] = await raise(bothSides(recordId));

    const { body } = await decide(conflict!.id, decision).expect(200);

    expect(conflict).toMatchObject({ state: 'open', decisions: ['ours', 'theirs', 'dismiss'] });
    expect(body).toMatchObject({
      state: 'decided',
      decisions: [],
      decision,
      decided_by: expect.stringMatching(/^key:operator/),
      ended_at: expect.any(String),
    });
    expect(await fieldsOf('e-1')).toEqual({ first_name: value, last_name: 'Lovelace' });
    expectProblem(await decide(conflict!.id, decision), 409, 'conflict_ended');
  });

  it('is left alone when the field has been edited since, whatever is decided', async () => {
    const recordId = await put('e-1', { first_name: 'Ada' });
    const [conflict] = await raise(bothSides(recordId));
    await put('e-1', { first_name: 'Augusta' });

    const { body } = await decide(conflict!.id, 'theirs').expect(200);

    expect(body).toMatchObject({ state: 'ended', decision: null, decided_by: null });
    expect(await fieldsOf('e-1')).toEqual({ first_name: 'Augusta' });
  });

  it('is a new conflict when it is changed again, and the older one ends', async () => {
    const recordId = await put('e-1', { first_name: 'Ada' });
    await raise(bothSides(recordId));
    await raise(bothSides(recordId, { theirs: 'Adela' }));
    await raise(bothSides(recordId, { theirs: 'Adela' }));

    const { body } = await tenant.viewer.get('/v1/sync-conflicts').expect(200);
    expect(body.data.map(({ theirs, state }: Json) => [theirs, state])).toEqual([
      ['Adela', 'open'],
      ['Adele', 'ended'],
    ]);
  });
});

describe('a record that was edited here and deleted there', () => {
  const deleted = (recordId: string): NewConflict =>
    bothSides(recordId, { kind: 'edited_here_deleted_there', field: null, winner: null, remoteId: '7' });

  it('is created there again by the decision for our side', async () => {
    const recordId = await put('e-1', { first_name: 'Ada' });
    await link(recordId, '7');
    const [conflict] = await raise(deleted(recordId));

    await decide(conflict!.id, 'ours').expect(200);

    expect(await linkOf(recordId)).toBeUndefined();
    expect(await syncOf('e-1')).toMatchObject({ status: 'sync_pending' });
    expectProblem(await decide(conflict!.id, 'dismiss'), 409, 'conflict_ended');
  });

  it('is deleted here by the decision for their side, and nothing is sent there', async () => {
    const recordId = await put('e-1', { first_name: 'Ada' });
    await link(recordId, '7');
    const [conflict] = await raise(deleted(recordId));

    expectProblem(await decide(conflict!.id, 'dismiss'), 409, 'decision_not_possible');
    await decide(conflict!.id, 'theirs').expect(200);

    const { body } = await tenant.viewer.get('/v1/records/employees/e-1').expect(200);
    expect(body.is_deleted).toBe(true);
    expect(body.syncs.filter(({ status }: Json) => status === 'sync_pending')).toEqual([]);
    expect(await linkOf(recordId)).toBeUndefined();
  });
});

describe('an answer about another record', () => {
  const merged = (recordId: string): NewConflict =>
    bothSides(recordId, {
      kind: 'answered_other_id',
      field: null,
      winner: null,
      remoteId: '1',
      ours: '1',
      theirs: '2',
    });

  it('moves the link by the decision for their side, and pushes the record there', async () => {
    const recordId = await put('e-1', { first_name: 'Ada' });
    await link(recordId, '1');
    const [conflict] = await raise(merged(recordId));

    await decide(conflict!.id, 'theirs').expect(200);

    expect(await linkOf(recordId)).toEqual({ remoteId: '2' });
    expect(await syncOf('e-1')).toMatchObject({ status: 'sync_pending' });
  });

  it('does not take a record that another one is linked to', async () => {
    const recordId = await put('e-1', { first_name: 'Ada' });
    await link(recordId, '1');
    await link(await put('e-2', { first_name: 'Ida' }), '2');
    const [conflict] = await raise(merged(recordId));

    expectProblem(await decide(conflict!.id, 'theirs'), 409, 'decision_not_possible');
    expect(await linkOf(recordId)).toEqual({ remoteId: '1' });
    expect(await decide(conflict!.id, 'dismiss')).toMatchObject({ status: 200 });
  });
});

describe('all conflicts of a kind', () => {
  it('can be those of a field with the longest name of a mapping', async () => {
    const field = 'f'.repeat(255);
    await raise(bothSides(await put('long', { [field]: 'A' }), { field, ours: 'A', theirs: 'B' }));
    const kind = 'field_changed_on_both_sides';
    const wanted = { integration_id: integration.id, kind, field, decision: 'ours' };

    const decided = await tenant.operator.post('/v1/sync-conflicts/decide-alike', wanted).expect(200);
    expect(decided.body).toMatchObject({ decided: 1, next_cursor: null });
  });

  it('are decided alike, in bounded steps, and those that are outdated end', async () => {
    const names = Array.from({ length: 205 }, (_, index) => `e-${index}`);
    const { body } = await tenant.operator
      .post('/v1/records/batch', {
        records: names.map((externalId) => ({
          record_type: 'employees',
          external_id: externalId,
          fields: {
            first_name: 'Ada',
            nick: 'A',
          },
        })),
      })
      .expect(202);
    const ids = body.results.map(({ change }: Json) => fromTypeId('rec', change.id) as string) as string[];
    await raise(
      ...ids.map((id) => bothSides(id)),
      bothSides(ids[0] as string, { field: 'nick', ours: 'A', theirs: 'B' }),
    );
    await put('e-3', { first_name: 'Augusta' });
    const ask = (cursor?: string) =>
      tenant.operator
        .post('/v1/sync-conflicts/decide-alike', {
          integration_id: integration.id,
          kind: 'field_changed_on_both_sides',
          field: 'first_name',
          decision: 'theirs',
          ...(cursor === undefined ? {} : { cursor }),
        })
        .expect(200);

    const first = await ask();
    const second = await ask(first.body.next_cursor as string);

    expect(first.body.decided + second.body.decided).toBe(204);
    expect(first.body.ended + second.body.ended).toBe(1);
    expect(second.body).toMatchObject({ refused: 0, next_cursor: null });
    expect(await fieldsOf('e-204')).toMatchObject({ first_name: 'Adele', nick: 'A' });
    expect(await fieldsOf('e-3')).toMatchObject({ first_name: 'Augusta' });
    const open = await tenant.viewer.get('/v1/sync-conflicts?state=open').expect(200);
    expect(open.body.data).toMatchObject([{ field: 'nick' }]);
  });
});
