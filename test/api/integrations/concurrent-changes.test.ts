/** A change of an integration beside work that locks the same rows: no deadlock. */
import { sql } from 'kysely';
import { fromTypeId } from '../../../db/sql/ids';
import { lockIntegration } from '../../../db/integrations/integrations';
import { untilWaitedFor } from '../../support/until-waited-for';
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
    await untilWaitedFor(work);
    const { rows } = await sql<{ isFree: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${`mappings ${tenant.uuid}`}, 0)) as is_free`.execute(
      work.trx,
    );
    return { patching: begun, isFree: rows[0]?.isFree };
  });

  expect(isFree).toBe(true);
  expect((await patching).status).toBe(200);
});
