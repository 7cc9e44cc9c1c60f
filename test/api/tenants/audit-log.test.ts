/**
 * Each route that changes data writes exactly one audit entry (rules.md 9). The API description lists the
 * routes.
 */
import type supertest from 'supertest';
import { givenDefinition } from '../third-parties/definition-given';
import { givenRollout } from '../third-parties/rollout-given';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import { Browser, givenPerson, PASSWORD } from '../support/console';
import { givenOnboarded } from '../support/simulated-worker';
import { givenRunHistory } from '../support/run-history';
import { givenErasure } from '../support/given-erasure';
import { givenRefusedMessage } from '../support/given-refused-message';
import { storeShipped } from '../support/app-webhooks';
import { givenIncoming, withWebhooks } from '../support/incoming';
import { givenParkedWork } from '../support/given-parked-work';
import { givenPushReview } from '../support/given-push-review';
import {
  type Caller,
  givenIntegration,
  type GivenTenant,
  PLATFORM_KEY,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
  await storeShipped(service.database, 'hubspot');
});
afterAll(() => service.close());

interface Case {
  /** `person`: signed in to the console; `send` has a browser of its own. */
  by: 'platform' | 'operator' | 'admin' | 'person';
  send: (as: Caller) => Promise<supertest.Response>;
  action: string;
  target?: RegExp;
}

const fresh = (overrides: object = {}) =>
  givenIntegration(tenant, { is_paused: false, initial_push: 'none', ...overrides });
let nextRecord = 0;
/** A record with an open window at a fresh integration. */
async function pending(): Promise<string> {
  const { id } = await fresh();
  const name = `audit-${(nextRecord += 1)}`;
  await tenant.operator
    .put(`/v1/records/employees/${name}`, { fields: { email: `${name}@example.org` } })
    .expect(202);
  return `/v1/integrations/${id}/records/employees/${name}`;
}

/** The same, after its last push failed. */
async function failed(): Promise<string> {
  const recordSync = await pending();
  await tenant.operator.post(`${recordSync}/discard`).expect(200);
  await service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx
      .updateTable('recordSyncs')
      .set({ resultStatus: 'sync_failed' })
      .where('discardedAt', 'is not', null)
      .execute(),
  );
  return recordSync;
}

async function signedIn(): Promise<Browser> {
  return new Browser(service.app).signIn((await givenPerson(service, tenant)).email);
}

/** The path that ends another person's session. */
async function sessionOfAnotherPerson(): Promise<string> {
  const person = await givenPerson(service, tenant);
  const { body } = await (await new Browser(service.app).signIn(person.email)).get('/console/v1/me');
  return `/v1/people/${person.id}/sessions/${body.session_id}`;
}

/** Of the tenant's webhook endpoints, and of the platform's. */
function webhookCases(root: string, by: 'admin' | 'platform'): Record<string, Case> {
  const endpoints = `${root}/webhook-endpoints`;
  const made = async (as: Caller) =>
    `${endpoints}/${(await as.post(endpoints, { url: 'https://hooks.example.com/canary' }).expect(201)).body.id}`;
  const on = (action: string, send: (as: Caller, endpoint: string) => Promise<supertest.Response>): Case => ({
    by,
    send: async (as) => send(as, await made(as)),
    action: `webhook_endpoint.${action}`,
    target: /^whe_/,
  });
  const one = `${endpoints}/{endpoint_id}`;
  return {
    [`POST ${endpoints}`]: on('created', async (as) =>
      as.post(endpoints, { url: 'https://hooks.example.com/canary' }),
    ),
    [`PATCH ${one}`]: on('changed', async (as, endpoint) =>
      as.patch(endpoint, { description: 'x' }).set('If-Match', '"1"'),
    ),
    [`DELETE ${one}`]: on('deleted', async (as, endpoint) => as.delete(endpoint)),
    [`POST ${one}/rotate-secret`]: on('secret_rotated', async (as, endpoint) =>
      as.post(`${endpoint}/rotate-secret`),
    ),
    [`POST ${one}/test`]: on('tested', async (as, endpoint) => as.post(`${endpoint}/test`)),
    [`POST ${one}/disable`]: on('disabled', async (as, endpoint) => as.post(`${endpoint}/disable`)),
    [`POST ${one}/enable`]: on('enabled', async (as, endpoint) => as.post(`${endpoint}/enable`)),
    [`POST ${one}/recover`]: on('recovered', async (as, endpoint) =>
      as.post(`${endpoint}/recover`, { since: new Date(Date.now() - 1_000).toISOString() }),
    ),
    [`POST ${root}/webhook-deliveries/{delivery_id}/resend`]: {
      by,
      send: async (as) =>
        as.post(
          `${root}/webhook-deliveries/${(await as.post(`${await made(as)}/test`)).body.delivery_id}/resend`,
        ),
      action: 'webhook_delivery.resent',
      target: /^whd_/,
    },
  };
}

