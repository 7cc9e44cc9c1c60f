/**
 * The dry run of a rollout for one integration: its settings under the new version, what differs, whether the
 * app accepts them, and what would be pushed. Nothing changes.
 */
import type { TenantWork } from '../../db/database';
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import { findMovedOrigins, findOAuthAppProblems } from '../../db/integrations/settings-problems';
import { previewMapping } from '../../db/push/backfill';
import { showEffects } from '../../db/push/brakes/outbound-brakes';
import { findMove, type Move, type MoveKey, updateMove } from '../../db/third-parties/rollout-integrations';
import type { Rollout } from '../../db/third-parties/rollouts';
import type { MappingEffect } from '../../domain/push/braked-effect';
import { jsonEquals } from '../../domain/json';
import type { ProblemDetail } from '../../domain/problem-detail';
import { findAdoption } from '../../domain/third-parties/adoption';
import { ownDifferences } from '../../domain/third-parties/definition';
import { pointerOf } from '../../domain/third-parties/differences';
import { changedPointers, type Following, followVersion } from '../../domain/third-parties/rollout';
import type { ActivityDependencies } from '../dependencies';
import { tryConnection } from '../integrations/integration-check';
import { findConnector } from '../integrations/open-connector';
import { checkSettings, lenientConfig } from './check-settings';
import { adoptingOf, requireRules } from './find-integrations';
import { failedAt, knownTrouble, toColumn, wholeOf } from './rollout-trouble';

export type RolloutDependencies = Pick<
  ActivityDependencies,
  'database' | 'openConnector' | 'oauth' | 'whyUrlIsRefused'
>;

export const DRY_RUN_LIMITS = {
  /** One that does not end, or whose integration is edited each time, is not repeated for ever. */
  triesMax: 5,
  recordsExaminedMax: 10_000,
  pointersMax: 200,
  tryMs: 20_000,
};

export async function planMove(
  dependencies: RolloutDependencies,
  rollout: Planned,
  key: MoveKey,
  signal: AbortSignal,
): Promise<void> {
  const { database } = dependencies;
  // A transaction of its own: a dry run that fails counts.
  const tries = await database.withTenant(key.tenantId, (work) => beginTry(work, key));
  if (tries === undefined) return;
  try {
    await runDry(dependencies, rollout, key, { tries, signal });
  } catch (error) {
    if (!signal.aborted)
      await database
        .withTenant(key.tenantId, async (work) => {
          if (await isUnderWay(work, key, tries))
            await updateMove(work, key, { problems: toColumn([failedAt('dry run')]) });
        })
        .catch(() => undefined);
    throw error;
  }
}

async function runDry(
  dependencies: RolloutDependencies,
  rollout: Planned,
  key: MoveKey,
  { tries, signal }: { tries: number; signal: AbortSignal },
): Promise<void> {
  const { database } = dependencies;
  const plan = await database.withTenant(key.tenantId, async (work) => {
    if (!(await isUnderWay(work, key, tries))) return undefined;
    const integration = await findIntegration(work, key);
    if (integration === undefined || !mayChange(rollout, integration)) {
      await updateMove(work, key, { state: 'gone', plannedAt: work.now });
      return undefined;
    }
    return planFor(work, dependencies, integration, rollout).catch((error: unknown) => {
      const trouble = knownTrouble(error);
      if (trouble === undefined) throw error;
      return { integration, after: undefined, differences: [], problems: [wholeOf(trouble)] };
    });
  });
  if (plan === undefined) return;
  const refused = plan.problems.length > 0 || plan.after === undefined;
  const trial = refused ? undefined : await tryAtApp(dependencies, key.tenantId, plan, signal);
  await database.withTenant(key.tenantId, async (work) => {
    if (!(await isUnderWay(work, key, tries))) return;
    const problems = [...plan.problems, ...(trial?.problems ?? [])];
    const impact = problems.length > 0 ? undefined : await impactOf(work, plan);
    await updateMove(work, key, {
      state: problems.length > 0 ? 'held_back' : 'planned',
      seenVersion: plan.integration.version,
      fromVersion: plan.integration.definitionVersion ?? 0,
      isTried: trial !== undefined,
      changes: JSON.stringify(
        plan.after === undefined
          ? []
          : changedPointers(followingOf(plan.integration), plan.after).slice(0, DRY_RUN_LIMITS.pointersMax),
      ),
      differences: JSON.stringify(plan.differences.slice(0, DRY_RUN_LIMITS.pointersMax)),
      problems: toColumn(problems),
      settingsAfter: plan.after === undefined ? null : JSON.stringify(plan.after),
      recordsTouched: impact?.touched ?? null,
      recordsExamined: impact?.examined ?? null,
      effects: JSON.stringify(impact?.effects ?? []),
      plannedAt: work.now,
    });
  });
}

