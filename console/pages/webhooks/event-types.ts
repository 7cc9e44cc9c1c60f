import type { Schemas } from '../../api/client';

export type EventType = Schemas['EventType'];

/** The events that an endpoint can receive. TEST is only sent on request. */
export const EVENT_TITLES: Record<Exclude<EventType, 'TEST'>, string> = {
  SYNC_COMPLETE: 'a scheduled sync ended',
  FIRST_SYNC_COMPLETE: 'the first sync of an integration ended',
  DATA_NEW: 'records were imported',
  DATA_UPDATE: 'imported records changed',
  DATA_DELETE: 'imported records were deleted',
  COMPANY_SYNCHRONIZED: 'the initial sync of a company is complete',
  COMPANY_SYNC_FAILED: 'the initial sync of a company failed',
  INTEGRATION_NEEDS_REAUTHORIZATION: 'an integration needs new credentials',
  INTEGRATION_CONNECTED: 'a person connected an app by a link',
  RECORD_SYNC_FAILED: 'records could not be pushed',
  ENDPOINT_DISABLED: 'a webhook endpoint was disabled',
};
