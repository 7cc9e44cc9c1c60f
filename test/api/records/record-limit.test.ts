/** How many records of a type callers can create (rules.md 60). */
import { Client } from 'pg';
import { migrateToLatest } from '../../../db/migrate';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService({ config: { recordsPerType: 3 } });
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const put = (id: string, type = 'employees', of = tenant) =>
  of.operator.put(`/v1/records/${type}/${id}`, { fields: { name: id } });

describe('rule 60: callers cannot create records without end (X5)', () => {
  it('refuses the first record beyond the limit, and nothing else', async () => {
    for (const id of ['a', 'b', 'c']) await put(id).expect(202);
    const refused = await put('d');
    await put('a').expect(202);
    await tenant.operator.patch('/v1/records/employees/b', { fields: { name: 'B' } }).expect(202);
    await put('a', 'contacts').expect(202);
    await put('a', 'employees', await service.givenTenant()).expect(202);

    expectProblem(refused, 422, 'too_many_records');
    await tenant.viewer.get('/v1/records/employees/d').expect(404);
  });

  it('creates no more records at the same time than one after the other', async () => {
    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(async (id) => put(id)));

    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      202, 202, 202, 422, 422, 422,
    ]);
  });

  it('refuses single changes of a batch', async () => {
    await put('a').expect(202);
    const { body } = await tenant.operator
      .post('/v1/records/batch', {
        records: ['b', 'a', 'c', 'd', 'b', 'd'].map((external_id) => ({
          record_type: 'employees',
          external_id,
          fields: { name: 'batch' },
        })),
      })
      .expect(202);

    const results = body.results as { status: number; problem: { code: string } | null }[];
    expect(results.map(({ status }) => status)).toEqual([202, 202, 202, 422, 202, 422]);
    expect(results[3]?.problem?.code).toBe('too_many_records');
  });

  it('counts deleted records that are kept, and restores them', async () => {
    for (const id of ['a', 'b', 'c']) await put(id).expect(202);
    await tenant.operator.request('delete', '/v1/records/employees/a').send({}).expect(202);

    expectProblem(await put('d'), 422, 'too_many_records');
    await put('a').expect(202);
  });

  it('counts records from before the upgrade', async () => {
    for (const id of ['a', 'b']) await put(id).expect(202);
    const client = new Client(service.databaseUrl);
    await client.connect();
    await client.query('delete from record_counts');
    await client.end();
    await migrateToLatest(service.databaseUrl);
    const answers = await Promise.all(['c', 'd', 'e'].map(async (id) => put(id)));

    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 422, 422]);
  });
});
