/** Errors about sync runs, Sync Overviews, operations and deletion reviews. */
import type { ErrorEntries } from './error-entry';

export const SYNC_ERRORS = {
  sync_run_not_found: {
    status: 404,
    title: 'Sync run not found',
    detail: 'Check the id. GET /v1/sync-runs lists the sync runs.',
  },
  sync_run_finished: {
    status: 409,
    title: 'The sync run has ended',
    detail: 'Only a run in the state queued, running or waiting can be canceled.',
  },
  unknown_record_type: {
    status: 422,
    title: 'The integration does not pull this record type',
    detail: 'Use only record types that the integration maps with the direction pull or both.',
  },
  nothing_to_pull: {
    status: 409,
    title: 'The integration only pushes',
    detail:
      'Map a record type with the direction pull or both first. GET /v1/record-syncs lists ' +
      'what the integration pushes.',
  },
  nothing_to_sync: {
    status: 409,
    title: 'There is nothing to sync',
    detail:
      'The integration maps no record type in this direction. Map one with PATCH ' +
      '/v1/integrations/{integration_id}.',
  },
  overview_not_found: {
    status: 404,
    title: 'Sync Overview not found',
    detail: 'Check the id. GET /v1/overviews lists the Sync Overviews.',
  },
  overview_not_ready: {
    status: 409,
    title: 'The Sync Overview is not ready',
    detail:
      'Repeat GET /v1/overviews/{overview_id} until its state is ready. If it has failed, ' +
      'request a new Sync Overview.',
  },
  overview_no_longer_valid: {
    status: 410,
    title: 'Sync Overview data no longer valid',
    detail: 'Request a new Sync Overview.',
  },
  operation_not_found: {
    status: 404,
    title: 'Operation not found',
    detail: 'Use the id in the response of the request that started the operation.',
  },
  sync_conflict_not_found: {
    status: 404,
    title: 'Conflict not found',
    detail: 'Check the id. GET /v1/sync-conflicts lists the conflicts.',
  },
  conflict_ended: {
    status: 409,
    title: 'The conflict is no longer open',
    detail: 'It was decided, or the record was changed or synced since. Nothing was changed by this request.',
  },
  decision_not_possible: {
    status: 409,
    title: 'This decision is not possible',
    detail:
      'The record cannot be changed now: it is being pushed or onboarded, or another app owns the field. ' +
      'Try again later.',
  },
  deletion_review_not_found: {
    status: 404,
    title: 'Deletion review not found',
    detail: 'Check the id. GET /v1/deletion-reviews lists the reviews.',
  },
  outbox_message_not_found: {
    status: 404,
    title: 'Message not found',
    detail: 'It was sent, or it was never refused. GET /v1/platform/outbox lists the refused messages.',
  },
  parked_work_not_found: {
    status: 404,
    title: 'Parked work not found',
    detail: 'Check the id. GET /v1/parked-work lists what is parked.',
  },
  push_review_not_found: {
    status: 404,
    title: 'Push review not found',
    detail: 'Check the id. GET /v1/push-reviews lists the reviews.',
  },
  review_decided: {
    status: 409,
    title: 'The review is already decided',
    detail:
      'GET the review to see the decision. If a later full sync misses the records again, it ' +
      'creates a new review.',
  },
} as const satisfies ErrorEntries;
