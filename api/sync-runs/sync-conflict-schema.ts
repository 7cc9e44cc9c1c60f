/** The JSON of conflicts. */
import { z } from 'zod';
import type { SyncConflict } from '../../db/records/conflicts';
import { toTypeId } from '../../db/sql/ids';
import type { JsonValue } from '../../domain/json';
import {
  CONFLICT_DECISIONS,
  CONFLICT_KINDS,
  CONFLICT_STATES,
  DECISIONS_OF,
} from '../../domain/records/conflict';
import {
  externalId,
  instant,
  jsonValue,
  orNull,
  recordTypeName,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';

export const conflictKind = z.enum(CONFLICT_KINDS).meta({
  id: 'SyncConflictKind',
  description: [
    '- `field_changed_on_both_sides`: the app changed the field while a change in Syncline ' +
      'was not pushed yet. `winner` tells which value is kept.',
    '- `ambiguous_match`: several Syncline records have the value of the `match_by` field, ' +
      'or several app records match the same Syncline record. The app record is not imported ' +
      'until the match is unambiguous.',
    '- `field_keeps_changing`: two apps change the field to and fro. It is not synced until a decision.',
    '- `already_linked`: the app record that the Syncline record leads to is linked to another one.',
    '- `answered_other_id`: the app answered about another record than the linked one, for ' +
      'example after a merge. `ours` is the linked id, `theirs` the other one.',
    '- `edited_here_deleted_there`: the record was deleted in the app while a change in Syncline ' +
      'was not pushed yet.',
    '- `doubtful_creation`: it is not known whether an app record was created by a push.',
  ].join('\n'),
});
export const conflictState = z.enum(CONFLICT_STATES).meta({
  id: 'SyncConflictState',
  description: '`ended`: the conflict ended by itself, for example because the record was pushed since.',
});
export const conflictDecision = z.enum(CONFLICT_DECISIONS).meta({
  id: 'SyncConflictDecision',
  description: [
    '- `ours`: the value of Syncline is kept and pushed. `edited_here_deleted_there` and ' +
      '`answered_other_id`: the record is created in the app again. `already_linked` and ' +
      '`doubtful_creation`: the record is pushed again.',
    "- `theirs`: the app's value is taken over. `edited_here_deleted_there`: the record is deleted " +
      'in Syncline. `answered_other_id`: the record is linked to the id in `theirs`.',
    '- `dismiss`: nothing changes on either side.',
  ].join('\n'),
});
export const conflictView = z
  .object({
    id: typeId('cnf'),
    integration_id: typeId('int'),
    sync_run_id: typeId('run').nullable().meta({ description: 'null if a push found the conflict.' }),
    record_type: recordTypeName,
    remote_id: z.string().meta({ example: '4711' }),
    record_id: typeId('rec')
      .nullable()
      .meta({ description: 'null if the Syncline record could not be determined.' }),
    external_id: externalId.nullable(),
    kind: conflictKind,
    field: z.string().nullable().meta({ example: 'email' }),
    ours: jsonValue.meta({ description: "Syncline's value." }),
    theirs: jsonValue.meta({ description: "The app's value." }),
    winner: z.enum(['ours', 'theirs']).nullable(),
    detail: z.string(),
    at: instant,
    state: conflictState,
    decisions: z.array(conflictDecision).meta({
      description: 'The decisions that are possible; empty unless the conflict is open.',
    }),
    decision: orNull(conflictDecision),
    decided_by: z.string().nullable(),
    ended_at: instant.nullable(),
  })
  .meta({ id: 'SyncConflict' });

export function toWireConflict(found: SyncConflict): z.output<typeof conflictView> {
  return {
    id: toTypeId('cnf', found.syncConflictId),
    integration_id: toTypeId('int', found.integrationId),
    sync_run_id: found.syncRunId === null ? null : toTypeId('run', found.syncRunId),
    record_type: found.recordType,
    remote_id: found.remoteId,
    record_id: found.recordId === null ? null : toTypeId('rec', found.recordId),
    external_id: found.externalId,
    kind: found.kind,
    field: found.field,
    ours: found.ours as JsonValue,
    theirs: found.theirs as JsonValue,
    winner: found.winner,
    detail: found.detail,
    at: toInstant(found.at),
    state: found.state,
    decisions: found.state === 'open' ? [...DECISIONS_OF[found.kind]] : [],
    decision: found.decision,
    decided_by: found.decidedBy,
    ended_at: toInstantOrNull(found.endedAt),
  };
}
