/** The figures of the home page, each with the filtered list it counts. */
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { integrationsQuery } from '../../api/queries';
import { plural, toNumber } from '../../common/formatting';
import { useRecordTypes } from '../../shell/record-types';
import type { Figure } from './FigureLinks';

type Summary = Schemas['SyncSummary'];
type Integration = Schemas['Integration'];
type Status = Summary['records'][number]['status'];

const LABELS: Record<Status, string> = {
  sync_failed: 'Sync failed',
  sync_pending: 'Sync pending',
  syncing: 'Syncing',
};

/** Failed records first, then integrations, differences, deletions and webhook endpoints. */
export function useAttention(summary: Summary | undefined): Figure[] {
  const { data: integrations = [] } = useQuery(integrationsQuery);
  const failed = useRecordFigures(summary, 'sync_failed');
  if (summary === undefined) return [];
  return [
    ...failed,
    ...integrationFigures(integrations),
    ...differenceFigures(summary, integrations),
    ...countFigures(summary),
  ];
}

export function usePending(summary: Summary | undefined): Figure[] {
  const pending = useRecordFigures(summary, 'sync_pending');
  const syncing = useRecordFigures(summary, 'syncing');
  return [...pending, ...syncing];
}

function useRecordFigures(summary: Summary | undefined, status: Status): Figure[] {
  const recordTypes = useRecordTypes();
  return (summary?.records ?? [])
    .filter((one) => one.status === status)
    .map(({ record_type: recordType, records, is_lower_bound: isLowerBound }) => ({
      key: `${status} ${recordType}`,
      figure: `${toNumber(records)}${isLowerBound ? '+' : ''}`,
      label: `${recordTypes.find(({ name }) => name === recordType)?.label ?? recordType}: ${LABELS[status]}`,
      status,
      link: { to: '/records/$recordType', params: { recordType }, search: { status } },
    }));
}

const INTEGRATION_STATES = [
  ['needs_reauthorization', 'needs re-authorization', 'need re-authorization'],
  ['blocked', 'cannot be reached at the moment', 'cannot be reached at the moment'],
  ['paused', 'is paused', 'are paused'],
] as const;

function integrationFigures(integrations: readonly Integration[]): Figure[] {
  return INTEGRATION_STATES.flatMap(([state, one, many]) => {
    const [first, ...others] = integrations.filter((integration) => integration.state === state);
    if (first === undefined) return [];
    const label = others.length === 0 ? `integration ${one}: ${first.app}` : `integrations ${many}`;
    return {
      key: state,
      figure: toNumber(others.length + 1),
      label,
      status: state,
      link: { to: '/integrations', search: { state } },
    };
  });
}

function differenceFigures(summary: Summary, integrations: readonly Integration[]): Figure[] {
  return summary.integrations.flatMap(({ integration_id: id, difference }) => {
    const integration = integrations.find((one) => one.id === id);
    if (difference === null || difference === 0 || integration === undefined) return [];
    const records = Math.abs(difference) === 1 ? 'record' : 'records';
    return {
      key: `difference ${id}`,
      figure: toNumber(Math.abs(difference)),
      label: `${difference > 0 ? 'more' : 'fewer'} ${records} in Syncline than in ${integration.app}`,
      status: 'partially_succeeded',
      link: { to: '/sync-status', search: { integration_id: id } },
    };
  });
}

function countFigures(summary: Summary): Figure[] {
  const counts: [number, string, Omit<Figure, 'figure' | 'label'>][] = [
    [
      summary.pending_deletion_reviews,
      plural(summary.pending_deletion_reviews, 'deletion review waits', 'deletion reviews wait'),
      { key: 'reviews', status: 'pending', link: { to: '/deletion-reviews', search: { state: 'pending' } } },
    ],
    [
      summary.open_conflicts,
      plural(summary.open_conflicts, 'conflict needs a decision', 'conflicts need a decision'),
      { key: 'conflicts', status: 'pending', link: { to: '/conflicts', search: { state: 'open' } } },
    ],
    [
      summary.failing_webhook_endpoints,
      plural(
        summary.failing_webhook_endpoints,
        'webhook endpoint is failing',
        'webhook endpoints are failing',
      ),
      { key: 'failing', status: 'failed', link: { to: '/webhooks', search: { state: 'failing' } } },
    ],
    [
      summary.disabled_webhook_endpoints,
      plural(
        summary.disabled_webhook_endpoints,
        'webhook endpoint is disabled',
        'webhook endpoints are disabled',
      ),
      { key: 'disabled', status: 'disabled', link: { to: '/webhooks', search: { state: 'disabled' } } },
    ],
  ];
  return counts
    .filter(([count]) => count > 0)
    .map(([count, sentence, rest]) => ({
      ...rest,
      figure: toNumber(count),
      label: sentence.replace(/^\S+ /, ''),
    }));
}
