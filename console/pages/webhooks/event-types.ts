import type { Schemas } from '../../api/client';

export type EventType = Schemas['EventType'];

/** Every event an endpoint can ask for, as people read it. TEST goes out when somebody asks for it. */
export const EVENT_TITLES: Record<Exclude<EventType, 'TEST'>, string> = {
  SYNC_COMPLETE: 'a scheduled sync has ended',
  FIRST_SYNC_COMPLETE: 'the first sync of an integration has ended',
  DATA_NEW: 'records came in',
  DATA_UPDATE: 'records were changed',
  DATA_DELETE: 'records were deleted',
  COMPANY_SYNCHRONIZED: "all of a new company's data is here",
  COMPANY_SYNC_FAILED: 'nothing of a new company could be read',
  INTEGRATION_NEEDS_REAUTHORIZATION: 'an integration needs new credentials',
  RECORD_SYNC_FAILED: 'records could not be pushed',
  ENDPOINT_DISABLED: 'an endpoint was switched off',
};