/** @returns which dry run of the integration it is; undefined if it is not to be begun */
async function beginTry(work: TenantWork, key: MoveKey): Promise<number | undefined> {
  const move = await findMove(work, { ...key, lock: true });
  if (move === undefined || (move.state !== 'found' && move.state !== 'held_back')) return undefined;
  // A person's request begins a new count.
  const tries = move.state === 'held_back' ? 0 : move.tries;
  if (tries >= DRY_RUN_LIMITS.triesMax) {
    const problems = toColumn([whyNone(move)]);
    await updateMove(work, key, { state: 'held_back', problems, plannedAt: work.now });
    return undefined;
  }
  await updateMove(work, key, { state: 'found', tries: tries + 1, problems: null });
  return tries + 1;
}

/** Why the dry runs have come to nothing: the last one has left its problems, or none if it has succeeded. */
function whyNone({ problems }: Move): ProblemDetail {
  const [last] = problems ?? [];
  if (last !== undefined) return last;
  const message =
    problems === null
      ? 'The dry run did not end: the worker died, or lost the database, each time.'
      : 'The integration was edited after each of its dry runs. Retry it while it is not being edited.';
  return { pointer: '', code: 'dry_run_failed', message };
}

/** False for a worker that was thought dead: another one has made the dry run, and perhaps the change. */
async function isUnderWay(work: TenantWork, key: MoveKey, tries: number): Promise<boolean> {
  const move = await findMove(work, { ...key, lock: true });
  return move?.state === 'found' && move.tries === tries;
}

type Planned = Pick<Rollout, 'definitionKey' | 'version' | 'isAdoption'>;

/** False for one that follows another definition, or the version, by now. */
function mayChange(
  { definitionKey, version, isAdoption }: Planned,
  { definitionKey: followed, definitionVersion }: Integration,
): boolean {
  return isAdoption ? followed === null : followed === definitionKey && definitionVersion !== version;
}

interface Plan {
  integration: Integration;
  after: Following | undefined;
  /** JSON Pointers to what stays its own. */
  differences: string[];
  problems: ProblemDetail[];
}

async function planFor(
  work: TenantWork,
  dependencies: RolloutDependencies,
  integration: Integration,
  rollout: Planned,
): Promise<Plan> {
  const { oauth, whyUrlIsRefused } = dependencies;
  const connector = findConnector(oauth.connectors, integration.connector);
  const moved = await (rollout.isAdoption ? adopt : follow)(work, dependencies, integration, rollout);
  if ('problems' in moved)
    return { integration, after: undefined, differences: [], problems: moved.problems };
  const { after, differences } = moved;
  const problems = checkSettings(connector, after, whyUrlIsRefused);
  if (problems.length > 0) return { integration, after, differences, problems };
  const place = { connector, config: after.config };
  const origins = await findMovedOrigins(work, oauth.encryption, { before: integration, ...place });
  const ofApp = await findOAuthAppProblems(work, connector, after.config);
  return { integration, after, differences, problems: [...origins.problems, ...ofApp] };
}

type Moved = { problems: ProblemDetail[] } | { after: Following; differences: string[] };