/** Of the tenant's OAuth apps, and of the platform's. */
function oauthAppCases(root: string, by: 'admin' | 'platform'): Record<string, Case> {
  const apps = `${root}/oauth-apps`;
  const made = (as: Caller) =>
    as.post(apps, {
      name: 'HR',
      client_id: 'syncline',
      client_secret: 'canary-secret',
      allowed_origins: ['https://login.example.com'],
    });
  const on = (action: string, send: (as: Caller, app: string) => Promise<supertest.Response>): Case => ({
    by,
    send: async (as) => send(as, `${apps}/${(await made(as).expect(201)).body.id}`),
    action: `oauth_app.${action}`,
    target: /^oap_/,
  });
  return {
    [`POST ${apps}`]: { ...on('created', made), send: made },
    [`PATCH ${apps}/{oauth_app_id}`]: on('changed', async (as, app) =>
      as.patch(app, { name: 'x' }).set('If-Match', '"1"'),
    ),
    [`DELETE ${apps}/{oauth_app_id}`]: on('deleted', async (as, app) => as.delete(app)),
    [`POST ${apps}/{oauth_app_id}/incoming-webhooks/address`]: on(
      'incoming_address_replaced',
      async (as, app) => as.post(`${app}/incoming-webhooks/address`, { definition_key: 'hubspot' }),
    ),
    [`DELETE ${apps}/{oauth_app_id}/incoming-webhooks/address`]: on(
      'incoming_address_revoked',
      async (as, app) => {
        await as.post(`${app}/incoming-webhooks/address`, { definition_key: 'hubspot' }).expect(201);
        return as.delete(`${app}/incoming-webhooks/address`);
      },
    ),
    [`PUT ${apps}/{oauth_app_id}/incoming-webhooks/secret`]: on(
      'incoming_secret_replaced',
      async (as, app) => {
        await as.post(`${app}/incoming-webhooks/address`, { definition_key: 'hubspot' }).expect(201);
        return as.put(`${app}/incoming-webhooks/secret`, { secret: 'canary-secret' });
      },
    ),
  };
}

const tries = (by: 'admin' | 'platform', route: string): Case => ({
  by,
  send: (as) => as.post(route, { definition: givenDefinition(), parameters: { subdomain: 'acme' } }),
  action: 'third_party_definition.tried',
  target: /^contacts$/,
});

const ROLLOUTS = '/v1/platform/third-party-definitions/{definition_key}/rollouts';

function rolloutCases(): Record<string, Case> {
  const on = (
    decision: string,
    action: string,
    state: Parameters<typeof givenRollout>[1],
  ): Record<string, Case> => ({
    [`POST ${ROLLOUTS}/{rollout_id}/${decision}`]: {
      by: 'platform',
      send: async (as) => as.post(`${await givenRollout(service, state)}/${decision}`),
      action: `definition_rollout.${action}`,
      target: /^rol_/,
    },
  });
  return {
    [`POST ${ROLLOUTS}`]: {
      by: 'platform',
      async send(as) {
        const path = await givenRollout(service, { state: 'canceled', finishedAt: new Date() });
        return as.post(path.slice(0, path.lastIndexOf('/')), { version: 2 });
      },
      action: 'definition_rollout.created',
      target: /^rol_/,
    },
    ...on('approve', 'approved', { state: 'planned' }),
    ...on('pause', 'paused', { state: 'running' }),
    ...on('resume', 'resumed', { state: 'running', pausedAt: new Date(), pausedBecause: 'failures' }),
    ...on('cancel', 'canceled', { state: 'planned' }),
    ...on('retry', 'retried', { state: 'running' }),
    ...on('roll-back', 'rolled_back', { state: 'running' }),
  };
}

