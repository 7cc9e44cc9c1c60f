/**
 * The app that is connected by consent: registered for all tenants, with its definition in the catalogue. Its
 * port can differ from the last start's; a version with the new address is then published.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../domain/json';
import { fillParameters } from '../../domain/third-parties/parameters';
import { projectFolder } from '../tools/paths';
import { type Client, listAll } from './sample-client';

export interface SampleApp {
  /** Without a path. */
  url: string;
  clientId: string;
  clientSecret: string;
}

const NAME = 'Sample address book';
const ROLLOUT_WAIT_MS = 15_000;

/** @param platform calls with the platform key. Safe to repeat. */
export async function ensureDefinition(
  platform: Client,
  app: SampleApp,
  rolloutWaitMs = ROLLOUT_WAIT_MS,
): Promise<void> {
  const document = fillParameters(
    JSON.parse(
      fs.readFileSync(path.join(projectFolder, 'dev/sample-app/definition.json'), 'utf8'),
    ) as JsonObject,
    { address: app.url, oauth_app: await ensureOAuthApp(platform, app) },
  );
  const added = await platform.mustCall('POST', '/platform/third-party-definitions', document);
  const { key, version } = added as { key: string; version: number };
  if (added.is_current !== true) await publish(platform, { key, version }, rolloutWaitMs);
}

/** @returns its id. */
async function ensureOAuthApp(platform: Client, { url, clientId, clientSecret }: SampleApp): Promise<string> {
  const at = '/platform/oauth-apps';
  const settings = { client_id: clientId, client_secret: clientSecret, allowed_origins: [url] };
  const apps = await listAll<{ id: string; name: string; client_id: string; allowed_origins: string[] }>(
    platform,
    at,
  );
  const known = apps.find(({ name }) => name === NAME);
  if (known === undefined)
    return (await platform.mustCall('POST', at, { name: NAME, ...settings })).id as string;
  if (known.client_id !== clientId || known.allowed_origins[0] !== url) {
    const etag = (await platform.call('GET', `${at}/${known.id}`)).headers.get('etag') ?? '';
    await platform.mustCall('PATCH', `${at}/${known.id}`, settings, { 'if-match': etag });
  }
  return known.id;
}

/** Waits for a limited time: a worker that is slow or stopped must not hold up the start. */
async function publish(
  platform: Client,
  { key, version }: { key: string; version: number },
  waitMs: number,
): Promise<void> {
  const at = `/platform/third-party-definitions/${key}`;
  const settings = { version, steps: [], observe_seconds: 0, is_automatic: true };
  const begun = await platform.call('POST', `${at}/rollouts`, settings);
  if (!begun.ok) return; // one of an earlier start is under way
  const { id } = (await begun.json()) as { id: string };
  for (const deadline = Date.now() + waitMs; Date.now() < deadline; await sleep(200)) {
    const { state } = await platform.mustCall('GET', `${at}/rollouts/${id}`);
    if (state === 'completed') return;
  }
}
