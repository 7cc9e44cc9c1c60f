/** Mappings with transforms: what is refused, and what a preview shows (rules.md 47, 48; ADR 0032). */
import { HttpError } from '../../../api/http/http-error';
import { findIntegration } from '../../../db/integrations/integrations';
import { fromTypeId } from '../../../db/sql/ids';
import { readerOf } from '../../../domain/pull/read-value';
import { toRemoteValue } from '../../../domain/records/mapping';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
  service.temporal.samples = {};
});

const FIELDS = [
  { name: 'email', to: 'userName', transform: [{ type: 'trim' }, { type: 'case', to: 'lower' }] },
  { name: 'born', to: 'nickName', transform: [{ type: 'date', format: 'dd.MM.yyyy' }] },
  { names: ['first', 'last'], to: 'displayName', transform: [{ type: 'join', separator: ' ' }] },
];
const mapping = (fields: object[], more: object = {}) => ({
  record_types: { employees: { direction: 'both', fields, on_delete: 'deactivate', ...more } },
});
const preview = (id: string, body: object) =>
  tenant.admin.post(`/v1/integrations/${id}/mapping-preview`, body);

async function givenEmployees(...records: object[]): Promise<void> {
  for (const [index, fields] of records.entries())
    await tenant.admin.put(`/v1/records/employees/e${index}`, { fields }).expect(202);
}

describe('a preview of a mapping', () => {
  it('shows our records as they would be sent, and those of the app as they would be stored', async () => {
    await givenEmployees(
      { email: ' Ana@X ', born: '2000-01-31', first: 'Ana', last: 'Lima' },
      { born: 'soon' },
    );
    const { id } = await givenIntegration(tenant);
    service.temporal.samples = {
      employees: {
        records: [
          {
            remoteId: '7',
            values: [
              { names: ['born'], to: 'nickName', before: '1.2.2000', after: '2000-02-01', problem: null },
            ],
          },
        ],
        problem: null,
      },
    };

    const { body } = await preview(id, mapping(FIELDS)).expect(200);

    const [{ sent, read, read_problem }] = body.record_types;
    expect(sent[0].values.map(({ to, after }: { to: string; after: unknown }) => [to, after])).toEqual([
      ['userName', 'ana@x'],
      ['nickName', '31.01.2000'],
      ['displayName', 'Ana Lima'],
    ]);
    expect(sent[1].values).toEqual([
      {
        names: ['born'],
        to: 'nickName',
        before: 'soon',
        after: null,
        problem: 'The value "soon" is not a date.',
      },
    ]);
    expect([read, read_problem]).toEqual([
      [{ id: '7', values: [expect.objectContaining({ to: 'nickName', after: '2000-02-01' })] }],
      null,
    ]);
  });

  it('shows our records although no worker has read those of the app in time, and leaves no row', async () => {
    await givenEmployees({ email: 'a@x' });
    const { id } = await givenIntegration(tenant);
    service.temporal.samples = new HttpError('check_unanswered');

    const { body } = await preview(id, mapping(FIELDS)).expect(200);

    expect(body.record_types[0]).toMatchObject({
      sent: [{ id: 'e0' }],
      read: [],
      read_problem: 'No worker read records of the app in time.',
    });
    const rows = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      trx.selectFrom('integrationTrials').selectAll().execute(),
    );
    expect(rows).toEqual([]);
  });

  it('changes nothing', async () => {
    const { id } = await givenIntegration(tenant);
    const { body: before } = await tenant.admin.get(`/v1/integrations/${id}`);

    await preview(id, mapping(FIELDS)).expect(200);

    expect((await tenant.admin.get(`/v1/integrations/${id}`)).body).toEqual(before);
  });
});

describe('a mapping with transforms', () => {
  it('is stored and shown as it was given', async () => {
    const { id, etag } = await givenIntegration(tenant);
    const fields = [...FIELDS, { name: 'grade', to: 'title', direction: 'push' }];

    await tenant.admin
      .patch(`/v1/integrations/${id}?check=false`, mapping(fields))
      .set('If-Match', etag)
      .expect(200);

    const { body } = await tenant.admin.get(`/v1/integrations/${id}`);
    expect(body.record_types.employees.fields).toEqual(fields);
  });

  it('is refused in words, both ways, by a worker that knows no transforms', async () => {
    const { id } = await givenIntegration(tenant, { ...mapping(FIELDS.slice(0, 2)), is_paused: true });
    const stored = await service.database.withTenant(tenant.uuid, (work) =>
      findIntegration(work, { integrationId: fromTypeId('int', id)! }),
    );

    for (const { transform: _unknown, ...field } of stored!.recordTypes['employees']!.fields) {
      expect(toRemoteValue(field, 'Ana')).toMatchObject({ ok: false });
      expect(readerOf(field)('Ana')).toEqual({
        ok: false,
        message: 'The value "Ana" of the third party has no counterpart in the mapping.',
      });
      expect(readerOf(field)(null)).toEqual({ ok: true, value: null });
    }
  });

  it.each<[string, object, string, string]>([
    [
      'a step that cannot be read back',
      { name: 'name', to: 'nickName', transform: [{ type: 'part', separator: ' ', at: 0 }] },
      '/transform/0',
      'not_readable',
    ],
    [
      'a type beside a transform',
      { name: 'name', to: 'nickName', type: 'string', transform: [{ type: 'trim' }] },
      '/transform',
      'transform_alone',
    ],
    [
      'a field that is also read and only sent on creation',
      { name: 'name', to: 'nickName', only_on_create: true },
      '/only_on_create',
      'only_sent',
    ],
    ['several fields without a join', { names: ['a', 'b'], to: 'nickName' }, '/transform', 'join_needed'],
    [
      'a name and names',
      { name: 'a', names: ['a', 'b'], to: 'nickName', transform: [{ type: 'join', separator: ' ' }] },
      '',
      'name_or_constant',
    ],
    [
      'a direction that the record type does not have',
      { name: 'a', to: 'nickName', direction: 'pull' },
      '/direction',
      'other_direction',
    ],
  ])('is refused with %s', async (_name, field, at, code) => {
    const { id } = await givenIntegration(tenant);

    const direction = code === 'other_direction' ? 'push' : 'both';
    const response = await preview(id, mapping([{ name: 'email', to: 'userName' }, field], { direction }));

    expectProblem(response, 422, 'invalid_mapping');
    expect(response.body.errors).toEqual([
      expect.objectContaining({ pointer: `/record_types/employees/fields/1${at}`, code }),
    ]);
  });
});
