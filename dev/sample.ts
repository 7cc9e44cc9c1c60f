/**
 * A tenant with employees and two integrations, made through the HTTP API as anybody would. What was made is remembered in
 * `.syncline/sample.json`, step by step, so that a start that was interrupted is completed by the next one. Employees are
 * posted once: what the reader changed afterwards stays.
 */
import fs from 'node:fs';
import { inState } from './paths';
import { pocketBaseIntegration, scimIntegration } from './sample-integrations';
import { sampleEmployees } from './sample-employees';
import { writeJson } from './secrets';
import type { Servers } from './servers';

interface Sample {
  tenantId: string;
  apiKey: string;
  /** By app. */
  integrationIds: Record<string, string>;
  hasEmployees: boolean;
}

const file = inState('sample.json');

interface ApiAnswer {
  status: number;
  body: Record<string, unknown>;
}

async function call(apiUrl: string, key: string, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
  const response = await fetch(`${apiUrl}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

async function mustCall(...parameters: Parameters<typeof call>): Promise<Record<string, unknown>> {
  const { status, body } = await call(...parameters);
  if (status < 300) return body;
  const [, , method, path] = parameters;
  throw new Error(`The sample data could not be made: ${method} /v1${path} was answered ${status}: ${JSON.stringify(body)}`);
}

/** What an earlier start made, if the database still knows it. */
async function existingSample(apiUrl: string): Promise<Sample | undefined> {
  if (!fs.existsSync(file)) return undefined;
  const sample = JSON.parse(fs.readFileSync(file, 'utf8')) as Sample;
  const { status } = await call(apiUrl, sample.apiKey, 'GET', '/integrations');
  return status === 200 ? sample : undefined; // another DATABASE_URL, or the data was deleted
}

async function createTenant(apiUrl: string, platformKey: string): Promise<Sample> {
  const tenant = await mustCall(apiUrl, platformKey, 'POST', '/tenants', { name: 'Sample Company', time_zone: 'Europe/Berlin', contact_email: 'admin@sample-company.example' });
  const tenantId = tenant.id as string;
  const { key } = await mustCall(apiUrl, platformKey, 'POST', `/tenants/${tenantId}/api-keys`, { name: 'npm start', role: 'admin' });
  return { tenantId, apiKey: key as string, integrationIds: {}, hasEmployees: false };
}

/** PocketBase may have another port this time, and its password is only known here: an existing integration is told again. */
async function ensureIntegration(apiUrl: string, sample: Sample, integration: Record<string, unknown>, isMoving: boolean): Promise<void> {
  const app = integration.app as string;
  const id = sample.integrationIds[app];
  if (!id) {
    const created = await mustCall(apiUrl, sample.apiKey, 'POST', '/integrations', integration);
    sample.integrationIds[app] = created.id as string;
  } else if (isMoving) {
    const known = await call(apiUrl, sample.apiKey, 'GET', `/integrations/${id}`);
    const isSame = JSON.stringify((known.body.config as { base_url?: string } | undefined)?.base_url) === JSON.stringify((integration.config as { base_url: string }).base_url);
    if (known.status === 200 && !isSame) await mustCall(apiUrl, sample.apiKey, 'PATCH', `/integrations/${id}`, { config: integration.config });
  }
}

export interface SampleOptions {
  apiUrl: string;
  platformKey: string;
  thirdParty: Servers['thirdParty'];
}

/** Throws with the API's answer if it refuses something. */
export async function ensureSample({ apiUrl, platformKey, thirdParty }: SampleOptions): Promise<Sample> {
  const sample = (await existingSample(apiUrl)) ?? (await createTenant(apiUrl, platformKey));
  const keep = (): void => writeJson(file, sample);
  keep();
  await ensureIntegration(apiUrl, sample, pocketBaseIntegration(thirdParty), true);
  keep();
  await ensureIntegration(apiUrl, sample, scimIntegration(), false);
  keep();
  if (!sample.hasEmployees) {
    await mustCall(apiUrl, sample.apiKey, 'POST', '/records/batch', { records: sampleEmployees });
    sample.hasEmployees = true;
    keep();
  }
  return sample;
}
