/** Searches of one tenant leave the other requests their turn (rules.md 60). */
import { Client } from 'pg';
import { expectProblem, startService } from '../support/service';

it('rule 60: a tenant that sends many lists at the same time keeps its own writes and those of others (X11)', async () => {
  const service = await startService();
  const [tenant, other] = [await service.givenTenant(), await service.givenTenant()];
  const locker = new Client(service.databaseUrl);
  await locker.connect();
  await locker.query('begin; lock table webhook_endpoints');

  const lists = Array.from({ length: 12 }, async () => tenant.admin.get('/v1/webhook-endpoints'));
  const refused = await Promise.race(lists);
  await tenant.operator.put('/v1/records/employees/e-1', { fields: {} }).expect(202);
  await tenant.viewer.get('/v1/records/employees/e-1').expect(200);
  await other.viewer.get('/v1/records/employees?q=ada').expect(200);
  await locker.query('rollback');
  const answers = await Promise.all(lists);
  await tenant.admin.get('/v1/webhook-endpoints').expect(200);

  expectProblem(refused, 429, 'too_many_lists');
  expect(refused.headers['retry-after']).toBe('1');
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(4);
  await locker.end();
  await service.close();
});

it('answers lists of a tenant that wait for each other', async () => {
  const service = await startService();
  const tenant = await service.givenTenant();

  const answers = await Promise.all(
    Array.from({ length: 8 }, async () => tenant.viewer.get('/v1/records/employees?q=ada')),
  );

  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  await service.close();
});
