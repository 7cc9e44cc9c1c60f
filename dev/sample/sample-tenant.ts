/**
 * The sample tenant that `.syncline/sample.json` names, found again or created. The file and the database can
 * be deleted without each other, the key can be revoked, and DATABASE_URL can name another database.
 */
import fs from 'node:fs';
import { z } from 'zod';
import { writeJson } from '../start/secrets';
import { Client, listAll, readAnswer } from './sample-client';
import { RECEIVER_DESCRIPTION } from './sample-webhooks';

const stored = z.object({
  tenantId: z.string(),
  apiKey: z.string(),
  /** By app. */
  integrationIds: z.record(z.string(), z.string()),
  webhookEndpointId: z.string().optional(),
  hasEmployees: z.boolean(),
  hasChanges: z.boolean().optional(),
});

export type Sample = z.output<typeof stored>;

export interface SampleAccess {
  apiUrl: string;
  platformKey: string;
  /** `.syncline/sample.json` */
  file: string;
}

const ADMIN_EMAIL = 'admin@sample-company.example';
const TENANT = { name: 'Sample Company', time_zone: 'Europe/Berlin', contact_email: ADMIN_EMAIL };

export function storeSample(file: string, sample: Sample): void {
  writeJson(file, sample);
}

/** Undefined if the file is missing, or cut off because the disk was full. */
function readSample(file: string): Sample | undefined {
  try {
    return stored.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

async function createKey(platform: Client, tenantId: string): Promise<string> {
  const settings = { name: 'npm start', role: 'admin', expires_in_days: 3_650 };
  const { key } = await platform.mustCall('POST', `/tenants/${tenantId}/api-keys`, settings);
  return key as string;
}

/** With another key if the stored one was revoked or has expired. Undefined if there is no such tenant. */
async function withValidKey(platform: Client, apiUrl: string, sample: Sample): Promise<Sample | undefined> {
  const { status } = await platform.call('GET', `/tenants/${sample.tenantId}`);
  if (status === 404) return undefined;
  const { status: answered } = await new Client(apiUrl, sample.apiKey).call('GET', '/tenant');
  return answered === 401 ? { ...sample, apiKey: await createKey(platform, sample.tenantId) } : sample;
}

/** The tenant of an earlier start that `file` does not know, with what was created in it. */
async function findTenant(platform: Client, apiUrl: string): Promise<Sample | undefined> {
  const tenants = await listAll<{ id: string; name: string; contact_email: string | null }>(
    platform,
    '/tenants',
  );
  const tenantId = tenants.find(
    ({ name, contact_email: contact }) => name === TENANT.name && contact === ADMIN_EMAIL,
  )?.id;
  if (tenantId === undefined) return undefined;
  const apiKey = await createKey(platform, tenantId);
  const client = new Client(apiUrl, apiKey);
  const integrations = await listAll<{ id: string; app: string }>(client, '/integrations');
  const endpoints = await listAll<{ id: string; description: string | null }>(client, '/webhook-endpoints');
  const endpoint = endpoints.find(({ description }) => description === RECEIVER_DESCRIPTION);
  const hasEmployees = (await client.call('GET', '/records/employees/emp-1')).ok;
  return {
    tenantId,
    apiKey,
    integrationIds: Object.fromEntries(integrations.map(({ id, app }) => [app, id])),
    ...(endpoint === undefined ? {} : { webhookEndpointId: endpoint.id }),
    hasEmployees,
    hasChanges: hasEmployees,
  };
}

async function createTenant(platform: Client): Promise<Sample> {
  const { id } = (await platform.mustCall('POST', '/tenants', TENANT)) as { id: string };
  const apiKey = await createKey(platform, id);
  return { tenantId: id, apiKey, integrationIds: {}, hasEmployees: false };
}

/** Throws with the API's answer if the API refuses a request. */
export async function ensureTenant({ apiUrl, platformKey, file }: SampleAccess): Promise<Sample> {
  const platform = new Client(apiUrl, platformKey);
  const known = readSample(file);
  const sample =
    (known && (await withValidKey(platform, apiUrl, known))) ??
    (await findTenant(platform, apiUrl)) ??
    (await createTenant(platform));
  storeSample(file, sample);
  return sample;
}

/** The console's sample user. */
export interface SampleAdmin {
  email: string;
  /** Valid once, until the next start. Null once a password has been chosen with it. */
  link: string | null;
}

/** Until the admin has chosen a password, and after they were disabled, every start creates a new link. */
export async function ensureAdmin(
  { apiUrl, platformKey }: SampleAccess,
  { tenantId, apiKey }: Sample,
): Promise<SampleAdmin> {
  // The address belongs to one tenant only: another tenant may have the person by now.
  const alternative = `admin-${tenantId}@sample-company.example`;
  const people = await listAll<{ email: string; status: string }>(new Client(apiUrl, apiKey), '/people');
  for (const email of [ADMIN_EMAIL, alternative]) {
    if (people.some((person) => person.email === email && person.status === 'active'))
      return { email, link: null };
  }
  const platform = new Client(apiUrl, platformKey);
  const invite = (email: string) =>
    platform.call('POST', `/tenants/${tenantId}/first-admin`, { name: 'Sample Admin', email });
  const first = await invite(ADMIN_EMAIL);
  const answer = await readAnswer(first.status === 409 ? await invite(alternative) : first);
  const { email, invitation } = answer as { email: string; invitation: { link: string } };
  return { email, link: invitation.link };
}
