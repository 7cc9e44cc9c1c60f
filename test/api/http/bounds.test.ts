/** What a hostile request costs: its answer, and the delay of other requests. */
import { connectors } from '../../../connectors';
import { findMappingProblems } from '../../../domain/records/problems/mapping-problems';
import { givenRunHistory } from '../support/run-history';
import {
  expectProblem,
  type GivenTenant,
  SCIM_INTEGRATION,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const unknown = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));

it('returns at most a hundred errors, in all and per item of a batch', async () => {
  const alone = await tenant.operator.put('/v1/records/employees/e-1', { fields: {}, ...unknown(5_000) });
  const { body } = await tenant.operator.post('/v1/records/batch', {
    records: [{ record_type: 'employees', external_id: 'e-1', fields: {}, ...unknown(500) }],
  });

  expectProblem(alone, 400, 'invalid_body');
  expect(JSON.parse(alone.text).errors).toHaveLength(100);
  expect(body.results[0].problem.errors).toHaveLength(100);
});

it.each(['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+14:00'])(
  'refuses the instant %s, which PostgreSQL would read as BC',
  async (occurred_at) => {
    const response = await tenant.operator.put('/v1/records/employees/old', { fields: {}, occurred_at });

    expectProblem(response, 400, 'invalid_body');
    expect(JSON.parse(response.text).errors).toEqual([
      { pointer: '/occurred_at', code: 'custom', message: 'must not lie before the year 1' },
    ]);
  },
);

it('accepts the earliest instant', async () => {
  expect(
    (
      await tenant.operator.put('/v1/records/employees/old', {
        fields: {},
        occurred_at: '0001-01-01T00:00:00Z',
      })
    ).status,
  ).toBe(202);
});

it('refuses mapping paths deeper than records can be', async () => {
  const record_types = (depth: number) => ({
    employees: { fields: [{ name: 'a', to: '/x'.repeat(depth) }] },
  });

  const deep = await tenant.admin.post('/v1/integrations', {
    ...SCIM_INTEGRATION,
    record_types: record_types(33),
  });

  expectProblem(deep, 422, 'invalid_mapping');
  expect(JSON.parse(deep.text).errors).toEqual([
    expect.objectContaining({ pointer: '/record_types/employees/fields/0/to', code: 'too_deep' }),
  ]);
});

it('validates the deepest mappings that fit into a request without delaying other requests', () => {
  const fields = Array.from({ length: 500 }, (_, index) => ({
    name: 'a',
    to: `${'/'.repeat(400)}x${index}`,
  }));
  const problems = findMappingProblems(
    { employees: { direction: 'push', fields, onDelete: 'leave' } },
    connectors.rest?.onDelete ?? [],
  );

  expect(problems.filter(({ code }) => code === 'too_deep')).toHaveLength(500);
});

describe('a forged cursor', () => {
  it.each(['a\u0000b', '', 'x'.repeat(256)])(
    'is refused when its position is no external id: %j',
    async (position) => {
      for (const id of ['c-1', 'c-2'])
        await tenant.operator.put(`/v1/records/cursors/${id}`, { fields: {} }).expect(202);
      const { body } = await tenant.viewer.get('/v1/records/cursors?limit=1').expect(200);

      expectProblem(
        await tenant.viewer.get(`/v1/records/cursors?cursor=${forge(body.next_cursor, position)}`),
        400,
        'invalid_cursor',
      );
    },
  );

  it('is refused when its position is an instant that PostgreSQL cannot read', async () => {
    await service.givenTenant();
    const { body } = await service.platform.get('/v1/tenants?limit=1').expect(200);
    const position = { createdAt: '0000-01-01T00:00:00Z', tenantId: tenant.uuid };

    expectProblem(
      await service.platform.get(`/v1/tenants?cursor=${forge(body.next_cursor, position)}`),
      400,
      'invalid_cursor',
    );
  });

  it('is refused when its position cannot be one of the list of a run', async () => {
    const { review } = await givenRunHistory(service, tenant);
    const runs = (await tenant.viewer.get('/v1/sync-runs').expect(200)).body.data as {
      id: string;
      progress: { records_new: number };
    }[];
    const changes = `/v1/sync-runs/${runs.find(({ progress }) => progress.records_new > 1)?.id}/changes`;
    const reviewRecords = `/v1/deletion-reviews/${review}/records`;

    for (const [path, position] of [
      [changes, { recordType: 'deals', page: 2 ** 31, position: 1 }],
      [changes, { recordType: 'deals', page: 1, position: 2 ** 31 }],
      [changes, { recordType: 'a\u0000b', page: 1, position: 1 }],
      [reviewRecords, 2 ** 31],
      [reviewRecords, 2 ** 31 - 1],
    ] as const) {
      const { body } = await tenant.viewer.get(`${path}?limit=1`).expect(200);
      expectProblem(
        await tenant.viewer.get(`${path}?cursor=${forge(body.next_cursor, position)}`),
        400,
        'invalid_cursor',
      );
    }
  });

  /** The same list, another position. */
  function forge(cursor: string, position: unknown): string {
    const [mark] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string, unknown];
    return Buffer.from(JSON.stringify([mark, position])).toString('base64url');
  }
});
