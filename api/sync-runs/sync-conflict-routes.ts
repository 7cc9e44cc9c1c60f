/** Conflicts between both sides of a record, and decisions about them (rules.md 13, 17, 46, 49). */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { decideConflicts } from '../../db/pull/decide-conflicts';
import { findSyncConflict, listSyncConflicts, type SyncConflict } from '../../db/records/conflicts';
import { toTypeId } from '../../db/sql/ids';
import { type ConflictDecision, DECISIONS_OF } from '../../domain/records/conflict';
import { HttpError } from '../http/http-error';
import { requireIntegration } from '../integrations/integration-views';
import { idParam, recordTypeName } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import {
  conflictDecision,
  conflictKind,
  conflictState,
  conflictView,
  toWireConflict,
} from './sync-conflict-schema';

const tag = 'Sync conflicts';
const base = '/v1/sync-conflicts';
const params = z.strictObject({ sync_conflict_id: idParam('cnf', 'sync_conflict_not_found') });
const decideAlike = z.strictObject({
  integration_id: idParam('int', 'integration_not_found'),
  kind: conflictKind,
  record_type: recordTypeName.optional(),
  field: z.string().max(500).optional(),
  decision: conflictDecision,
  cursor: listParams.cursor,
});
/** Conflicts that one request decides. */
const ALIKE_MAX = 200;

export const syncConflictRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'listSyncConflicts',
    tag,
    summary: 'List conflicts, newest first',
    description:
      'A page can be short or even empty before the end, because each request examines a limited number of ' +
      'conflicts. Read on until next_cursor is null.',
    query: z.strictObject({
      ...listParams,
      integration_id: idParam('int', 'integration_not_found').optional(),
      kind: conflictKind.optional(),
      state: conflictState.optional(),
    }),
    responses: {
      200: { description: 'Conflicts, with the values of both sides.', schema: listOf(conflictView) },
    },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      if (query.integration_id !== undefined) await requireIntegration(work, query.integration_id);
      const { integration_id: integrationId, kind, state } = query;
      const scope = ['sync-conflicts', work.tenantId, integrationId, kind, state];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const { conflicts, examinedTo } = await listSyncConflicts(work, {
        integrationId,
        kind,
        state,
        limit: limit + 1,
        before: after,
      });
      return {
        status: 200,
        body: toPage(
          conflicts,
          limit,
          scope,
          ({ syncConflictId }) => syncConflictId,
          toWireConflict,
          examinedTo,
        ),
      };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{sync_conflict_id}/decide`,
    operationId: 'decideSyncConflict',
    tag,
    summary: 'Decide a conflict',
    description:
      'A decision about a value changes the record like any other change. `decisions` of the conflict lists ' +
      'what is possible. If the record was changed since, the conflict ends and nothing else happens.',
    params,
    body: z.strictObject({ decision: conflictDecision }),
    responses: { 200: { description: 'The decided conflict.', schema: conflictView } },
    problems: ['sync_conflict_not_found', 'conflict_ended', 'decision_not_possible'],
    action: 'sync_conflict.decided',
    run: (work, { params: { sync_conflict_id: id }, body }, context) =>
      decideOne(work, context, id, body.decision),
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/decide-alike`,
    operationId: 'decideSyncConflictsAlike',
    tag,
    summary: 'Decide all open conflicts of a kind alike',
    description: `Decides up to ${ALIKE_MAX} conflicts. Repeat with \`next_cursor\` until it is null.`,
    body: decideAlike,
    responses: {
      200: {
        description: 'How many conflicts of this request were decided.',
        schema: z.object({
          decided: z.int(),
          ended: z.int().meta({ description: 'The record has changed since, so they ended undecided.' }),
          refused: z.int().meta({ description: 'Not possible now; they stay open.' }),
          next_cursor: z.string().nullable(),
        }),
      },
    },
    problems: ['integration_not_found', 'invalid_cursor', 'decision_not_possible'],
    action: 'sync_conflicts.decided',
    run: (work, { body }, context) => decideMany(work, context, body),
  }),
];

async function decideOne(
  work: TenantWork,
  { caller, requestId }: TenantContext,
  syncConflictId: string,
  decision: ConflictDecision,
) {
  const found = await requireConflict(work, syncConflictId);
  if (found.state !== 'open') throw new HttpError('conflict_ended');
  checkDecision(found.kind, decision);
  const [result] = await decideConflicts(work, [found], decision, { actor: caller.actor, requestId });
  if (result === 'refused') throw new HttpError('decision_not_possible');
  const body = toWireConflict(await requireConflict(work, syncConflictId));
  const { integration_id, kind, record_type, remote_id, field } = body;
  const detail = { decision, integration_id, kind, record_type, remote_id, field };
  return { status: 200 as const, body, audit: { target: body.id, detail } };
}

async function decideMany(
  work: TenantWork,
  { caller, requestId }: TenantContext,
  { decision, cursor, ...filter }: z.output<typeof decideAlike>,
) {
  const { integration_id: integrationId, kind, record_type: recordType, field } = filter;
  await requireIntegration(work, integrationId);
  checkDecision(kind, decision);
  const scope = ['decide-alike', work.tenantId, integrationId, kind, recordType, field, decision];
  const { after } = readPage({ cursor }, scope, uuidPosition);
  const { conflicts, examinedTo } = await listSyncConflicts(work, {
    integrationId,
    kind,
    recordType,
    field,
    state: 'open',
    limit: ALIKE_MAX + 1,
    before: after,
  });
  const { data, next_cursor } = toPage(
    conflicts,
    ALIKE_MAX,
    scope,
    ({ syncConflictId }) => syncConflictId,
    (row) => row,
    examinedTo,
  );
  const results = await decideConflicts(work, data, decision, { actor: caller.actor, requestId });
  const count = (wanted: string) => results.filter((result) => result === wanted).length;
  const counts = { decided: count('decided'), ended: count('outdated'), refused: count('refused') };
  const detail = { ...counts, decision, kind, record_type: recordType ?? null, field: field ?? null };
  const audit = { target: toTypeId('int', integrationId), detail };
  return { status: 200 as const, body: { ...counts, next_cursor }, audit };
}

function checkDecision(kind: SyncConflict['kind'], decision: ConflictDecision): void {
  const possible: readonly ConflictDecision[] = DECISIONS_OF[kind];
  if (possible.includes(decision)) return;
  throw new HttpError('decision_not_possible', {
    detail: `A conflict of the kind ${kind} allows: ${possible.join(', ')}.`,
  });
}

async function requireConflict(work: TenantWork, syncConflictId: string): Promise<SyncConflict> {
  const found = await findSyncConflict(work, { syncConflictId });
  if (found === undefined) throw new HttpError('sync_conflict_not_found');
  return found;
}
