/**
 * Changes one integration to the version of a rollout, or back. The integration, its row in the rollout and
 * the tenant's audit log change in one transaction. An integration that was edited since its dry run gets
 * another dry run first, so no edit is lost and nothing is applied that was not tried.
 */
import { EncryptionError } from '../../db/platform/encryption-keys';
import type { Connector } from '../../connectors/connector';
import type { TenantWork } from '../../db/database';
import { findIntegration, type Integration, lockIntegration } from '../../db/integrations/integrations';
import { findMovedOrigins, findOAuthAppProblems } from '../../db/integrations/settings-problems';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { toTypeId } from '../../db/sql/ids';
import { changeIntegration } from '../../db/sync-runs/integration-lifecycle';
import { readHealth } from '../../db/third-parties/integration-health';
import {
  findMove,
  isMovedLater,
  type Move,
  type MoveKey,
  updateMove,
} from '../../db/third-parties/rollout-integrations';
import { findRollout, lockRollout, type Rollout } from '../../db/third-parties/rollouts';
import type { RolloutTrouble } from '../../db/tables/third-parties';
import { findReadDifferently } from '../../domain/connector-settings';
import { jsonEquals } from '../../domain/json';
import type { ProblemDetail } from '../../domain/problem-detail';
import {
  type Following,
  followFormer,
  followVersion,
  whatBecameWorse,
} from '../../domain/third-parties/rollout';
import { findConnector } from '../integrations/open-connector';
import { checkSettings, lenientConfig } from './check-settings';
import { requireRules } from './find-integrations';
import { followingOf, type RolloutDependencies } from './plan-move';
import { failedAt, knownTrouble, toColumn, wholeOf } from './rollout-trouble';

interface Locked {
  work: TenantWork;
  rollout: Rollout;
  move: Move;
  integration: Integration;
  connectors: Record<string, Connector>;
}

/** Does nothing if the rollout was paused, canceled or is rolled back meanwhile. */
export async function makeMove(dependencies: RolloutDependencies, key: MoveKey): Promise<void> {
  try {
    await applyPlan(dependencies, key);
  } catch (error) {
    const trouble = knownTrouble(error);
    await dependencies.database.withTenant(key.tenantId, (work) => planAgain(work, key, trouble));
    if (trouble === undefined) throw error;
  }
}

/** What was known to hinder the change holds it back; otherwise its dry run is repeated, a few times. */
async function planAgain(work: TenantWork, key: MoveKey, trouble: RolloutTrouble | undefined): Promise<void> {
  const move = await findMove(work, { ...key, lock: true });
  if (move?.state !== 'planned') return;
  await updateMove(
    work,
    key,
    trouble === undefined
      ? { state: 'found', problems: toColumn([failedAt('change')]) }
      : { state: 'held_back', problems: toColumn([wholeOf(trouble)]), plannedAt: work.now },
  );
}

function applyPlan(dependencies: RolloutDependencies, key: MoveKey): Promise<void> {
  return underLocks(dependencies, key, 'running', async (locked) => {
    const { work, rollout, move, integration } = locked;
    if (move.state !== 'planned' || move.settingsAfter === null) return;
    if (integration.definitionVersion === rollout.version) return leave(work, key);
    if (integration.version !== move.seenVersion) return updateMove(work, key, { state: 'found' });
    const before = followingOf(integration);
    const health = await readHealth(work, integration);
    await change(locked, move.settingsAfter, rollout.version);
    await updateMove(work, key, {
      state: 'changed',
      settingsBefore: JSON.stringify(before),
      healthBefore: JSON.stringify(health),
      changedAt: work.now,
    });
  });
}

export function rollBackMove(dependencies: RolloutDependencies, key: MoveKey): Promise<void> {
  return underLocks(dependencies, key, 'rolling_back', async (locked) => {
    const { work, rollout, move, integration } = locked;
    if (move.state !== 'changed' && move.state !== 'failed') return;
    if (integration.definitionVersion !== rollout.version) return leave(work, key);
    if (await isMovedLater(work, move, rollout)) return leave(work, key);
    if (rollout.isAdoption) {
      if ((integration.definitionChosenIn ?? 0) > (move.seenVersion ?? 0)) return leave(work, key, CHOSEN);
      await change(locked, followingOf(integration), null);
      return updateMove(work, key, { state: 'rolled_back' });
    }
    const former = await formerOf(locked, dependencies).catch((error: unknown) => {
      // Waiting for a key that may never return would keep all others of the definition from a rollout.
      const trouble = error instanceof EncryptionError ? knownTrouble(error) : undefined;
      if (trouble !== undefined) return { problems: [wholeOf(trouble)] };
      throw error;
    });
    if ('problems' in former) {
      const problems = toColumn(former.problems);
      return updateMove(work, key, { state: 'not_rolled_back', problems });
    }
    await change(locked, former.settings, move.fromVersion);
    await updateMove(work, key, { state: 'rolled_back' });
  });
}

