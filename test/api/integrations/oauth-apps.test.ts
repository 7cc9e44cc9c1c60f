/** OAuth apps: of a tenant and of the platform; their secrets are never shown. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { fromTypeId, newUuid, toTypeId } from '../../../db/sql/ids';
import { changeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import type { JsonObject } from '../../../domain/json';
import { listIntegration } from '../../support/servers/list-server';
import { until } from '../../support/until';
import {
  type Caller,
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
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const APP = {
  name: 'HR',
  client_id: 'syncline',
  client_secret: 'top-secret-of-the-app',
  allowed_origins: ['https://login.example.com', 'https://*.example.org'],
};

const givenIntegrationOf = async (of: GivenTenant): Promise<string> =>
  fromTypeId('int', (await givenIntegration(of)).id) as string;

/** An integration that names the app and is not connected. */
async function givenNaming(of: GivenTenant, appId: string): Promise<string> {
  const integrationId = await givenIntegrationOf(of);
  await service.database.withTenant(of.uuid, ({ trx }) =>
    trx
      .updateTable('integrations')
      .set({ config: JSON.stringify({ auth: { app_id: appId } }) })
      .where('integrationId', '=', integrationId)
      .execute(),
  );
  return integrationId;
}

it('an integration can have a long text where others name an app', async () => {
  await expect(givenNaming(tenant, randomBytes(6_000).toString('base64'))).resolves.toBeDefined();
});

describe('an app of a tenant', () => {
  it('is shown without its secret, which the database holds encrypted', async () => {
    const { body: created } = await tenant.admin.post('/v1/oauth-apps', APP).expect(201);
    const shown = await tenant.viewer.get(`/v1/oauth-apps/${created.id}`).expect(200);
    const audit = await tenant.admin.get('/v1/audit-log').expect(200);
    const rows = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      trx.selectFrom('oauthApps').selectAll().execute(),
    );

    expect(created).toMatchObject({ owner: 'tenant', client_id: 'syncline', has_client_secret: true });
    expect(shown.body).toEqual(created);
    expect(shown.text + audit.text + JSON.stringify(rows)).not.toContain(APP.client_secret);
  });

  it('is created with the secret of its webhooks, which is not shown either', async () => {
    const app = { ...APP, webhook_secret: 'canary-of-all-webhooks' };
    const made = await tenant.admin.post('/v1/oauth-apps', app).expect(201);
    const audit = await tenant.admin.get('/v1/audit-log').expect(200);
    const [row] = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      trx
        .selectFrom('oauthApps')
        .select('webhookSecret')
        .where('oauthAppId', '=', fromTypeId('oap', made.body.id) as string)
        .execute(),
    );

    expect(made.body).toMatchObject({ has_webhook_secret: true });
    expect(row?.webhookSecret).toEqual(expect.any(String));
    expect(made.text + audit.text + row?.webhookSecret).not.toContain('canary-of-all-webhooks');
    const without = await tenant.admin.post('/v1/oauth-apps', APP).expect(201);
    expect(without.body).toMatchObject({ has_webhook_secret: false });
  });

  it('does not send its secret to a further origin until the secret is given again', async () => {
    const { body } = await tenant.admin.post('/v1/oauth-apps', APP).expect(201);
    const wider = { allowed_origins: [...APP.allowed_origins, 'https://attacker.example'] };
    const patch = (change: object) =>
      tenant.admin.patch(`/v1/oauth-apps/${body.id}`, change).set('If-Match', '"1"');

    expectProblem(await patch(wider), 422, 'client_secret_needed');
    expect((await patch({ ...wider, client_secret: 'again' })).status).toBe(200);
  });

  it.each([
    'https://*.com',
    'https://login.example.com/path',
    'login.example.com',
    'ftp://example.com',
    'https://user@example.com',
    'https://a.*.example.com',
  ])('cannot have the origin %s', async (origin) => {
    const response = await tenant.admin.post('/v1/oauth-apps', { ...APP, allowed_origins: [origin] });

    expect(response.status).toBe(400);
  });

  it.each(['names it', 'is connected by it'])('cannot be deleted while an integration %s', async (use) => {
    const { body: app } = await tenant.admin.post('/v1/oauth-apps', APP).expect(201);
    const integrationId =
      use === 'names it' ? await givenNaming(tenant, app.id) : await givenIntegrationOf(tenant);
    await service.database.withTenant(tenant.uuid, async ({ trx, tenantId, now }) => {
      if (use !== 'names it')
        await trx
          .insertInto('oauthAccounts')
          .values({
            tenantId,
            integrationId,
            connectionId: newUuid(),
            appTenantId: tenantId,
            oauthAppId: fromTypeId('oap', app.id) as string,
            accessToken: 'sealed',
            refreshedAt: now,
            connectedAt: now,
            connectedBy: 'test',
          })
          .execute();
    });

    const refused = await tenant.admin.delete(`/v1/oauth-apps/${app.id}`);
    expectProblem(refused, 409, 'oauth_app_in_use');
    expect(refused.body.detail).toContain('1 without a definition');
    const shown = await tenant.admin.get(`/v1/oauth-apps/${app.id}`).expect(200);
    const connected = use === 'names it' ? 0 : 1;
    expect(shown.body.uses).toEqual([{ definition_key: null, integrations: 1, connected, tenants: 1 }]);
  });

  it('is deleted when nothing uses it', async () => {
    const { body: app } = await tenant.admin.post('/v1/oauth-apps', APP).expect(201);

    expect((await tenant.admin.delete(`/v1/oauth-apps/${app.id}`)).status).toBe(204);
    expectProblem(await tenant.admin.get(`/v1/oauth-apps/${app.id}`), 404, 'oauth_app_not_found');
  });
});

