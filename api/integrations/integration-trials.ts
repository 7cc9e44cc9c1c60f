/**
 * Settings are tried at the third party before they are stored (rules.md 52). Only workers call third
 * parties, so a worker tries them. A third party that is away or slow never prevents linking: the check then
 * says so.
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { createTrial, endTrial, type TriedSettings } from '../../db/integrations/trials';
import type { Integration } from '../../db/integrations/integrations';
import type { IntegrationChange } from '../../db/sync-runs/integration-lifecycle';
import type { LastCheck } from '../../db/tables/integrations';
import type { JsonObject } from '../../domain/json';
import type { RouteServices } from '../dependencies';
import { HttpError } from '../http/http-error';

export const TRIAL =
  'A new configuration and new mappings are tried at the app first, for up to 20 seconds. What cannot ' +
  'work is refused (`check_refused`). An app that does not respond, or not in time, refuses nothing: ' +
  '`last_check` shows it.';
export const checkParam = z
  .enum(['true', 'false'])
  .optional()
  .meta({ description: '`false`: store the settings without trying them at the app.' });

type Services = Pick<RouteServices, 'temporal' | 'database'>;

const UNFINISHED = 'The connection was not checked, because no worker finished the check in time.';

/** Waits for the result of a trial, outside of a transaction. */
export type AwaitTrial = () => Promise<LastCheck>;

export async function startTrial(
  work: TenantWork,
  settings: TriedSettings,
  { temporal, database }: Services,
): Promise<AwaitTrial> {
  const { tenantId } = work;
  const { integrationId } = settings;
  const trialId = await createTrial(work, settings);
  return async () => {
    try {
      await temporal.checkIntegration({ tenantId, integrationId, trialId });
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
    }
    return database.withTenant(tenantId, async (after) => {
      const at = after.now.toISOString();
      const result = await endTrial(after, { trialId });
      return result ?? { at, ok: false, kind: 'internal', message: UNFINISHED, problems: [] };
    });
  };
}

/** What a change lets be tried; undefined = nothing. */
export function settingsToTry(
  before: Integration,
  { config, recordTypes }: IntegrationChange,
  { connectors }: Pick<RouteServices, 'connectors'>,
): TriedSettings | undefined {
  if (config === undefined && recordTypes === undefined) return undefined;
  const { integrationId, connector: kind } = before;
  const hostsOf = (one: JsonObject) => connectors[kind]?.hosts(one) ?? [];
  const known = hostsOf(before.config);
  // Stored credentials are for the stored hosts.
  const isElsewhere = config !== undefined && hostsOf(config).some((host) => !known.includes(host));
  if (isElsewhere && before.credentialsUpdatedAt !== null) return undefined;
  return {
    integrationId,
    connector: kind,
    config: config ?? before.config,
    recordTypes: recordTypes ?? before.recordTypes,
    credentials: null,
  };
}

/** Throws `check_refused` for settings that cannot work. */
export function refuseWhatCannotWork({ problems = [] }: LastCheck): void {
  const errors = problems.filter(({ severity }) => severity === 'refuse');
  if (errors.length === 0) return;
  throw new HttpError('check_refused', {
    errors: errors.map(({ pointer, code, message }) => ({ pointer, code, message })),
  });
}
