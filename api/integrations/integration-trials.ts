/**
 * Settings are tried at the third party before they are stored (rules.md 52). Only workers call third
 * parties, so a worker tries them. A third party that is down or slow does not prevent linking; the stored
 * check shows the failure.
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { createTrial, endTrial, type TriedSettings } from '../../db/integrations/trials';
import type { Integration } from '../../db/integrations/integrations';
import type { IntegrationChange } from '../../db/sync-runs/integration-lifecycle';
import type { LastCheck, TrialResult } from '../../db/tables/integrations';
import type { RouteServices } from '../dependencies';
import { HttpError } from '../http/http-error';

export const TRIAL =
  'A new configuration and new mappings are tried at the app first, for up to 20 seconds. Settings that ' +
  'cannot work are refused (`check_refused`). If the app does not respond in time, the settings are stored, ' +
  'and `last_check` shows the failure.';
export const checkParam = z
  .enum(['true', 'false'])
  .optional()
  .meta({ description: '`false`: store the settings without trying them at the app.' });

type Services = Pick<RouteServices, 'temporal' | 'database'>;

const UNFINISHED = 'The connection was not checked, because no worker finished the check in time.';

/** Waits for the result of a trial, outside of a transaction. */
export type AwaitTrial = () => Promise<TrialResult>;

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

/** The settings that a change has to try; undefined = none. `credentials` null: the stored ones. */
export function settingsToTry(
  before: Integration,
  { config, recordTypes }: IntegrationChange,
  credentials: string | null = null,
): TriedSettings | undefined {
  if (config === undefined && recordTypes === undefined && credentials === null) return undefined;
  return {
    integrationId: before.integrationId,
    connector: before.connector,
    config: config ?? before.config,
    recordTypes: recordTypes ?? before.recordTypes,
    credentials,
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