const CASES: Record<string, Case> = {
  ...rolloutCases(),
  'POST /v1/third-party-definitions/try': tries('admin', '/v1/third-party-definitions/try'),
  'POST /v1/platform/third-party-definitions/try': tries(
    'platform',
    '/v1/platform/third-party-definitions/try',
  ),
  'POST /v1/platform/third-party-definitions': {
    by: 'platform',
    send: (as) => as.post('/v1/platform/third-party-definitions', givenDefinition()),
    action: 'third_party_definition.added',
    target: /^contacts$/,
  },
  'POST /v1/tenants/{tenant_id}/first-admin': {
    by: 'platform',
    send: (as) => as.post(`/v1/tenants/${tenant.id}/first-admin`, { name: 'n', email: 'first@example.org' }),
    action: 'person.made_first_admin',
    target: /^psn_/,
  },
  'POST /v1/people': {
    by: 'admin',
    send: (as) => as.post('/v1/people', { name: 'n', email: 'canary@example.org', role: 'viewer' }),
    action: 'person.created',
    target: /^psn_/,
  },
  'PATCH /v1/people/{person_id}': {
    by: 'admin',
    async send(as) {
      const { id, etag } = await givenPerson(service, tenant);
      return as.patch(`/v1/people/${id}`, { email: 'canary2@example.org' }).set('If-Match', etag);
    },
    action: 'person.changed',
    target: /^psn_/,
  },
  'DELETE /v1/people/{person_id}': {
    by: 'admin',
    send: async (as) =>
      as.delete(`/v1/people/${(await givenPerson(service, tenant, { role: 'viewer' })).id}`),
    action: 'person.disabled',
    target: /^psn_/,
  },
  'POST /v1/people/{person_id}/invitation': {
    by: 'admin',
    send: async (as) => as.post(`/v1/people/${(await givenPerson(service, tenant)).id}/invitation`),
    action: 'person.invited',
    target: /^psn_/,
  },
  'DELETE /v1/people/{person_id}/email-refusal': {
    by: 'admin',
    send: async (as) => as.delete(`/v1/people/${(await givenPerson(service, tenant)).id}/email-refusal`),
    action: 'person.email_refusal_cleared',
    target: /^psn_/,
  },
  'DELETE /v1/people/{person_id}/identities': {
    by: 'admin',
    send: async (as) => as.delete(`/v1/people/${(await givenPerson(service, tenant)).id}/identities`),
    action: 'person.identities_released',
    target: /^psn_/,
  },
  'DELETE /v1/people/{person_id}/sessions/{session_id}': {
    by: 'admin',
    send: async (as) => as.delete(await sessionOfAnotherPerson()),
    action: 'session.ended',
    target: /^ses_/,
  },
  'POST /console/v1/sign-in': {
    by: 'person',
    send: async () =>
      new Browser(service.app).post('/console/v1/sign-in', {
        email: (await givenPerson(service, tenant)).email,
        password: PASSWORD,
      }),
    action: 'sign_in.succeeded',
    target: /^psn_/,
  },
  'POST /console/v1/passwords': {
    by: 'person',
    async send() {
      const { body } = await tenant.admin.post(
        `/v1/people/${(await givenPerson(service, tenant)).id}/invitation`,
      );
      return new Browser(service.app).post('/console/v1/passwords', {
        token: body.invitation.token,
        password: 'canary password',
      });
    },
    action: 'password.set',
    target: /^psn_/,
  },
  'POST /console/v1/sign-out': {
    by: 'person',
    send: async () => (await signedIn()).post('/console/v1/sign-out'),
    action: 'signed_out',
    target: /^psn_/,
  },
  'POST /console/v1/platform/sign-in': {
    by: 'platform',
    send: async () =>
      new Browser(service.app).post('/console/v1/platform/sign-in', { platform_key: PLATFORM_KEY }),
    action: 'sign_in.succeeded',
    target: /^ses_/,
  },
  'POST /console/v1/platform/sign-out': {
    by: 'platform',
    async send() {
      const browser = new Browser(service.app);
      await browser.post('/console/v1/platform/sign-in', { platform_key: PLATFORM_KEY });
      return browser.post('/console/v1/platform/sign-out');
    },
    action: 'signed_out',
    target: /^ses_/,
  },
  'POST /console/v1/me/password': {
    by: 'person',
    send: async () =>
      (await signedIn()).post('/console/v1/me/password', {
        current_password: PASSWORD,
        password: 'canary password',
      }),
    action: 'password.set',
    target: /^psn_/,
  },
  'DELETE /console/v1/me/sessions/{session_id}': {
    by: 'person',
    async send() {
      const browser = await signedIn();
      return browser.send(
        'delete',
        `/console/v1/me/sessions/${(await browser.get('/console/v1/me')).body.session_id}`,
      );
    },
    action: 'session.ended',
    target: /^ses_/,
  },

  'POST /v1/integrations/{integration_id}/incoming-webhooks/address': {
    by: 'admin',
    async send(as) {
      const { id } = (await as.post('/v1/integrations', withWebhooks('https://crm.example.com'))).body;
      return as.post(`/v1/integrations/${id}/incoming-webhooks/address`);
    },
    action: 'integration.incoming_address_replaced',
    target: /^int_/,
  },
  'PUT /v1/integrations/{integration_id}/incoming-webhooks/secret': {
    by: 'admin',
    send: async (as) =>
      as.put(`/v1/integrations/${(await givenIncoming(tenant)).id}/incoming-webhooks/secret`, {
        secret: 'another-secret',
      }),
    action: 'integration.incoming_secret_replaced',
    target: /^int_/,
  },
  'POST /v1/integrations/{integration_id}/overviews': {
    by: 'operator',
    send: async (as) =>
      as
        .post(`/v1/integrations/${(await givenIntegration(tenant, { is_paused: false })).id}/overviews`, {})
        .set('prefer', 'respond-async'),
    action: 'overview.requested',
    target: /^ovw_/,
  },
  'POST /v1/integrations/{integration_id}/sync-now': {
    by: 'operator',
    send: async (as) =>
      as
        .post(`/v1/integrations/${(await givenIntegration(tenant, { is_paused: false })).id}/sync-now`, {})
        .set('prefer', 'respond-async'),
    action: 'sync_now.requested',
    target: /^run_/,
  },
  'PATCH /v1/notification-settings': {
    by: 'admin',
    async send(as) {
      const { headers } = await as.get('/v1/notification-settings');
      return as
        .patch('/v1/notification-settings', { is_email_on: false })
        .set('If-Match', headers['etag'] as string);
    },
    action: 'notification_settings.changed',
  },
  'PATCH /v1/notification-settings/own': {
    by: 'person',
    send: async () =>
      (await signedIn()).send('patch', '/console/v1/notification-settings/own', { is_email_on: false }),
    action: 'person.emails_changed',
    target: /^psn_/,
  },
  'PATCH /v1/tenant': {
    by: 'admin',
    async send(as) {
      const { headers } = await as.get('/v1/tenant');
      return as
        .patch('/v1/tenant', { contact_email: 'ops@example.org' })
        .set('If-Match', headers.etag as string);
    },
    action: 'tenant.changed',
    target: /^ten_/,
  },
  'PATCH /v1/tenants/{tenant_id}': {
    by: 'platform',
    async send(as) {
      const { headers } = await as.get(`/v1/tenants/${tenant.id}`);
      return as
        .patch(`/v1/tenants/${tenant.id}`, { contact_email: 'it@example.org' })
        .set('If-Match', headers.etag as string);
    },
    action: 'tenant.changed',
    target: /^ten_/,
  },
  'POST /v1/tenants/{tenant_id}/api-keys': {
    by: 'platform',
    send: (as) => as.post(`/v1/tenants/${tenant.id}/api-keys`, { name: 'n', role: 'viewer' }),
    action: 'api_key.created',
    target: /^key_/,
  },
  'POST /v1/api-keys': {
    by: 'admin',
    send: (as) => as.post('/v1/api-keys', { name: 'n', role: 'viewer' }),
    action: 'api_key.created',
    target: /^key_/,
  },
  'DELETE /v1/api-keys/{api_key_id}': {
    by: 'admin',
    send: async (as) =>
      as.delete(`/v1/api-keys/${(await as.post('/v1/api-keys', { name: 'n', role: 'viewer' })).body.id}`),
    action: 'api_key.revoked',
    target: /^key_/,
  },
  'POST /v1/integrations': {
    by: 'admin',
    send: (as) =>
      as.post('/v1/integrations', {
        connector: 'scim',
        config: { base_url: 'https://hr.example.com' },
        credentials: { token: 'canary' },
      }),
    action: 'integration.created',
    target: /^int_/,
  },
  'POST /v1/connect-sessions': {
    by: 'admin',
    send: async (as) => as.post('/v1/connect-sessions', { integration_id: (await fresh()).id }),
    action: 'connect_session.created',
    target: /^cns_/,
  },
  'POST /v1/connect-sessions/{connect_session_id}/cancel': {
    by: 'admin',
    async send(as) {
      const { body } = await as.post('/v1/connect-sessions', { integration_id: (await fresh()).id });
      return as.post(`/v1/connect-sessions/${body.id}/cancel`);
    },
    action: 'connect_session.cancelled',
    target: /^cns_/,
  },
  'PATCH /v1/connect-settings': {
    by: 'admin',
    async send(as) {
      const { headers } = await as.get('/v1/connect-settings');
      return as.patch('/v1/connect-settings', { name: 'x' }).set('If-Match', headers['etag'] as string);
    },
    action: 'connect_settings.changed',
  },
  'PATCH /v1/integrations/{integration_id}': {
    by: 'admin',
    send: async (as) =>
      as.patch(`/v1/integrations/${(await fresh()).id}`, { app: 'x' }).set('If-Match', '"1"'),
    action: 'integration.changed',
    target: /^int_/,
  },
  'DELETE /v1/integrations/{integration_id}': {
    by: 'admin',
    send: async (as) => as.delete(`/v1/integrations/${(await fresh()).id}`),
    action: 'integration.deleted',
    target: /^int_/,
  },
  'PUT /v1/integrations/{integration_id}/credentials': {
    by: 'admin',
    send: async (as) =>
      as.put(`/v1/integrations/${(await fresh()).id}/credentials`, { credentials: { token: 'canary' } }),
    action: 'integration.credentials_replaced',
    target: /^int_/,
  },
  'POST /v1/integrations/{integration_id}/pause': {
    by: 'operator',
    send: async (as) => as.post(`/v1/integrations/${(await fresh()).id}/pause`),
    action: 'integration.paused',
    target: /^int_/,
  },
  'POST /v1/integrations/{integration_id}/resume': {
    by: 'operator',
    send: async (as) => as.post(`/v1/integrations/${(await fresh({ is_paused: true })).id}/resume`),
    action: 'integration.resumed',
    target: /^int_/,
  },
  'POST /v1/integrations/{integration_id}/check': {
    by: 'operator',
    send: async (as) => as.post(`/v1/integrations/${(await fresh()).id}/check`),
    action: 'integration.checked',
    target: /^int_/,
  },
  'POST /v1/integrations/{integration_id}/mapping-preview': {
    by: 'admin',
    send: async (as) =>
      as.post(`/v1/integrations/${(await fresh()).id}/mapping-preview`, { record_types: {} }),
    action: 'integration.mapping_previewed',
    target: /^int_/,
  },
  'POST /v1/integrations/{integration_id}/sync-runs': {
    by: 'operator',
    send: async (as) =>
      as.post(`/v1/integrations/${(await givenOnboarded(service, tenant)).integration.id}/sync-runs`, {
        kind: 'full',
      }),
    action: 'sync_run.requested',
    target: /^run_/,
  },
  'POST /v1/sync-runs/{sync_run_id}/cancel': {
    by: 'operator',
    async send(as) {
      const { integration } = await givenOnboarded(service, tenant);
      const { body } = await as
        .post(`/v1/integrations/${integration.id}/sync-runs`, { kind: 'full' })
        .expect(202);
      return as.post(`/v1/sync-runs/${body.id}/cancel`);
    },
    action: 'sync_run.canceled',
    target: /^run_/,
  },
  'POST /v1/sign-ins': {
    by: 'operator',
    send: (as) => as.post('/v1/sign-ins', { user: 'ana@example.org' }),
    action: 'sign_in.reported',
  },
  'POST /v1/sync-conflicts/{sync_conflict_id}/decide': {
    by: 'operator',
    send: async (as) =>
      as.post(`/v1/sync-conflicts/${(await givenRunHistory(service, tenant)).conflict}/decide`, {
        decision: 'dismiss',
      }),
    action: 'sync_conflict.decided',
    target: /^cnf_/,
  },
  'POST /v1/sync-conflicts/decide-alike': {
    by: 'operator',
    send: async (as) =>
      as.post('/v1/sync-conflicts/decide-alike', {
        integration_id: (await givenRunHistory(service, tenant)).integration,
        kind: 'ambiguous_match',
        decision: 'dismiss',
      }),
    action: 'sync_conflicts.decided',
    target: /^int_/,
  },
  'POST /v1/drifts/decide': {
    by: 'operator',
    send: async (as) =>
      as.post('/v1/drifts/decide', {
        integration_id: (await givenRunHistory(service, tenant)).integration,
        record_type: 'employees',
        decision: 'repair',
      }),
    action: 'drifts.decided',
    target: /^int_/,
  },
  'POST /v1/deletion-reviews/{deletion_review_id}/approve': {
    by: 'admin',
    send: async (as) =>
      as.post(`/v1/deletion-reviews/${(await givenRunHistory(service, tenant)).review}/approve`),
    action: 'deletion_review.approved',
    target: /^rev_/,
  },
  'POST /v1/deletion-reviews/{deletion_review_id}/discard': {
    by: 'admin',
    send: async (as) =>
      as.post(`/v1/deletion-reviews/${(await givenRunHistory(service, tenant)).review}/discard`),
    action: 'deletion_review.discarded',
    target: /^rev_/,
  },
  'POST /v1/erasures': {
    by: 'admin',
    send: async (as) => as.post('/v1/erasures', { email: 'ada@example.com' }),
    action: 'erasure.previewed',
    target: /^ers_/,
  },
  'POST /v1/erasures/{erasure_id}/confirm': {
    by: 'admin',
    send: async (as) =>
      as.post(`/v1/erasures/${await givenErasure(service, tenant, 'ready')}/confirm`, { records: 0 }),
    action: 'erasure.confirmed',
    target: /^ers_/,
  },
  'POST /v1/erasures/{erasure_id}/lift': {
    by: 'admin',
    send: async (as) => as.post(`/v1/erasures/${await givenErasure(service, tenant, 'done')}/lift`),
    action: 'erasure.lifted',
    target: /^ers_/,
  },
  'POST /v1/platform/outbox/{message_id}/retry': {
    by: 'platform',
    send: async (as) => as.post(`/v1/platform/outbox/${await givenRefusedMessage(service, tenant)}/retry`),
    action: 'outbox_message.retried',
    target: /^\d+$/,
  },
  'POST /v1/parked-work/{work_id}/retry': {
    by: 'admin',
    send: async (as) => as.post(`/v1/parked-work/${await givenParkedWork(service, tenant)}/retry`),
    action: 'parked_work.retried',
    target: /^wrk_/,
  },
  'POST /v1/push-reviews/{push_review_id}/approve': {
    by: 'admin',
    send: async (as) =>
      as.post(`/v1/push-reviews/${(await givenPushReview(service, tenant)).review.id}/approve`, {}),
    action: 'push_review.approved',
    target: /^prv_/,
  },
  'POST /v1/push-reviews/{push_review_id}/discard': {
    by: 'admin',
    send: async (as) =>
      as.post(`/v1/push-reviews/${(await givenPushReview(service, tenant, 'd')).review.id}/discard`, {}),
    action: 'push_review.discarded',
    target: /^prv_/,
  },
  ...oauthAppCases('/v1', 'admin'),
  ...oauthAppCases('/v1/platform', 'platform'),
  ...webhookCases('/v1', 'admin'),
  ...webhookCases('/v1/platform', 'platform'),
  'POST /v1/records/batch': {
    by: 'operator',
    send: (as) =>
      as.post('/v1/records/batch', { records: [{ record_type: 'employees', external_id: 'b', fields: {} }] }),
    action: 'records.changed',
  },
  'POST /v1/record-syncs/retry': {
    by: 'operator',
    async send(as) {
      const [, , , integration] = (await failed()).split('/');
      return as.post('/v1/record-syncs/retry', { integration_id: integration });
    },
    action: 'record_syncs.retried',
    target: /^int_/,
  },
  'PUT /v1/records/{record_type}/{external_id}': {
    by: 'operator',
    send: (as) => as.put('/v1/records/employees/p', { fields: { secret: 'canary' } }),
    action: 'record.put',
    target: /^employees\/p$/,
  },
  'PATCH /v1/records/{record_type}/{external_id}': {
    by: 'operator',
    send: (as) => as.patch('/v1/records/employees/p', { fields: { secret: 'canary' } }),
    action: 'record.patched',
    target: /^employees\/p$/,
  },
  'DELETE /v1/records/{record_type}/{external_id}': {
    by: 'operator',
    send: (as) => as.delete('/v1/records/employees/p'),
    action: 'record.deleted',
    target: /^employees\/p$/,
  },
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/push-now': {
    by: 'operator',
    send: async (as) => as.post(`${await pending()}/push-now`),
    action: 'record_sync.pushed_now',
    target: /^employees\//,
  },
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/hold': {
    by: 'operator',
    send: async (as) => as.post(`${await pending()}/hold`),
    action: 'record_sync.held',
    target: /^employees\//,
  },
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/release': {
    by: 'operator',
    async send(as) {
      const recordSync = await pending();
      await as.post(`${recordSync}/hold`).expect(200);
      return as.post(`${recordSync}/release`);
    },
    action: 'record_sync.released',
    target: /^employees\//,
  },
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/discard': {
    by: 'operator',
    send: async (as) => as.post(`${await pending()}/discard`),
    action: 'record_sync.discarded',
    target: /^employees\//,
  },
  'POST /v1/integrations/{integration_id}/records/{record_type}/{external_id}/retry': {
    by: 'operator',
    async send(as) {
      return as.post(`${await failed()}/retry`);
    },
    action: 'record_sync.retried',
    target: /^employees\//,
  },
};

