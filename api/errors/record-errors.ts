/** Errors about records, record syncs and pushes. */
import type { ErrorEntries } from './error-entry';

export const RECORD_ERRORS = {
  record_not_found: {
    status: 404,
    title: 'Record not found',
    detail:
      'Check the record type and the external id. PUT creates a record; PATCH and DELETE need ' +
      'an existing one.',
  },
  too_many_records: {
    status: 422,
    title: 'The tenant has reached its maximum number of records of this type',
    detail: 'Records that exist can be changed. Ask your operator to raise RECORDS_PER_TYPE.',
  },
  record_erased: {
    status: 410,
    title: 'The record was erased',
    detail:
      'It can be created again after an admin has lifted the erasures that name it: ' +
      'POST /v1/erasures/{erasure_id}/lift.',
  },
  erasure_not_found: {
    status: 404,
    title: 'Erasure not found',
    detail: 'Check the id. A preview that is not confirmed is deleted after 24 hours.',
  },
  erasure_not_ready: {
    status: 409,
    title: 'The erasure cannot be confirmed now',
    detail: 'Its preview is still being made, or it was confirmed already. GET it to see its state.',
  },
  erasure_differs: {
    status: 409,
    title: 'The preview shows another number of records',
    detail: 'GET the erasure, check its preview, and send its number of records.',
  },
  erasure_not_done: {
    status: 409,
    title: 'The erasure has not ended',
    detail: 'Only a finished erasure can be lifted. GET it to see its state.',
  },
  record_sync_not_found: {
    status: 404,
    title: 'The integration does not sync this record',
    detail: 'GET the record to see which integrations sync it.',
  },
  push_not_found: {
    status: 404,
    title: 'Push not found',
    detail: 'Check the id. GET /v1/pushes lists the push log.',
  },
  occurred_in_future: {
    status: 400,
    title: 'The change is dated in the future',
    detail: "occurred_at can be at most 5 minutes ahead of Syncline's clock. Check the clock of the sender.",
  },
  version_reused: {
    status: 409,
    title: 'This version already exists with different content',
    detail: 'Send a version higher than the current one. GET the record to see it.',
  },
  field_owned_by_third_party: {
    status: 409,
    title: 'This field can only be changed in the app',
    detail: 'Change it in the app. The next sync run imports the new value.',
  },
  nothing_pending: {
    status: 409,
    title: 'The record has no pending change',
    detail: 'GET the record to see its status. To push a failed record again, use retry.',
  },
  waits_for_approval: {
    status: 409,
    title: 'The push waits for approval',
    detail: 'Approve or discard its push review first. GET /v1/push-reviews lists the reviews.',
  },
  nothing_failed: {
    status: 409,
    title: 'The record has not failed',
    detail: 'Only a record with the status sync_failed can be retried.',
  },
  already_syncing: {
    status: 409,
    title: 'A push of this record is in progress',
    detail: 'Wait until the push ends. GET the record to see its status.',
  },
} as const satisfies ErrorEntries;
