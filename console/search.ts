/** Search parameters hold the filters of a page, so every filter has a link. Invalid values are ignored. */
type Search = Record<string, unknown>;
type Status = (typeof SYNC_STATUSES)[number];

const text = (search: Search, name: string): string | undefined => {
  const value = search[name];
  return typeof value === 'string' && value !== ''
    ? value
    : typeof value === 'number'
      ? String(value)
      : undefined;
};
const oneOf = <Value extends string>(
  search: Search,
  name: string,
  values: readonly Value[],
): Value | undefined => values.find((value) => value === search[name]);

export const SYNC_STATUSES = ['sync_failed', 'syncing', 'sync_pending', 'synced'] as const;
export const RUN_STATES = [
  'queued',
  'running',
  'waiting',
  'succeeded',
  'partially_succeeded',
  'failed',
  'canceled',
] as const;
export const MOVE_STATES = [
  'found',
  'planned',
  'held_back',
  'changed',
  'failed',
  'rolled_back',
  'not_rolled_back',
  'gone',
] as const;
export const CONFLICT_STATES = ['open', 'decided', 'ended'] as const;
export const CONFLICT_KINDS = [
  'field_changed_on_both_sides',
  'field_keeps_changing',
  'ambiguous_match',
  'already_linked',
  'answered_other_id',
  'edited_here_deleted_there',
  'doubtful_creation',
] as const;
export const REVIEW_STATES = ['pending', 'approved', 'discarded', 'superseded'] as const;

export const DELIVERY_STATES = ['pending', 'retrying', 'delivered', 'failed', 'disabled'] as const;
export const OVERVIEW_ACTIONS = ['create', 'update', 'delete', 'not_possible'] as const;

export const recordsSearch = (
  search: Search,
): { q?: string; status?: Status; integration_id?: string; include_deleted?: 'true' } => ({
  q: text(search, 'q'),
  status: oneOf(search, 'status', SYNC_STATUSES),
  integration_id: text(search, 'integration_id'),
  include_deleted: oneOf(search, 'include_deleted', ['true'] as const),
});
export const syncLogsSearch = (
  search: Search,
): { integration_id?: string; kind?: string; state?: string } => ({
  integration_id: text(search, 'integration_id'),
  kind: text(search, 'kind'),
  state: text(search, 'state'),
});
export const conflictsSearch = (
  search: Search,
): {
  state?: (typeof CONFLICT_STATES)[number];
  kind?: (typeof CONFLICT_KINDS)[number];
  integration_id?: string;
} => ({
  state: oneOf(search, 'state', CONFLICT_STATES),
  kind: oneOf(search, 'kind', CONFLICT_KINDS),
  integration_id: text(search, 'integration_id'),
});
export const driftsSearch = (search: Search): { integration_id?: string } => ({
  integration_id: text(search, 'integration_id'),
});
export const reviewsSearch = (search: Search): { state?: (typeof REVIEW_STATES)[number] } => ({
  state: oneOf(search, 'state', REVIEW_STATES),
});
export const INTEGRATION_STATES = ['needs_reauthorization', 'blocked', 'paused', 'active'] as const;
export const integrationsSearch = (search: Search): { state?: (typeof INTEGRATION_STATES)[number] } => ({
  state: oneOf(search, 'state', INTEGRATION_STATES),
});
export const ENDPOINT_STATES = ['enabled', 'failing', 'disabled'] as const;
export const webhooksSearch = (search: Search): { state?: (typeof ENDPOINT_STATES)[number] } => ({
  state: oneOf(search, 'state', ENDPOINT_STATES),
});
export const syncStatusSearch = (search: Search): { integration_id?: string } => ({
  integration_id: text(search, 'integration_id'),
});
export const newIntegrationSearch = (search: Search): { connector?: string; definition?: string } => ({
  connector: text(search, 'connector'),
  definition: text(search, 'definition'),
});
export const signInSearch = (search: Search): { to?: string; error?: string } => ({
  to: text(search, 'to'),
  error: text(search, 'error'),
});
export const rolloutSearch = (search: Search): { state?: (typeof MOVE_STATES)[number] } => ({
  state: oneOf(search, 'state', MOVE_STATES),
});
export const builderSearch = (search: Search): { key?: string; version?: string } => ({
  key: text(search, 'key'),
  version: text(search, 'version'),
});
export const tenantsSearch = (search: Search): { q?: string } => ({ q: text(search, 'q') });
export const auditSearch = (search: Search): { action?: string } => ({ action: text(search, 'action') });
export const notificationsSearch = (search: Search): { is_viewed?: 'true' | 'false' } => ({
  is_viewed: oneOf(search, 'is_viewed', ['true', 'false'] as const),
});
export const overviewsSearch = (search: Search): { integration_id?: string } => ({
  integration_id: text(search, 'integration_id'),
});
export const overviewSearch = (
  search: Search,
): {
  action?: (typeof OVERVIEW_ACTIONS)[number];
  record_type?: string;
  direction?: 'pull' | 'push';
  q?: string;
} => ({
  action: oneOf(search, 'action', OVERVIEW_ACTIONS),
  record_type: text(search, 'record_type'),
  direction: oneOf(search, 'direction', ['pull', 'push'] as const),
  q: text(search, 'q'),
});
export const webhookSearch = (search: Search): { state?: (typeof DELIVERY_STATES)[number] } => ({
  state: oneOf(search, 'state', DELIVERY_STATES),
});