const rowsOf = async (requestId: string, tenantUuid = tenant.uuid) =>
  service.database.withTenant(tenantUuid, ({ trx }) =>
    trx.selectFrom('auditLog').selectAll().where('requestId', '=', requestId).execute(),
  );

/** Viewing is not audited: it is personal, and the notification's row records it. A draft changes nothing. */
const READING = [
  'POST /v1/notifications/viewed',
  'POST /v1/notifications/{notification_id}/viewed',
  'POST /v1/third-party-definitions/draft',
  'POST /v1/platform/third-party-definitions/draft',
];

it('has a case for every route that changes something', async () => {
  const { body } = await service.as(undefined).get('/openapi.json');
  const changing = Object.entries(body.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).flatMap((method) =>
      method === 'get' ? [] : [`${method.toUpperCase()} ${path}`],
    ),
  );

  expect(
    [...Object.keys(CASES), ...READING, 'POST /v1/tenants', 'DELETE /v1/tenants/{tenant_id}'].toSorted(),
  ).toEqual(changing.toSorted());
});

it.each(Object.entries(CASES))(
  '%s leaves one row: who, what, to what, from where',
  async (route, { by, send, action, target }) => {
    const response = await send(
      by === 'platform' ? service.platform : by === 'person' ? service.as(undefined) : tenant[by],
    );
    const rows = await rowsOf(
      response.headers['x-request-id'] as string,
      route.includes('/v1/platform/') ? PLATFORM_TENANT_ID : tenant.uuid,
    );

    expect(response.status).toBeLessThan(300);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      action,
      actor: expect.stringMatching(new RegExp(`^(key:)?${by}`)),
      ip: expect.stringContaining('127.0.0.1'),
    });
    expect(rows[0]?.target ?? '').toMatch(target ?? /^$/);
    expect(JSON.stringify(rows)).not.toContain('canary');
  },
);

