/** OAuth apps with one address for the webhooks of all accounts, and accounts that they have connected. */
import { createHmac } from 'node:crypto';
import path from 'node:path';
import type supertest from 'supertest';
import {
  readShippedDefinitions,
  storeShippedDefinitions,
} from '../../../api/third-parties/shipped-definitions';
import { connectors } from '../../../connectors';
import type { IncomingCall } from '../../../connectors/incoming';
import type { Database } from '../../../db/database';
import { fromTypeId, newUuid } from '../../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import { callIncoming } from './incoming';
import { type Caller, type GivenTenant, PUBLIC_URL, type Service } from './service';

export const APP_WEBHOOK_SECRET = 'canary-secret-of-the-app';
const SHIPPED = path.join(__dirname, '../../../third-parties');

export async function storeShipped(database: Database, ...keys: string[]): Promise<void> {
  const documents = await readShippedDefinitions(SHIPPED);
  await storeShippedDefinitions(
    database,
    documents.filter(({ key }) => keys.includes(key)),
    connectors,
  );
}

export interface GivenApp {
  id: string;
  /** Its path in the API. */
  route: string;
  /** The path of its address for webhooks. */
  address: string;
}

export async function givenApp(as: Caller, root: string, definitionKey: string): Promise<GivenApp> {
  const settings = { name: definitionKey, client_id: 'syncline', allowed_origins: ['https://a.example.com'] };
  const { body } = await as.post(`${root}/oauth-apps`, settings).expect(201);
  const route = `${root}/oauth-apps/${body.id}`;
  const given = { definition_key: definitionKey };
  const made = await as.post(`${route}/incoming-webhooks/address`, given).expect(201);
  await as.put(`${route}/incoming-webhooks/secret`, { secret: APP_WEBHOOK_SECRET }).expect(200);
  return { id: body.id, route, address: new URL(made.body.address).pathname };
}

/** A paused integration, which has no onboarding lock, and its consent. @returns the id in the database */
export async function givenConnected(
  tenant: GivenTenant,
  { database }: Service,
  {
    app,
    accountId,
    settings,
    isProved = true,
    owner = PLATFORM_TENANT_ID,
  }: { app: GivenApp; accountId: string; settings: object; isProved?: boolean; owner?: string },
): Promise<string> {
  const { body } = await tenant.admin
    .post('/v1/integrations?check=false', { is_paused: true, ...settings })
    .expect(201);
  const integrationId = fromTypeId('int', body.id) as string;
  const connectionId = newUuid();
  await database.withTenant(tenant.uuid, ({ trx, tenantId, now }) =>
    trx
      .insertInto('oauthAccounts')
      .values({
        tenantId,
        integrationId,
        connectionId,
        provedConnectionId: isProved ? connectionId : null,
        appTenantId: owner,
        oauthAppId: fromTypeId('oap', app.id) as string,
        accountId,
        accessToken: 'sealed',
        refreshedAt: now,
        connectedAt: now,
        connectedBy: 'test',
      })
      .execute(),
  );
  return integrationId;
}

/** What webhooks have named for the integrations of a tenant: `<integration> <record type> <remote id>`. */
export const waitingOf = (tenant: GivenTenant, { database }: Service): Promise<string[]> =>
  database.withTenant(tenant.uuid, async ({ trx }) =>
    (await trx.selectFrom('incomingChanges').selectAll().execute())
      .map(({ integrationId, recordType, remoteId }) => `${integrationId} ${recordType} ${remoteId}`)
      .sort(),
  );

const base64 = (text: string, secret: string): string =>
  createHmac('sha256', secret).update(text).digest('base64');

/** As each vendor signs. */
export const SIGNED = {
  hubspot(body: string, url: string, secret: string) {
    const at = String(Date.now());
    return {
      'X-HubSpot-Signature-v3': base64(`POST${url}${body}${at}`, secret),
      'X-HubSpot-Request-Timestamp': at,
    };
  },
  xero: (body: string, _url: string, secret: string) => ({ 'x-xero-signature': base64(body, secret) }),
  quickbooks: (body: string, _url: string, secret: string) => ({
    'intuit-signature': base64(body, secret),
  }),
};

export function callApp(
  { app }: Service,
  vendor: keyof typeof SIGNED,
  { address }: Pick<GivenApp, 'address'>,
  body: unknown,
  secret = APP_WEBHOOK_SECRET,
): supertest.Test {
  const text = JSON.stringify(body);
  return callIncoming(app, address, text, SIGNED[vendor](text, `${PUBLIC_URL}${address}`, secret));
}

/** The same, as it arrives behind the HTTP server. */
export function signedCall({ address }: GivenApp, body: unknown): Omit<IncomingCall, 'now'> {
  const [text, url] = [JSON.stringify(body), `${PUBLIC_URL}${address}`];
  const signed = Object.entries(SIGNED.hubspot(text, url, APP_WEBHOOK_SECRET));
  const headers = Object.fromEntries(signed.map(([name, value]) => [name.toLowerCase(), [value]]));
  return { method: 'POST', url, headers, body: Buffer.from(text) };
}
