/** The integrations of a rollout: rows of their tenants. The platform finds and counts them. */
import { randomInt } from 'node:crypto';
import { type RawBuilder, type Selectable, sql, type UpdateObject } from 'kysely';
import type { MoveState } from '../../domain/third-parties/rollout';
import type { TenantWork, Work } from '../database';
import { inIndexOrder } from '../sql/index-order';
import type { Tables } from '../tables';
import { PLATFORM_TENANT_ID } from '../tables/tenants';
import type { DefinitionRolloutIntegrationsTable } from '../tables/third-parties';

export type Move = Selectable<DefinitionRolloutIntegrationsTable>;

/** What the platform sees of it: not the settings of the tenant. */
const LISTED = [
  'tenantId',
  'integrationId',
  'place',
  'state',
  'fromVersion',
  'isTried',
  'changes',
  'differences',
  'recordsTouched',
  'recordsExamined',
  'effects',
  'problems',
  'plannedAt',
  'changedAt',
  'checkedAt',
] as const;
export type ListedMove = Pick<Move, (typeof LISTED)[number]>;

export interface MoveKey {
  tenantId: string;
  rolloutId: string;
  integrationId: string;
}

const PLACES = 2_147_483_647;

/** Has no effect for one that was found before. */
export async function addMove(
  { trx, tenantId, now }: TenantWork,
  move: Omit<MoveKey, 'tenantId'> & { fromVersion: number },
): Promise<void> {
  await trx
    .insertInto('definitionRolloutIntegrations')
    .values({
      ...move,
      tenantId,
      place: randomInt(PLACES),
      state: 'found',
      seenVersion: null,
      changes: null,
      differences: null,
      recordsTouched: null,
      recordsExamined: null,
      effects: null,
      problems: null,
      settingsBefore: null,
      settingsAfter: null,
      healthBefore: null,
      plannedAt: null,
      changedAt: null,
      checkedAt: null,
      updatedAt: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export function findMove(
  { trx, tenantId }: TenantWork,
  { rolloutId, integrationId, lock = false }: Omit<MoveKey, 'tenantId'> & { lock?: boolean },
): Promise<Move | undefined> {
  return trx
    .selectFrom('definitionRolloutIntegrations')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('rolloutId', '=', rolloutId)
    .where('integrationId', '=', integrationId)
    .$if(lock, (query) => query.forUpdate())
    .executeTakeFirst();
}

export async function updateMove(
  { trx, tenantId, now }: TenantWork,
  { rolloutId, integrationId }: Omit<MoveKey, 'tenantId'>,
  change: UpdateObject<Tables, 'definitionRolloutIntegrations'>,
): Promise<void> {
  await trx
    .updateTable('definitionRolloutIntegrations')
    .set({ ...change, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('rolloutId', '=', rolloutId)
    .where('integrationId', '=', integrationId)
    .execute();
}

/**
 * Whether the integration has its version from a later rollout of the definition that was not rolled back, or
 * could not be. A move makes the version of the row after `seenVersion`.
 */
export async function isMovedLater(
  { trx, tenantId }: TenantWork,
  { integrationId, seenVersion }: Pick<Move, 'integrationId' | 'seenVersion'>,
  { definitionKey }: { definitionKey: string },
): Promise<boolean> {
  const later = await trx
    .selectFrom('definitionRollouts as rollout')
    .innerJoin('definitionRolloutIntegrations as move', 'move.rolloutId', 'rollout.rolloutId')
    .select('move.rolloutId')
    .where('rollout.tenantId', '=', PLATFORM_TENANT_ID)
    .where('rollout.definitionKey', '=', definitionKey)
    .where('move.tenantId', '=', tenantId)
    .where('move.integrationId', '=', integrationId)
    .where('move.state', 'in', ['changed', 'failed', 'not_rolled_back'])
    .where('move.seenVersion', '>', seenVersion)
    .limit(1)
    .executeTakeFirst();
  return later !== undefined;
}

export interface FoundIntegration {
  tenantId: string;
  integrationId: string;
  /** null = it follows no definition. */
  definitionVersion: number | null;
}

/** Integrations that follow the definition in another version, by tenant and id, without deleted tenants. */
export function listOtherVersions(
  { trx }: Pick<Work, 'trx'>,
  { key, version, ...page }: { key: string; version: number } & FoundPage,
): Promise<FoundIntegration[]> {
  return listIntegrations(trx, sql`definition_key = ${key} and definition_version <> ${version}`, page);
}

/** Integrations of a connector that follow no definition, in the same order. */
export function listWithoutDefinition(
  { trx }: Pick<Work, 'trx'>,
  { connector, ...page }: { connector: string } & FoundPage,
): Promise<FoundIntegration[]> {
  return listIntegrations(trx, sql`definition_key is null and connector = ${connector}`, page);
}

interface FoundPage {
  limit: number;
  /** `<tenant> <integration>` of the last one; null = from the beginning. */
  after: string | null;
}

async function listIntegrations(
  trx: Work['trx'],
  wanted: RawBuilder<unknown>,
  { limit, after }: FoundPage,
): Promise<FoundIntegration[]> {
  const [tenantId = null, integrationId = null] = after?.split(' ') ?? [];
  const page = sql<FoundIntegration>`
    select tenant_id, integration_id, definition_version from integrations
    where ${wanted} and deleted_at is null
      and (${tenantId}::uuid is null
        or (tenant_id, integration_id) > (${tenantId}::uuid, ${integrationId}::uuid))
      and not exists (select from tenant_deletions deleted where deleted.tenant_id = integrations.tenant_id)
    order by tenant_id, integration_id limit ${limit}`;
  return (await inIndexOrder({ trx }, () => page.execute(trx))).rows;
}

export interface MoveSearch {
  rolloutId: string;
  state: MoveState;
  limit: number;
  /** The last one of the page before; undefined = from the first. */
  after?: MovePlace | undefined;
  /** Only those that were planned or checked before. */
  plannedBefore?: Date | null | undefined;
  checkedBefore?: Date | null | undefined;
}

export type MovePlace = Pick<Move, 'place' | 'integrationId'>;

/** In the order in which they change, without those of deleted tenants. */
export function pickMoves(
  { trx }: Pick<Work, 'trx'>,
  { rolloutId, state, limit, after, plannedBefore, checkedBefore }: MoveSearch,
): Promise<(MoveKey & MovePlace)[]> {
  const next = trx
    .selectFrom('definitionRolloutIntegrations as move')
    .select(['move.tenantId', 'move.rolloutId', 'move.integrationId', 'move.place'])
    .where('move.rolloutId', '=', rolloutId)
    .where('move.state', '=', state)
    .$if(after !== undefined, (query) =>
      query.where(
        sql<boolean>`(move.place, move.integration_id) > (${after?.place ?? 0}, ${after?.integrationId ?? null}::uuid)`,
      ),
    )
    .$if(plannedBefore !== undefined, (query) => query.where('move.plannedAt', '<', plannedBefore ?? null))
    .$if(checkedBefore !== undefined, (query) =>
      query.where(({ eb, or }) =>
        or([eb('move.checkedAt', 'is', null), eb('move.checkedAt', '<', checkedBefore ?? null)]),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('tenantDeletions as deleted')
            .select('deleted.tenantId')
            .whereRef('deleted.tenantId', '=', 'move.tenantId'),
        ),
      ),
    )
    .orderBy('move.place')
    .orderBy('move.integrationId')
    .limit(limit);
  return inIndexOrder({ trx }, () => next.execute());
}

/** Without rows of deleted tenants, which disappear. */
export async function countMoves(
  { trx }: Pick<Work, 'trx'>,
  { rolloutId }: { rolloutId: string },
): Promise<Partial<Record<MoveState, number>>> {
  const { rows } = await sql<{ state: MoveState; moves: number }>`
    select state, count(*) as moves from definition_rollout_integrations move
    where rollout_id = ${rolloutId}
      and not exists (select from tenant_deletions deleted where deleted.tenant_id = move.tenant_id)
    group by state`.execute(trx);
  return Object.fromEntries(rows.map(({ state, moves }) => [state, moves]));
}

export interface MovePosition {
  state: string;
  place: number;
  integrationId: string;
}

/** By state, then in the order in which they change. */
export function listMoves(
  { trx }: Pick<Work, 'trx'>,
  {
    rolloutId,
    state,
    limit,
    after,
  }: { rolloutId: string; state?: MoveState | undefined; limit: number; after?: MovePosition | undefined },
): Promise<ListedMove[]> {
  const page = trx
    .selectFrom('definitionRolloutIntegrations')
    .select(LISTED)
    .where('rolloutId', '=', rolloutId)
    .$if(state !== undefined, (query) => query.where('state', '=', state as MoveState))
    .$if(after !== undefined, (query) =>
      query.where(
        sql<boolean>`(state, place, integration_id) > (${after?.state ?? ''}, ${after?.place ?? 0},
          ${after?.integrationId ?? null}::uuid)`,
      ),
    )
    .orderBy('state')
    .orderBy('place')
    .orderBy('integrationId')
    .limit(limit);
  return inIndexOrder({ trx }, () => page.execute());
}
