/** Rollouts of versions of third-party definitions: rows of the platform. Their decisions are made here. */
import { type Selectable, sql, type UpdateObject } from 'kysely';
import type { RolloutStep } from '../../domain/third-parties/rollout';
import type { TenantWork, Work } from '../database';
import { enqueue } from '../platform/outbox';
import { newUuid } from '../sql/ids';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { Tables } from '../tables';
import { PLATFORM_TENANT_ID } from '../tables/tenants';
import type { DefinitionRolloutsTable, RolloutTrouble } from '../tables/third-parties';

export type Rollout = Selectable<DefinitionRolloutsTable>;
export type RolloutChange = UpdateObject<Tables, 'definitionRollouts'>;

interface RolloutKey {
  rolloutId: string;
}

export interface NewRollout {
  definitionKey: string;
  version: number;
  formerVersion: number | null;
  isAutomatic: boolean;
  isAdoption?: boolean;
  steps: readonly RolloutStep[];
  observeMs: number;
  stopAfterFailures: number;
  createdBy: string;
}

/**
 * Decisions about a rollout take the lock alone, changes of integrations share it: after a decision no
 * integration changes because of the one before. Held until the end of the transaction.
 */
export async function lockRollout(
  { trx }: Pick<Work, 'trx'>,
  { rolloutId, mode }: RolloutKey & { mode: 'shared' | 'alone' },
): Promise<void> {
  const key = sql`hashtextextended(${`rollout ${rolloutId}`}, 0)`;
  if (mode === 'shared') await sql`select pg_advisory_xact_lock_shared(${key})`.execute(trx);
  else await sql`select pg_advisory_xact_lock(${key})`.execute(trx);
}

export function findRollout(
  { trx }: Pick<Work, 'trx'>,
  { rolloutId, forUpdate = false }: RolloutKey & { forUpdate?: boolean },
): Promise<Rollout | undefined> {
  return trx
    .selectFrom('definitionRollouts')
    .selectAll()
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('rolloutId', '=', rolloutId)
    .$if(forUpdate, (query) => query.forUpdate())
    .executeTakeFirst();
}

/** The newest first. */
export function listRollouts(
  { trx }: Pick<Work, 'trx'>,
  { key, limit, before }: { key: string; limit: number; before?: string | undefined },
): Promise<Rollout[]> {
  return trx
    .selectFrom('definitionRollouts')
    .selectAll()
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('definitionKey', '=', key)
    .$if(before !== undefined, (query) => query.where('rolloutId', '<', before ?? ''))
    .orderBy('rolloutId', 'desc')
    .limit(limit)
    .execute();
}

/** The unfinished rollout of a definition. Holds while the row of the definition is locked. */
export function findOpenRollout(
  { trx }: Pick<Work, 'trx'>,
  { key }: { key: string },
): Promise<RolloutKey | undefined> {
  return trx
    .selectFrom('definitionRollouts')
    .select('rolloutId')
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('definitionKey', '=', key)
    .where('finishedAt', 'is', null)
    .executeTakeFirst();
}

/** A later rollout that has published the same version to the end, and was not rolled back. */
export function findPublishedAgain(
  { trx }: Pick<Work, 'trx'>,
  { rolloutId, definitionKey, version }: Pick<Rollout, 'rolloutId' | 'definitionKey' | 'version'>,
): Promise<RolloutKey | undefined> {
  return trx
    .selectFrom('definitionRollouts')
    .select('rolloutId')
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('definitionKey', '=', definitionKey)
    .where('rolloutId', '>', rolloutId)
    .where('version', '=', version)
    .where('isAdoption', '=', false)
    .where('state', '=', 'completed')
    .orderBy('rolloutId', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function createRollout(work: TenantWork, input: NewRollout): Promise<Rollout> {
  const { trx, now } = work;
  const rollout = await trx
    .insertInto('definitionRollouts')
    .values({
      ...input,
      tenantId: PLATFORM_TENANT_ID,
      rolloutId: newUuid(),
      steps: JSON.stringify(input.steps),
      state: 'planning',
      listCursor: null,
      stepEndsAt: null,
      nextCheckAt: null,
      checkBeganAt: null,
      retryAt: null,
      pausedAt: null,
      pausedBecause: null,
      trouble: null,
      createdAt: now,
      approvedBy: null,
      approvedAt: null,
      updatedAt: now,
      finishedAt: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await continueRollout(work, rollout);
  return rollout;
}

/** A decision of a person, under `lockRollout` alone. The workflow reads it from the row. */
export async function decideRollout(
  work: TenantWork,
  { rolloutId, change }: RolloutKey & { change: RolloutChange },
): Promise<Rollout> {
  const rollout = await work.trx
    .updateTable('definitionRollouts')
    .set({ ...change, trouble: null, updatedAt: work.now })
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('rolloutId', '=', rolloutId)
    .returningAll()
    .executeTakeFirstOrThrow();
  await continueRollout(work, rollout);
  return rollout;
}

/**
 * What the workflow has done, unless a person has decided otherwise since `rollout` was read. A rollout does
 * not end with a retry that was asked for meanwhile.
 */
export async function advanceRow(
  { trx, now }: TenantWork,
  { rolloutId, state, step, retryAt }: Pick<Rollout, 'rolloutId' | 'state' | 'step' | 'retryAt'>,
  change: RolloutChange,
): Promise<Rollout | undefined> {
  return trx
    .updateTable('definitionRollouts')
    .set({ ...change, trouble: null, updatedAt: now })
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('rolloutId', '=', rolloutId)
    .where('state', '=', state)
    .where('step', '=', step)
    .where('pausedAt', 'is', null)
    .where('finishedAt', 'is', null)
    .$if(change.finishedAt !== undefined, (query) => query.where('retryAt', 'is not distinct from', retryAt))
    .returningAll()
    .executeTakeFirst();
}

/** Stores why the rollout does not continue; null = it continues. */
export async function noteTrouble(
  { trx }: TenantWork,
  { rolloutId, trouble }: RolloutKey & { trouble: RolloutTrouble | null },
): Promise<void> {
  await trx
    .updateTable('definitionRollouts')
    .set({ trouble: trouble && JSON.stringify(sanitizeForPostgres({ ...trouble })) })
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('rolloutId', '=', rolloutId)
    .where('finishedAt', 'is', null)
    .execute();
}

function continueRollout(work: TenantWork, { rolloutId }: RolloutKey): Promise<void> {
  return enqueue(work, { topic: 'definition_rollout', rolloutId, nextDueAt: work.now });
}
