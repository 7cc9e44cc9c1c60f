/** A change of an integration beside work that locks the same rows: no deadlock. */
import { sql } from 'kysely';
import { fromTypeId } from '../../../db/sql/ids';
import { lockIntegration } from '../../../db/integrations/integrations';
import { until } from '../../support/until';
import { givenIntegration, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

it.each([
  [
    'mapping',
    { record_types: { employees: { direction: 'push', fields: [{ name: 'email', to: 'userName' }] } } },
  ],
  ['credentials', { credentials: { token: 'new' } }],
])('a new %s holds no lock that a resume or a deletion of the integration needs next', async (_, body) => {
  const { id, etag } = await givenIntegration(tenant);
  const integrationId = fromTypeId('int', id) as string;

  const { patching, isFree } = await service.database.withTenant(tenant.uuid, async (work) => {
    await lockIntegration(work, { integrationId });
    const begun = tenant.admin.patch(`/v1/integrations/${id}?check=false`, body).set('If-Match', etag).then();
    await until('the change waits for the row', async () => {
      const { rows } = await sql<{ waits: boolean }>`
        select (select true from pg_locks
          where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)) limit 1) is not null as waits`.execute(
        work.trx,
      );
      return rows[0]?.waits;
    });
    const { rows } = await sql<{ isFree: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${`mappings ${tenant.uuid}`}, 0)) as is_free`.execute(
      work.trx,
    );
    return { patching: begun, isFree: rows[0]?.isFree };
  });

  expect(isFree).toBe(true);
  expect((await patching).status).toBe(200);
});
