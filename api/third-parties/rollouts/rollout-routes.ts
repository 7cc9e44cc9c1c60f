/** Publishing a version of a third-party definition, for the team that runs Syncline. */
import { z } from 'zod';
import { findDefinition, findDefinitionVersion } from '../../../db/third-parties/definitions';
import { decide, type RolloutDecision } from '../../../db/third-parties/rollout-decisions';
import { countMoves, listMoves } from '../../../db/third-parties/rollout-integrations';
import {
  createRollout,
  findOpenRollout,
  findRollout,
  listRollouts,
} from '../../../db/third-parties/rollouts';
import { acrossTenants } from '../../../db/across-tenants';
import type { TenantWork } from '../../../db/database';
import { toTypeId } from '../../../db/sql/ids';
import { DEFAULT_STEPS } from '../../../domain/third-parties/rollout';
import { HttpError } from '../../http/http-error';
import { idParam } from '../../routing/common-schemas';
import type { TenantContext } from '../../routing/context';
import { defineRoute, type Route } from '../../routing/define-route';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../../routing/pagination';
import { definitionParams } from '../definition-routes';
import { definitionKey } from '../definition-schema';
import { moveState, moveView, rolloutStep, rolloutView, toWireMove, toWireRollout } from './rollout-views';

const tag = 'Third-party definitions';
const base = '/v1/platform/third-party-definitions/{definition_key}/rollouts';
const one = `${base}/{rollout_id}`;

const DAY_SECONDS = 86_400;
export const OBSERVE_SECONDS_MAX = 14 * DAY_SECONDS;
export const STEPS_MAX = 20;
const OBSERVE_SECONDS_DEFAULT = 3_600;

const newRollout = z
  .strictObject({
    adopt: z
      .boolean()
      .default(false)
      .meta({
        description:
          '`true`: integrations of the same connector and base address that follow no definition follow this ' +
          'one. Their settings stay as they are. New integrations keep their version.',
      }),
    version: z.int().min(1).max(2_147_483_647).meta({ description: 'The version to publish, or to adopt.' }),
    steps: z
      .array(rolloutStep)
      .max(STEPS_MAX)
      .default([...DEFAULT_STEPS])
      .meta({
        description:
          'By default 1 integration, 1 %, 10 %. All others follow in a last step; without steps it is the only ' +
          'one.',
      }),
    observe_seconds: z.int().min(0).max(OBSERVE_SECONDS_MAX).default(OBSERVE_SECONDS_DEFAULT).meta({
      description: 'How long integrations that changed are observed before the next step.',
    }),
    stop_after_failures: z.int().min(1).max(1_000_000).default(1).meta({
      description: 'The rollout stops by itself when so many integrations fail that did not fail before.',
    }),
    is_automatic: z.boolean().default(false).meta({
      description: '`true`: begins after the dry run without an approval; what is held back stays as it is.',
    }),
  })
  .meta({ id: 'NewDefinitionRollout' });

const rolloutParams = z.strictObject({
  definition_key: definitionKey,
  rollout_id: idParam('rol', 'rollout_not_found'),
});

