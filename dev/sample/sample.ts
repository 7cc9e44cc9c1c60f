/**
 * A tenant with employees, a webhook endpoint and three integrations, created through the HTTP API, and an
 * app that a person can connect. Each step is remembered in `.syncline/sample.json`, so that an interrupted
 * start is completed by the next one. Employees are created and changed once: later edits are kept.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PocketBaseService, ScimService } from '../companions/companion-services';
import { inState } from '../tools/paths';
import { Client } from './sample-client';
import { ensureDefinition, type SampleApp } from './sample-definition';
import { sampleChanges, sampleEmployees } from './sample-employees';
import {
  crmIntegration,
  pocketBaseIntegration,
  type SampleIntegration,
  scimIntegration,
} from './sample-integrations';
import { ensureAdmin, ensureTenant, type Sample, type SampleAdmin, storeSample } from './sample-tenant';
import { createEndpoint, updateEndpointUrl } from './sample-webhooks';

export interface SampleOptions {
  apiUrl: string;
  platformKey: string;
  pocketBase: PocketBaseService;
  scim: ScimService;
  sampleApp: SampleApp;
  webhookReceiverUrl: string;
}

const file = inState('sample.json');
/** PocketBase and the SCIM server. */
const EMPLOYEE_APPS = 2;
const INITIAL_PUSH_WAIT_MS = 15_000;

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
  storeSample(file, sample);
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
    storeSample(file, sample);
  }
}

async function ensureEmployees(client: Client, sample: Sample): Promise<void> {
  if (sample.hasEmployees) return;
  await client.mustCall('POST', '/records/batch', { records: sampleEmployees });
  sample.hasEmployees = true;
  storeSample(file, sample);
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
  storeSample(file, sample);
}

/** Throws with the API's answer if the API refuses a request. */
export async function ensureSample({
  apiUrl,
  platformKey,
  pocketBase,
  scim,
  sampleApp,
  webhookReceiverUrl,
}: SampleOptions): Promise<Sample & { admin: SampleAdmin }> {
  const access = { apiUrl, platformKey, file };
  const sample = await ensureTenant(access);
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
  await ensureDefinition(new Client(apiUrl, platformKey), sampleApp);
  await ensureChanges(client, sample);
  return { ...sample, admin: await ensureAdmin(access, sample) };
}
