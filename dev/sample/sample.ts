/**
 * A tenant with employees, a webhook endpoint and three integrations, made through the HTTP API as anybody would. What was made is remembered in
 * `.syncline/sample.json`, step by step, so that a start that was interrupted is completed by the next one. Employees are
 * posted once: what the reader changed afterwards stays.
 */
import fs from 'node:fs';
import type { ThirdParty } from '../companions/companion-services';
import { inState } from '../tools/paths';
import { Client } from './sample-client';
import { crmIntegration, pocketBaseIntegration, scimIntegration } from './sample-integrations';
import { sampleEmployees } from './sample-employees';
import { createEndpoint, followReceiver } from './sample-webhooks';
import { writeJson } from '../start/secrets';

/** Who signs in to the console. The link is there until somebody has chosen a password by it. */
export interface SampleAdmin {
  email: string;
  /** Good once, and until the next start. */
  link: string | null;
}

interface Sample {
  tenantId: string;
  apiKey: string;
  /** By app. */
  integrationIds: Record<string, string>;
  /** Not there before the receiver was. */
  webhookEndpointId?: string;
  hasEmployees: boolean;
}

const file = inState('sample.json');

/** What an earlier start made, if the database still knows it. */
async function existingSample(apiUrl: string): Promise<Sample | undefined> {
  if (!fs.existsSync(file)) return undefined;
  const sample = JSON.parse(fs.readFileSync(file, 'utf8')) as Sample;
  const { status } = await new Client(apiUrl, sample.apiKey).call('GET', '/integrations');
  return status === 200 ? sample : undefined; // another DATABASE_URL, or the data was deleted
}

async function createTenant(platform: Client): Promise<Sample> {
  const settings = {
    name: 'Sample Company',
    time_zone: 'Europe/Berlin',
    contact_email: 'admin@sample-company.example',
  };
  const { id } = await platform.mustCall('POST', '/tenants', settings);
  const { key } = await platform.mustCall('POST', `/tenants/${id as string}/api-keys`, {
    name: 'npm start',
    role: 'admin',
    expires_in_days: 3_650,
  });
  return { tenantId: id as string, apiKey: key as string, integrationIds: {}, hasEmployees: false };
}

/** PocketBase may listen on another port than last time. An integration that the reader has deleted stays deleted. */
async function followBaseUrl(client: Client, id: string, config: Record<string, unknown>): Promise<void> {
  const response = await client.call('GET', `/integrations/${id}`);
  if (response.status !== 200) return;
  const known = ((await response.json()) as { config: Record<string, unknown> }).config;
  if (known.base_url === config.base_url) return;
  const version = { 'if-match': response.headers.get('etag') ?? '' };
  await client.mustCall(
    'PATCH',
    `/integrations/${id}`,
    { config: { ...known, base_url: config.base_url } },
    version,
  );
}

export interface SampleOptions {
  apiUrl: string;
  platformKey: string;
  thirdParty: ThirdParty;
  /** Where what happens is posted to. */
  webhookReceiverUrl: string;
}

/** No password is made up for anybody: until the reader has chosen one, every start gives a new link. */
async function ensureAdmin(
  platform: Client,
  { tenantId, apiKey }: Sample,
  apiUrl: string,
): Promise<SampleAdmin> {
  const email = 'admin@sample-company.example';
  const { data } = await new Client(apiUrl, apiKey).mustCall('GET', '/people?limit=200');
  const known = (data as { email: string; status: string }[]).find((person) => person.email === email);
  if (known !== undefined && known.status !== 'invited') return { email, link: null };
  const { invitation } = await platform.mustCall('POST', `/tenants/${tenantId}/first-admin`, {
    name: 'Sample Admin',
    email,
  });
  return { email, link: (invitation as { link: string }).link };
}

/** Throws with the API's answer if it refuses something. */
export async function ensureSample({
  apiUrl,
  platformKey,
  thirdParty,
  webhookReceiverUrl,
}: SampleOptions): Promise<Sample & { admin: SampleAdmin }> {
  const platform = new Client(apiUrl, platformKey);
  const sample = (await existingSample(apiUrl)) ?? (await createTenant(platform));
  const client = new Client(apiUrl, sample.apiKey);
  const keep = (): void => writeJson(file, sample);
  keep();
  // Before anything is linked, so that it is told of the first sync.
  if (sample.webhookEndpointId === undefined)
    sample.webhookEndpointId = await createEndpoint(client, webhookReceiverUrl);
  else await followReceiver(client, sample.webhookEndpointId, webhookReceiverUrl);
  keep();
  const ofPocketBase = [pocketBaseIntegration(thirdParty), crmIntegration(thirdParty)];
  for (const integration of [...ofPocketBase, scimIntegration()]) {
    if (sample.integrationIds[integration.app]) continue;
    sample.integrationIds[integration.app] = (await client.mustCall('POST', '/integrations', integration))
      .id as string;
    keep();
  }
  for (const { app, config } of ofPocketBase)
    await followBaseUrl(client, sample.integrationIds[app] as string, config);
  if (!sample.hasEmployees) {
    await client.mustCall('POST', '/records/batch', { records: sampleEmployees });
    sample.hasEmployees = true;
    keep();
  }
  return { ...sample, admin: await ensureAdmin(platform, sample, apiUrl) };
}
