/** Time zones are stored by the exact names that Temporal and PostgreSQL accept. */
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const change = async (time_zone: string) => {
  const { headers } = await tenant.admin.get('/v1/tenant');
  return tenant.admin.patch('/v1/tenant', { time_zone }).set('If-Match', headers['etag'] as string);
};

it.each([
  ['europe/berlin', 'Europe/Berlin'],
  ['est', 'EST'],
  ['utc', 'UTC'],
  ['ASIA/KOLKATA', 'Asia/Kolkata'],
  ['america/argentina/buenos_aires', 'America/Argentina/Buenos_Aires'],
])('%s is stored as %s, so that its nightly runs come (F3)', async (given, stored) => {
  const response = await change(given);

  expect({ status: response.status, zone: response.body.time_zone }).toEqual({ status: 200, zone: stored });
});

it.each(['+02:00', 'Berlin', 'posix/Europe/Berlin', 'Factory', 'localtime'])(
  '%s is refused, because Temporal or Node.js does not know it',
  async (given) => expectProblem(await change(given), 422, 'unknown_time_zone'),
);