async function follow(
  work: TenantWork,
  { oauth }: RolloutDependencies,
  integration: Integration,
  { definitionKey: key, version }: Planned,
): Promise<Moved> {
  const from = await requireRules(work, key, integration.definitionVersion ?? 0);
  const to = await requireRules(work, key, version);
  const readConfig = lenientConfig(findConnector(oauth.connectors, integration.connector));
  const moved = followVersion({ from, to }, followingOf(integration), readConfig);
  if ('problems' in moved) return moved;
  return { ...moved, differences: pointersOf(ownDifferences(to, moved.after, moved.after, readConfig)) };
}

/** No setting changes. */
async function adopt(
  work: TenantWork,
  dependencies: RolloutDependencies,
  integration: Integration,
  { definitionKey: key, version }: Planned,
): Promise<Moved> {
  const adopting = adoptingOf(await requireRules(work, key, version), dependencies);
  const adoption = findAdoption(adopting, integration) ?? { problems: [OTHER_ADDRESS] };
  if ('problems' in adoption) return adoption;
  const after = { ...followingOf(integration), ...adoption.use };
  const { rules, readConfig } = adopting;
  const own = { ...after, config: readConfig(after.config) };
  return { after, differences: pointersOf(ownDifferences(rules, after, own, readConfig)) };
}

const OTHER_ADDRESS: ProblemDetail = {
  pointer: '/config',
  code: 'other_address',
  message: 'The integration is at another address than the definition by now.',
};

const pointersOf = (differences: ReturnType<typeof ownDifferences>): string[] =>
  differences.map(({ path }) => pointerOf(path));

export function followingOf(integration: Integration): Following {
  const { definitionSignIn, definitionParameters, config, recordTypes } = integration;
  return { signIn: definitionSignIn ?? '', parameters: definitionParameters ?? {}, config, recordTypes };
}

/**
 * Only where calls change: mappings need no call. An integration that does not work already, because its
 * credentials are not accepted, tells nothing.
 */
async function tryAtApp(
  { openConnector }: RolloutDependencies,
  tenantId: string,
  { integration, after }: Plan,
  signal: AbortSignal,
): Promise<{ problems: ProblemDetail[] } | undefined> {
  if (after === undefined || jsonEquals(after.config, integration.config)) return undefined;
  if (integration.needsReauthorizationAt !== null) return undefined;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(DRY_RUN_LIMITS.tryMs)]);
  const tried = { ...integration, config: after.config, recordTypes: after.recordTypes };
  // Access tokens of the stored configuration are of no use for another one.
  const mistakes: unknown[] = [];
  const outcome = await tryConnection(
    () => openConnector(tenantId, { ...tried, credentialsUpdatedAt: new Date() }, limited, 'full'),
    limited,
    (error) => mistakes.push(error),
  );
  // A check that ended because the worker stops, or by a fault of Syncline, says nothing: the dry run is
  // repeated.
  signal.throwIfAborted();
  if (mistakes.length > 0) throw mistakes[0];
  if (outcome.ok) return { problems: [] };
  const refusals = outcome.problems.filter(({ severity }) => severity === 'refuse');
  return {
    problems:
      refusals.length > 0
        ? refusals.map(({ pointer, code, message }) => ({ pointer, code, message }))
        : [{ pointer: '', code: outcome.kind, message: outcome.message }],
  };
}

/** What the new mappings would push, counted up to a bound. */
async function impactOf(
  work: TenantWork,
  { integration, after }: Plan,
): Promise<{ touched: number; examined: number; effects: MappingEffect[] } | undefined> {
  if (after === undefined || jsonEquals(after.recordTypes as never, integration.recordTypes as never))
    return undefined;
  const { integrationId } = integration;
  const { touched, examined, effects } = await previewMapping(work, {
    integrationId,
    recordTypes: after.recordTypes,
    atMost: DRY_RUN_LIMITS.recordsExaminedMax,
  });
  return { touched, examined, effects: await showEffects(work, integration, effects) };
}