it('POST /v1/tenants leaves its row with the new tenant', async () => {
  const response = await service.platform.post('/v1/tenants', { name: 'Audited' }).expect(201);
  const { body } = await service.platform
    .post(`/v1/tenants/${response.body.id}/api-keys`, { name: 'auditor', role: 'admin' })
    .expect(201);

  const log = await service.as(body.key).get('/v1/audit-log').expect(200);

  expect(
    log.body.data.map(({ action, actor }: { action: string; actor: string }) => [action, actor]),
  ).toEqual([
    ['api_key.created', 'platform'],
    ['tenant.created', 'platform'],
  ]);
});

it('DELETE /v1/tenants/{tenant_id} leaves its row until the rows of the tenant are deleted', async () => {
  const deleted = await service.givenTenant('Deleted');
  const { headers } = await service.platform.delete(`/v1/tenants/${deleted.id}?name=Deleted`).expect(202);

  const rows = await service.database.withEraser(deleted.uuid, ({ trx }) =>
    trx
      .selectFrom('auditLog')
      .selectAll()
      .where('requestId', '=', headers['x-request-id'] as string)
      .execute(),
  );
  expect(rows).toMatchObject([{ action: 'tenant.deleted', actor: 'platform', target: deleted.id }]);
});

it('leaves no row for a dry run, a repetition or a refusal', async () => {
  const { id } = await fresh();
  const dry = await tenant.admin
    .patch(`/v1/integrations/${id}?dry_run=true`, { app: 'x' })
    .set('If-Match', '"1"')
    .expect(200);
  const refused = await tenant.admin
    .patch(`/v1/integrations/${id}`, { app: 'x' })
    .set('If-Match', '"9"')
    .expect(412);
  await tenant.admin
    .post('/v1/api-keys', { name: 'r', role: 'viewer' })
    .set('Idempotency-Key', 'audit')
    .expect(201);
  const repeated = await tenant.admin
    .post('/v1/api-keys', { name: 'r', role: 'viewer' })
    .set('Idempotency-Key', 'audit')
    .expect(201);

  for (const response of [dry, refused, repeated])
    expect(await rowsOf(response.headers['x-request-id'] as string)).toEqual([]);
});

it('writes no key, no credentials and no field of a record into the log of the process (S17)', async () => {
  await tenant.operator
    .put('/v1/records/employees/canary-person', { fields: { secret: 'canary-value' } })
    .expect(202);
  await service.as('canary-key').get('/v1/tenant').expect(401);

  const log = service.logged.join('');

  expect(log).toContain('/v1/records/{record_type}/{external_id}');
  expect(log).not.toContain('canary');
  for (const key of Object.values(tenant.keys)) expect(log).not.toContain(key.split('_')[3]);
});
