/** Rollouts of versions of third-party definitions, as the API shows them. */
import { z } from 'zod';
import type { Work } from '../../../db/database';
import { toTypeId } from '../../../db/sql/ids';
import { countMoves, type ListedMove } from '../../../db/third-parties/rollout-integrations';
import type { Rollout } from '../../../db/third-parties/rollouts';
import { BRAKED_EFFECTS } from '../../../domain/push/braked-effect';
import { MOVE_STATES, type MoveState, ROLLOUT_STATES } from '../../../domain/third-parties/rollout';
import { instant, toInstant, toInstantOrNull, typeId } from '../../routing/common-schemas';
import { definitionKey } from '../definition-schema';

const PERCENT_MAX = 100;
const STEP_INTEGRATIONS_MAX = 1_000_000;

export const rolloutStep = z
  .union([
    z.strictObject({ integrations: z.int().min(1).max(STEP_INTEGRATIONS_MAX) }),
    z.strictObject({ percent: z.int().min(1).max(PERCENT_MAX) }),
  ])
  .meta({
    id: 'RolloutStep',
    description: 'How many integrations have the version after the step: a number, or a share of all.',
  });

export const moveState = z.enum(MOVE_STATES).meta({
  description:
    '`found`: its dry run is still to come. `planned`: the dry run succeeded. `held_back`: the dry run ' +
    'failed, so it keeps its version; `problems` says why. `changed`: it has the new version. `failed`: it ' +
    'changed and fails since. `rolled_back`, `not_rolled_back`: after a rollback. `gone`: deleted, it ' +
    'follows another definition or version by now, or a person has chosen it since its adoption.',
});

export const rolloutView = z
  .object({
    id: typeId('rol'),
    definition_key: definitionKey,
    version: z.int(),
    former_version: z
      .int()
      .nullable()
      .meta({ description: 'The version that new integrations used before; null = none, or an adoption.' }),
    state: z.enum(ROLLOUT_STATES).meta({
      description:
        '`planning`: the dry run is under way. `planned`: it waits for approval. `running`: integrations ' +
        'change, step by step. `canceled`: those that changed keep the version.',
    }),
    paused_at: instant.nullable(),
    paused_because: z
      .enum(['requested', 'failures'])
      .nullable()
      .meta({ description: '`failures`: it stopped by itself.' }),
    trouble: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .meta({
        description:
          'Why it does not go on at present, such as a connector that a worker lacks. It is tried again all the ' +
          'time. null: nothing hinders it.',
      }),
    steps: z.array(rolloutStep),
    step: z.int().meta({
      description: 'The present step, from 0. After the listed steps follows one with all others.',
    }),
    step_ends_at: instant.nullable().meta({ description: 'The end of the observation of the present step.' }),
    observe_seconds: z.int(),
    stop_after_failures: z.int(),
    is_automatic: z.boolean(),
    adopt: z.boolean().meta({ description: '`true`: integrations without a definition adopt it.' }),
    integrations: z
      .object(Object.fromEntries(MOVE_STATES.map((state) => [state, z.int()])) as Record<MoveState, z.ZodInt>)
      .meta({ description: 'The number of integrations by state.' }),
    created_by: z.string(),
    created_at: instant,
    approved_by: z.string().nullable(),
    approved_at: instant.nullable(),
    finished_at: instant.nullable(),
  })
  .meta({ id: 'DefinitionRollout' });

export const moveView = z
  .object({
    tenant_id: typeId('ten'),
    integration_id: typeId('int'),
    state: moveState,
    from_version: z.int().nullable().meta({ description: 'null = it follows no definition yet.' }),
    is_tried: z.boolean().meta({ description: 'The new settings were tried at the app.' }),
    changes: z
      .array(z.string())
      .meta({ description: 'What would change, or has changed: JSON Pointers into the integration.' }),
    differences: z.array(z.string()).meta({
      description: 'What stays its own, beside the definition: JSON Pointers into the integration.',
    }),
    records_touched: z
      .int()
      .nullable()
      .meta({ description: 'Records that would be pushed again; null = the mappings stay.' }),
    records_examined: z.int().nullable().meta({ description: 'The estimate reads at most 10,000 records.' }),
    effects: z.array(
      z.object({
        record_type: z.string(),
        effect: z.enum(BRAKED_EFFECTS),
        records: z.int(),
        waits_for_approval: z.boolean(),
      }),
    ),
    problems: z.array(z.object({ pointer: z.string(), code: z.string(), message: z.string() })),
    planned_at: instant.nullable(),
    changed_at: instant.nullable(),
    checked_at: instant.nullable(),
  })
  .meta({ id: 'DefinitionRolloutIntegration' });

/** `platform`: a transaction that may count integrations of all tenants. */
export async function toWireRollout(
  platform: Pick<Work, 'trx'>,
  rollout: Rollout,
): Promise<z.output<typeof rolloutView>> {
  const counts = await countMoves(platform, rollout);
  return {
    id: toTypeId('rol', rollout.rolloutId),
    definition_key: rollout.definitionKey,
    version: rollout.version,
    former_version: rollout.formerVersion,
    state: rollout.state,
    paused_at: toInstantOrNull(rollout.pausedAt),
    paused_because: rollout.pausedBecause,
    trouble: rollout.finishedAt === null ? rollout.trouble : null,
    steps: rollout.steps,
    step: rollout.step,
    step_ends_at: toInstantOrNull(rollout.stepEndsAt),
    observe_seconds: rollout.observeMs / 1_000,
    stop_after_failures: rollout.stopAfterFailures,
    is_automatic: rollout.isAutomatic,
    adopt: rollout.isAdoption,
    integrations: Object.fromEntries(MOVE_STATES.map((state) => [state, counts[state] ?? 0])) as Record<
      MoveState,
      number
    >,
    created_by: rollout.createdBy,
    created_at: toInstant(rollout.createdAt),
    approved_by: rollout.approvedBy,
    approved_at: toInstantOrNull(rollout.approvedAt),
    finished_at: toInstantOrNull(rollout.finishedAt),
  };
}

export function toWireMove(move: ListedMove): z.output<typeof moveView> {
  return {
    tenant_id: toTypeId('ten', move.tenantId),
    integration_id: toTypeId('int', move.integrationId),
    state: move.state,
    from_version: move.fromVersion === 0 ? null : move.fromVersion,
    is_tried: move.isTried,
    changes: move.changes ?? [],
    differences: move.differences ?? [],
    records_touched: move.recordsTouched,
    records_examined: move.recordsExamined,
    effects: move.effects ?? [],
    problems: move.problems ?? [],
    planned_at: toInstantOrNull(move.plannedAt),
    changed_at: toInstantOrNull(move.changedAt),
    checked_at: toInstantOrNull(move.checkedAt),
  };
}