export const rolloutRoutes: readonly Route[] = [
  defineRoute({
    scope: 'platform',
    method: 'post',
    path: base,
    operationId: 'createDefinitionRollout',
    tag,
    summary: 'Publish a version of a definition',
    description:
      'A dry run examines each integration of another version. Then the version goes out in steps. New ' +
      'integrations use it when the last step is done.',
    params: definitionParams,
    body: newRollout,
    responses: { 201: { description: 'The rollout; its dry run begins.', schema: rolloutView } },
    problems: ['definition_not_found', 'unknown_definition', 'rollout_in_progress'],
    action: 'definition_rollout.created',
    async run(work, { params, body }, { caller }) {
      const key = params.definition_key;
      const head = await findDefinition(work, { key, forUpdate: true });
      if (head === undefined) throw new HttpError('definition_not_found');
      if ((await findDefinitionVersion(work, { key, version: body.version })) === undefined)
        throw new HttpError('unknown_definition');
      const open = await findOpenRollout(work, { key });
      if (open !== undefined) throw inProgress(open.rolloutId);
      const rollout = await createRollout(work, {
        definitionKey: key,
        version: body.version,
        formerVersion: body.adopt ? null : head.currentVersion,
        isAdoption: body.adopt,
        isAutomatic: body.is_automatic,
        steps: body.steps,
        observeMs: body.observe_seconds * 1_000,
        stopAfterFailures: body.stop_after_failures,
        createdBy: caller.actor,
      });
      const shown = await acrossTenants(work, 'platform', (platform) => toWireRollout(platform, rollout));
      const audit = {
        target: shown.id,
        detail: { definition: key, version: body.version, adopt: body.adopt },
      };
      return { status: 201, body: shown, audit };
    },
  }),

  defineRoute({
    scope: 'all_tenants',
    method: 'get',
    path: base,
    operationId: 'listDefinitionRollouts',
    tag,
    summary: 'List the rollouts of a definition',
    params: definitionParams,
    query: z.strictObject(listParams),
    responses: { 200: { description: 'The newest first.', schema: listOf(rolloutView) } },
    problems: ['invalid_cursor'],
    async run(work, { params, query }) {
      const key = params.definition_key;
      const scope = ['definition-rollouts', key];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listRollouts(work, { key, limit: limit + 1, before: after });
      const page = toPage(
        rows,
        limit,
        scope,
        ({ rolloutId }) => rolloutId,
        (row) => row,
      );
      const data = [];
      for (const row of page.data) data.push(await toWireRollout(work, row));
      return { status: 200, body: { ...page, data } };
    },
  }),

  defineRoute({
    scope: 'all_tenants',
    method: 'get',
    path: one,
    operationId: 'showDefinitionRollout',
    tag,
    summary: 'Show a rollout',
    params: rolloutParams,
    responses: { 200: { description: 'The rollout.', schema: rolloutView } },
    problems: ['rollout_not_found'],
    async run(work, { params }) {
      const rollout = await findRollout(work, { rolloutId: params.rollout_id });
      if (rollout?.definitionKey !== params.definition_key) throw new HttpError('rollout_not_found');
      return { status: 200, body: await toWireRollout(work, rollout) };
    },
  }),

  defineRoute({
    scope: 'all_tenants',
    method: 'get',
    path: `${one}/integrations`,
    operationId: 'listRolloutIntegrations',
    tag,
    summary: 'List the integrations of a rollout',
    description: 'By state, with what would change or has changed.',
    params: rolloutParams,
    query: z.strictObject({ ...listParams, state: moveState.optional() }),
    responses: { 200: { description: 'The integrations.', schema: listOf(moveView) } },
    problems: ['rollout_not_found', 'invalid_cursor'],
    async run(work, { params, query }) {
      const rolloutId = params.rollout_id;
      const rollout = await findRollout(work, { rolloutId });
      if (rollout?.definitionKey !== params.definition_key) throw new HttpError('rollout_not_found');
      const scope = ['rollout-integrations', rolloutId, query.state ?? 'all'];
      const position = z.tuple([moveState, z.int32(), z.uuid()]);
      const { limit, after } = readPage(query, scope, position);
      const [state, place, integrationId] = after ?? [];
      const rows = await listMoves(work, {
        rolloutId,
        state: query.state,
        limit: limit + 1,
        after:
          state === undefined || place === undefined || integrationId === undefined
            ? undefined
            : { state, place, integrationId },
      });
      const positionOf = (row: (typeof rows)[number]) => [row.state, row.place, row.integrationId] as const;
      return { status: 200, body: toPage(rows, limit, scope, positionOf, toWireMove) };
    },
  }),

  ...(
    [
      ['approve', 'approveDefinitionRollout', 'Approve a dry run', 'approved', 'The steps begin.'],
      ['pause', 'pauseDefinitionRollout', 'Pause a rollout', 'paused', 'No further integration changes.'],
      [
        'resume',
        'resumeDefinitionRollout',
        'Resume a paused rollout',
        'resumed',
        'Failures until now do not stop it again.',
      ],
      [
        'cancel',
        'cancelDefinitionRollout',
        'Cancel a rollout',
        'canceled',
        'Integrations that changed keep the version. They can be rolled back.',
      ],
      [
        'retry',
        'retryHeldBackIntegrations',
        'Repeat the dry run of integrations that are held back',
        'retried',
        'Those that succeed now change in the present step.',
      ],
      [
        'roll-back',
        'rollBackDefinitionRollout',
        'Roll a rollout back',
        'rolled_back',
        'Integrations that changed get their former version and settings. What was edited meanwhile stays.',
      ],
    ] as const
  ).map(([decision, operationId, summary, done, description]) =>
    defineRoute({
      scope: 'platform',
      method: 'post',
      path: `${one}/${decision}`,
      operationId,
      tag,
      summary,
      description,
      params: rolloutParams,
      responses: { 200: { description: 'The rollout.', schema: rolloutView } },
      problems: ['rollout_not_found', 'rollout_not_possible', 'rollout_in_progress'],
      action: `definition_rollout.${done}`,
      run: (work, { params }, context) => carryOut(work, params, decision, context),
    }),
  ),
];

async function carryOut(
  work: TenantWork,
  { definition_key: key, rollout_id: rolloutId }: z.output<typeof rolloutParams>,
  decision: RolloutDecision,
  { caller }: TenantContext,
) {
  const { failed = 0 } = await acrossTenants(work, 'platform', (platform) =>
    countMoves(platform, { rolloutId }),
  );
  const decided = await decide(work, { rolloutId, definitionKey: key, decision, by: caller.actor, failed });
  if (decided.outcome === 'not_found') throw new HttpError('rollout_not_found');
  if (decided.outcome === 'other_in_progress') throw inProgress(decided.rolloutId);
  if (decided.outcome === 'published_again') {
    const again = toTypeId('rol', decided.rolloutId);
    const detail = `The rollout ${again} has published the same version since. Roll that one back.`;
    throw new HttpError('rollout_not_possible', { detail, context: { rollout_id: again } });
  }
  if (decided.outcome === 'not_possible') {
    const state = decided.isPaused ? `${decided.state}, and paused` : decided.state;
    throw new HttpError('rollout_not_possible', { detail: `The rollout is ${state.replace('_', ' ')}.` });
  }
  const body = await acrossTenants(work, 'platform', (platform) => toWireRollout(platform, decided.rollout));
  const audit = { target: body.id, detail: { definition: key, version: body.version, from: decided.before } };
  return { status: 200 as const, body, audit };
}

function inProgress(rolloutId: string): HttpError {
  return new HttpError('rollout_in_progress', { context: { rollout_id: toTypeId('rol', rolloutId) } });
}