describe('an app of the platform', () => {
  it('can be used by every tenant and changed by none', async () => {
    const { body: app } = await service.platform.post('/v1/platform/oauth-apps', APP).expect(201);
    const path = `/v1/oauth-apps/${app.id}`;

    expect((await tenant.viewer.get(path)).body).toMatchObject({ owner: 'platform', id: app.id });
    expect((await tenant.viewer.get('/v1/oauth-apps')).text).toContain(app.id);
    expectProblem(
      await tenant.admin.patch(path, { name: 'mine' }).set('If-Match', '"1"'),
      404,
      'oauth_app_not_found',
    );
    expectProblem(await tenant.admin.delete(path), 404, 'oauth_app_not_found');
  });

  it('cannot be deleted while integrations of any tenant name it, and tenants see only their own', async () => {
    const other = await service.givenTenant();
    const { body: app } = await service.platform.post('/v1/platform/oauth-apps', APP).expect(201);
    const route = `/v1/platform/oauth-apps/${app.id}`;
    const named = [await givenNaming(tenant, app.id), await givenNaming(other, app.id)];
    await givenNaming(other, app.id);
    const usesOf = async (as: Caller, root = '/v1') =>
      (await as.get(`${root}/oauth-apps/${app.id}`)).body.uses;
    const use = { definition_key: null, connected: 0 };

    expectProblem(await service.platform.delete(route), 409, 'oauth_app_in_use');
    expect(await usesOf(service.platform, '/v1/platform')).toEqual([{ ...use, integrations: 3, tenants: 2 }]);
    expect(await usesOf(tenant.viewer)).toEqual([{ ...use, integrations: 1, tenants: 1 }]);
    expect((await service.platform.get('/v1/platform/oauth-apps')).body.redirect_uri).toBe(
      (await tenant.viewer.get('/v1/connect-settings')).body.redirect_uri,
    );
    for (const [index, of] of [tenant, other].entries())
      await of.admin.delete(`/v1/integrations/${toTypeId('int', named[index] as string)}`).expect(204);
    expect(await usesOf(service.platform, '/v1/platform')).toEqual([{ ...use, integrations: 1, tenants: 1 }]);
  });
});

it('many calls with the platform key at the same time are all answered', async () => {
  const { body: app } = await service.platform.post('/v1/platform/oauth-apps', APP).expect(201);
  const paths = ['/v1/platform/oauth-apps', `/v1/platform/oauth-apps/${app.id}`];
  const calls = Array.from({ length: 10 }, (_, index) => service.platform.get(paths[index % 2] as string));

  expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
});

describe('an app that an integration begins to name', () => {
  const settingsWith = (appId: string): { config: JsonObject } => {
    const { credentials: _none, ...given } = listIntegration('https://crm.example.org', ['contacts']);
    const auth = {
      type: 'oauth2_authorization_code',
      app_id: appId,
      authorization_url: 'https://login.example.com/authorize',
      token_url: 'https://login.example.com/token',
    };
    return { ...given, config: { ...(given['config'] as object), auth } };
  };

  it.each(['tenant', 'platform'])('is not deleted at that moment (%s)', async (owner) => {
    const [by, path] =
      owner === 'tenant' ? [tenant.admin, '/v1/oauth-apps'] : [service.platform, '/v1/platform/oauth-apps'];
    const { body: app } = await by.post(path, APP).expect(201);
    const integrationId = await givenIntegrationOf(tenant);
    const { config } = settingsWith(app.id);
    let isNamed = false;
    const naming = service.database.withTenant(tenant.uuid, async (work) => {
      await changeIntegration(work, { integrationId, change: { config } });
      isNamed = true;
      await untilADeletionWaits();
    });
    await until('the app is named', () => isNamed);
    const refused = await by.delete(`${path}/${app.id}`);
    await naming;

    expectProblem(refused, 409, 'oauth_app_in_use');
  });

  it('is not linked if it was deleted while its settings were tried', async () => {
    const { body: app } = await tenant.admin.post('/v1/oauth-apps', APP).expect(201);
    const check = jest.spyOn(service.temporal, 'checkIntegration').mockImplementation(async () => {
      await tenant.admin.delete(`/v1/oauth-apps/${app.id}`).expect(204);
      return { ok: true };
    });

    const linked = await tenant.admin.post('/v1/integrations', settingsWith(app.id));

    check.mockRestore();
    expectProblem(linked, 422, 'invalid_config');
    expect(linked.body.errors).toMatchObject([{ pointer: '/config/auth/app_id', code: 'unknown' }]);
  });

  async function untilADeletionWaits(): Promise<void> {
    const client = new Client({ connectionString: service.databaseUrl });
    await client.connect();
    try {
      await until('a deletion waits', async () => {
        const { rows } = await client.query(
          `select from pg_locks where locktype = 'advisory' and not granted
             and database = (select oid from pg_database where datname = current_database())`,
        );
        return rows.length > 0;
      });
    } finally {
      await client.end();
    }
  }
});
