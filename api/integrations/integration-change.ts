/** Changes an integration: the new settings are tried first, then stored (rules.md 52). */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { saveCheck } from '../../db/sync-runs/checks/save-check';
import { findIntegration, lockIntegration } from '../../db/integrations/integrations';
import { toTypeId } from '../../db/sql/ids';
import { changeIntegration, replaceCredentials } from '../../db/sync-runs/integration-lifecycle';
import type { LastCheck } from '../../db/tables/integrations';
import type { TenantContext } from '../routing/context';
import { requireVersion } from '../routing/etag';
import { readIntegrationChange } from './integration-input';
import type { integrationChange, integrationParams } from './integration-schema';
import { checkParam, refuseWhatCannotWork, settingsToTry, startTrial } from './integration-trials';
import { respondWithIntegration } from './integration-views';
import { previewOf } from './mapping-preview';

export const changeQuery = z.strictObject({
  check: checkParam,
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true`: change nothing, and return how many records the change would affect.' }),
});

interface ChangeInput {
  params: z.output<typeof integrationParams>;
  query: z.output<typeof changeQuery>;
  body: z.output<typeof integrationChange>;
  ifMatch: number | undefined;
}

export async function changeIntegrationAfterTrial(
  work: TenantWork,
  input: ChangeInput,
  context: TenantContext,
) {
  const { services } = context;
  const integrationId = input.params.integration_id;
  const found = await findIntegration(work, { integrationId });
  const before = requireVersion(found, input.ifMatch, 'integration_not_found');
  const wanted = await readIntegrationChange(work, before, input.body, services);
  const isTried = input.query.dry_run !== 'true' && input.query.check !== 'false';
  const tried = isTried ? settingsToTry(before, wanted.change, wanted.encryptedCredentials) : undefined;
  const wait = tried && (await startTrial(work, tried, services));
  return async () => {
    const check = await wait?.();
    if (check !== undefined) refuseWhatCannotWork(check);
    return (later: TenantWork) => applyChange(later, input, check, context);
  };
}

async function applyChange(
  work: TenantWork,
  { params, query, body, ifMatch }: ChangeInput,
  check: LastCheck | undefined,
  { services, caller }: TenantContext,
) {
  const integrationId = params.integration_id;
  const isDryRun = query.dry_run === 'true';
  const locked = await lockIntegration(work, { integrationId });
  const before = requireVersion(locked, ifMatch, 'integration_not_found');
  const { change, encryptedCredentials, movedOrigins } = await readIntegrationChange(
    work,
    before,
    body,
    services,
  );
  if (isDryRun) {
    const { body: shown, headers } = await respondWithIntegration(work, before, services);
    const preview = await previewOf(work, before, change.recordTypes);
    return { status: 200 as const, body: { ...shown, preview }, headers, audit: null };
  }
  // A check of the previous settings says nothing about the new ones.
  if (check !== undefined || (change.config ?? encryptedCredentials) !== undefined)
    await saveCheck(work, { integrationId, check: check ?? null });
  const changed = await changeIntegration(work, { integrationId, change, by: caller.actor });
  const after =
    encryptedCredentials === undefined
      ? changed
      : await replaceCredentials(work, { integrationId, encryptedCredentials });
  const audit = {
    target: toTypeId('int', integrationId),
    detail: {
      changed: Object.keys(body),
      mapping_version: { from: before.mappingVersion, to: after.mappingVersion },
      ...(movedOrigins.length === 0 ? {} : { moved: movedOrigins.map((moved) => ({ ...moved })) }),
    },
  };
  const { body: shown, headers } = await respondWithIntegration(work, after, services);
  return { status: 200 as const, body: { ...shown, preview: null }, headers, audit };
}
