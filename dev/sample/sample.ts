/**
 * A tenant with employees, a webhook endpoint and three integrations, created through the HTTP API. Each step
 * is remembered in `.syncline/sample.json`, so that an interrupted start is completed by the next one.
 * Employees are created and changed once: later edits are kept.
 */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PocketBaseService, ScimService } from '../companions/companion-services';
import { writeJson } from '../start/secrets';
import { inState } from '../tools/paths';
import { Client } from './sample-client';
import { sampleChanges, sampleEmployees } from './sample-employees';
import {
  crmIntegration,
  pocketBaseIntegration,
  type SampleIntegration,
  scimIntegration,
} from './sample-integrations';
import { createEndpoint, updateEndpointUrl } from './sample-webhooks';

/** The console's sample user. The link exists until a password has been chosen with it. */
export interface SampleAdmin {
  email: string;
  /** Valid once, until the next start. */
  link: string | null;
}

interface Sample {
  tenantId: string;
  apiKey: string;
  /** By app. */
  integrationIds: Record<string, string>;
  webhookEndpointId?: string;
  hasEmployees: boolean;
  hasChanges?: boolean;
}

export interface SampleOptions {
  apiUrl: string;
  platformKey: string;
  pocketBase: PocketBaseService;
  scim: ScimService;
  webhookReceiverUrl: string;
}

const file = inState('sample.json');
/** PocketBase and the SCIM server. */
const EMPLOYEE_APPS = 2;
const INITIAL_PUSH_WAIT_MS = 15_000;
const ADMIN_EMAIL = 'admin@sample-company.example';

/** What an earlier start created; undefined if the database does not have it. */
async function existingSample(apiUrl: string): Promise<Sample | undefined> {
  if (!fs.existsSync(file)) return undefined;
  const sample = JSON.parse(fs.readFileSync(file, 'utf8')) as Sample;
  const { status } = await new Client(apiUrl, sample.apiKey).call('GET', '/integrations');
  return status === 200 ? sample : undefined; // another DATABASE_URL, or the data was deleted
}

async function createTenant(platform: Client): Promise<Sample> {
  const settings = { name: 'Sample Company', time_zone: 'Europe/Berlin', contact_email: ADMIN_EMAIL };
  const { id } = await platform.mustCall('POST', '/tenants', settings);
  const { key } = await platform.mustCall('POST', `/tenants/${id as string}/api-keys`, {
    name: 'npm start',
    role: 'admin',
    expires_in_days: 3_650,
  });
  return { tenantId: id as string, apiKey: key as string, integrationIds: {}, hasEmployees: false };
}

/** The third party's port can differ from the last start's. An integration that was deleted stays deleted. */
async function updateBaseUrl(
  client: Client,
  id: string,
  { config, credentials }: SampleIntegration,
): Promise<void> {
  const response = await client.call('GET', `/integrations/${id}`);
  if (response.status !== 200) return;
  const known = ((await response.json()) as { config: Record<string, unknown> }).config;
  if (known.base_url === config.base_url) return;
  const version = { 'if-match': response.headers.get('etag') ?? '' };
  const change = { config: { ...known, base_url: config.base_url }, credentials };
  await client.mustCall('PATCH', `/integrations/${id}`, change, version);
}

async function ensureEndpoint(client: Client, sample: Sample, receiverUrl: string): Promise<void> {
  if (sample.webhookEndpointId === undefined)
    sample.webhookEndpointId = await createEndpoint(client, receiverUrl);
  else await updateEndpointUrl(client, sample.webhookEndpointId, receiverUrl);
  writeJson(file, sample);
}

async function ensureIntegrations(
  client: Client,
  sample: Sample,
  integrations: readonly SampleIntegration[],
): Promise<void> {
  for (const integration of integrations) {
    const id = sample.integrationIds[integration.app];
    if (id !== undefined) {
      await updateBaseUrl(client, id, integration);
      continue;
    }
    const created = await client.mustCall('POST', '/integrations', integration);
    sample.integrationIds[integration.app] = created.id as string;
    writeJson(file, sample);
  }
}

async function ensureEmployees(client: Client, sample: Sample): Promise<void> {
  if (sample.hasEmployees) return;
  await client.mustCall('POST', '/records/batch', { records: sampleEmployees });
  sample.hasEmployees = true;
  writeJson(file, sample);
}

/**
 * Waits for a limited time: a worker that is slow or stopped must not hold up the start. Every app that takes
 * employees must have them, because a change postpones the push of a record.
 */
async function waitForInitialPush(client: Client): Promise<void> {
  for (const deadline = Date.now() + INITIAL_PUSH_WAIT_MS; Date.now() < deadline; await sleep(100)) {
    const records = await Promise.all(
      sampleChanges.map(({ externalId }) => client.mustCall('GET', `/records/employees/${externalId}`)),
    );
    const syncs = records.map((record) => record.syncs as { status: string | null }[]);
    const isPushed = (own: { status: string | null }[]): boolean =>
      own.length === EMPLOYEE_APPS && own.every(({ status }) => status === 'synced');
    if (syncs.every(isPushed)) return;
  }
}

async function ensureChanges(client: Client, sample: Sample): Promise<void> {
  if (sample.hasChanges) return;
  await waitForInitialPush(client);
  for (const { externalId, fields } of sampleChanges)
    await client.mustCall('PATCH', `/records/employees/${externalId}`, { fields });
  sample.hasChanges = true;
  writeJson(file, sample);
}

/** Until the admin has chosen a password, every start creates a new link. */
async function ensureAdmin(
  platform: Client,
  { tenantId, apiKey }: Sample,
  apiUrl: string,
): Promise<SampleAdmin> {
  const { data } = await new Client(apiUrl, apiKey).mustCall('GET', '/people?limit=200');
  const known = (data as { email: string; status: string }[]).find(({ email }) => email === ADMIN_EMAIL);
  if (known !== undefined && known.status !== 'invited') return { email: ADMIN_EMAIL, link: null };
  const { invitation } = await platform.mustCall('POST', `/tenants/${tenantId}/first-admin`, {
    name: 'Sample Admin',
    email: ADMIN_EMAIL,
  });
  return { email: ADMIN_EMAIL, link: (invitation as { link: string }).link };
}

/** Throws with the API's answer if the API refuses a request. */
export async function ensureSample({
  apiUrl,
  platformKey,
  pocketBase,
  scim,
  webhookReceiverUrl,
}: SampleOptions): Promise<Sample & { admin: SampleAdmin }> {
  const platform = new Client(apiUrl, platformKey);
  const sample = (await existingSample(apiUrl)) ?? (await createTenant(platform));
  writeJson(file, sample);
  const client = new Client(apiUrl, sample.apiKey);
  // The endpoint comes first, so that it receives the events of the first sync.
  await ensureEndpoint(client, sample, webhookReceiverUrl);
  // Employees come before the integrations, whose initial push then sends them without a grace period.
  await ensureEmployees(client, sample);
  await ensureIntegrations(client, sample, [
    pocketBaseIntegration(pocketBase),
    crmIntegration(pocketBase),
    scimIntegration(scim),
  ]);
  await ensureChanges(client, sample);
  return { ...sample, admin: await ensureAdmin(platform, sample, apiUrl) };
}
