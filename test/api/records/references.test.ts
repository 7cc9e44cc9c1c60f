/** Mappings with `ref`, and whom a record waits for (docs/decisions/0033). */
import { sql } from 'kysely';
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

const email = { name: 'email', to: 'userName' };
const manager = { name: 'manager', to: '/manager/value', ref: { record_type: 'employees' } };
const mapped = (...fields: object[]) => ({
  record_types: { employees: { direction: 'push', fields: [email, ...fields], on_delete: 'deactivate' } },
  is_paused: false,
  initial_push: 'none',
});

it('a mapping shows the reference as it was given', async () => {
  const { id } = await givenIntegration(tenant, mapped(manager));

  const { body } = await tenant.viewer.get(`/v1/integrations/${id}`).expect(200);

  expect(body.record_types.employees.fields).toEqual([email, manager]);
});

it('a process that does not know ref finds no value that it could send', async () => {
  await givenIntegration(tenant, mapped(manager));

  const { rows } = await service.database.withTenant(tenant.uuid, ({ trx }) =>
    sql<{
      values: object;
    }>`select record_types #> '{employees,fields,1,values}' as values from integrations`.execute(trx),
  );

  expect(Object.keys(rows[0]?.values ?? {})).toEqual([expect.stringContaining('update the worker')]);
});

it.each([
  ['a type that is not mapped', { ...manager, ref: { record_type: 'teams' } }, '/ref/record_type'],
  ['a type of a date', { ...manager, type: 'date' }, '/type'],
])('%s is refused', async (_, field, pointer) => {
  const { text } = await tenant.admin
    .post('/v1/integrations', {
      connector: 'scim',
      app: 'HR',
      account_name: 'HR',
      config: { base_url: 'https://hr.example.com/scim/v2' },
      credentials: { token: 'token' },
      ...mapped(field),
    })
    .expect(422);

  expect(JSON.parse(text).errors).toMatchObject([{ pointer: `/record_types/employees/fields/1${pointer}` }]);
});

it('a record names whom it waits for, alone and in the list', async () => {
  await givenIntegration(tenant, mapped(manager));
  for (const [id, fields] of Object.entries({ ada: { manager: 'bob' }, bob: {} }))
    await tenant.operator
      .put(`/v1/records/employees/${id}`, { fields: { email: `${id}@x.org`, ...fields } })
      .expect(202);
  await service.database.withTenant(tenant.uuid, ({ trx }) =>
    sql`
      insert into push_references (tenant_id, integration_id, record_id, place, record_type, external_id, target_id,
        field, state)
      select record.tenant_id, record_sync.integration_id, record.record_id, 'x', 'employees', 'bob', target.record_id,
        'manager', 'waiting'
      from records record join record_syncs record_sync using (tenant_id, record_id)
      join records target on target.tenant_id = record.tenant_id and target.external_id = 'bob'
      where record.tenant_id = ${tenant.uuid} and record.external_id = 'ada'`.execute(trx),
  );

  const { body: record } = await tenant.viewer.get('/v1/records/employees/ada').expect(200);
  const { body: list } = await tenant.viewer.get('/v1/record-syncs').expect(200);

  const waits = [{ field: 'manager', record_type: 'employees', external_id: 'bob', has_failed: false }];
  expect(record.syncs[0].waits_for).toEqual(waits);
  const listed = Object.fromEntries(
    list.data.map((one: { external_id: string; waits_for: object }) => [one.external_id, one.waits_for]),
  );
  expect(listed).toEqual({ ada: waits, bob: [] });
});