/** Compares how the integration is with how it was before its change. */
export async function checkMove({ database }: RolloutDependencies, key: MoveKey): Promise<void> {
  await database.withTenant(key.tenantId, async (work) => {
    const move = await findMove(work, { ...key, lock: true });
    if (move?.state !== 'changed') return;
    const integration = await findIntegration(work, key);
    if (integration === undefined) return leave(work, key);
    const before = move.healthBefore;
    const problems = before === null ? [] : whatBecameWorse(before, await readHealth(work, integration));
    await updateMove(work, key, {
      checkedAt: work.now,
      ...(problems.length > 0 ? { state: 'failed' as const, problems: JSON.stringify(problems) } : {}),
    });
  });
}

/** Locks in the order of every change of mappings; skips what another state of the rollout forbids. */
function underLocks(
  { database, oauth }: RolloutDependencies,
  key: MoveKey,
  state: Rollout['state'],
  run: (locked: Locked) => Promise<void>,
): Promise<void> {
  const { rolloutId } = key;
  return database.withTenant(key.tenantId, async (work) => {
    await lockRollout(work, { rolloutId, mode: 'shared' });
    const rollout = await findRollout(work, key);
    if (rollout?.state !== state || rollout.pausedAt !== null) return;
    const move = await findMove(work, { ...key, lock: true });
    if (move === undefined) return;
    const integration = await lockIntegration(work, key);
    const followed = rollout.isAdoption && state === 'running' ? null : rollout.definitionKey;
    if (integration?.definitionKey !== followed) return leave(work, key);
    return run({ work, rollout, move, integration, connectors: oauth.connectors });
  });
}

const leave = (work: TenantWork, key: MoveKey, why?: ProblemDetail): Promise<void> =>
  updateMove(work, key, { state: 'gone', ...(why && { problems: toColumn([why]) }) });

const CHOSEN: ProblemDetail = {
  pointer: '/third_party',
  code: 'chosen_since',
  message: 'A person has chosen the definition since, so the integration follows it.',
};

async function change(
  { work, rollout, integration, connectors }: Locked,
  { signIn, parameters, config, recordTypes }: Following,
  version: number | null,
): Promise<void> {
  const { integrationId } = integration;
  const readDifferently = jsonEquals(config, integration.config)
    ? []
    : findReadDifferently(
        findConnector(connectors, integration.connector),
        integration.config,
        config,
        Object.keys(integration.recordTypes),
      );
  const changed = await changeIntegration(work, {
    integrationId,
    change: {
      definition: version === null ? null : { key: rollout.definitionKey, version, signIn, parameters },
      isByRollout: true,
      config,
      recordTypes,
      readDifferently,
    },
    by: 'platform',
  });
  await appendAuditEntry(work, {
    actor: 'platform',
    action: 'integration.changed',
    target: toTypeId('int', integrationId),
    detail: {
      changed: ['third_party'],
      third_party: {
        key: rollout.definitionKey,
        version: { from: integration.definitionVersion, to: version },
      },
      mapping_version: { from: integration.mappingVersion, to: changed.mappingVersion },
    },
    ip: null,
    requestId: toTypeId('rol', rollout.rolloutId),
  });
}

/** The former settings, with what was edited since the change as differences. */
async function formerOf(
  { work, rollout, move, integration, connectors }: Locked,
  { whyUrlIsRefused, oauth }: RolloutDependencies,
): Promise<{ settings: Following } | { problems: ProblemDetail[] }> {
  const connector = findConnector(connectors, integration.connector);
  const { settingsBefore, settingsAfter } = move;
  const current = followingOf(integration);
  const former =
    settingsBefore === null || settingsAfter === null
      ? undefined
      : followFormer(settingsBefore, settingsAfter, current);
  const moved =
    former === undefined ? await followOlder(work, rollout, move, current, connector) : { after: former };
  if ('problems' in moved) return moved;
  const { config } = moved.after;
  const refused = checkSettings(connector, moved.after, whyUrlIsRefused);
  if (refused.length > 0) return { problems: refused };
  const origins = await findMovedOrigins(work, oauth.encryption, { before: integration, connector, config });
  const problems = [...origins.problems, ...(await findOAuthAppProblems(work, connector, config))];
  return problems.length > 0 ? { problems } : { settings: moved.after };
}

/** For an integration whose way to sign in or parameters were edited since its change. */
async function followOlder(
  work: TenantWork,
  { definitionKey: key, version }: Rollout,
  { fromVersion }: Move,
  current: Following,
  connector: Connector,
): Promise<ReturnType<typeof followVersion>> {
  const from = await requireRules(work, key, version);
  const to = await requireRules(work, key, fromVersion);
  return followVersion({ from, to }, current, lenientConfig(connector));
}
