import { Group } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { pushReviewsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { FilterSelect } from '../../common/FilterSelect';
import { toActor, toNumber } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { statusLabel, StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { REVIEW_STATES } from '../../search';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { atLeast, reviewTitle } from './review-title';

type Review = Schemas['PushReview'];
const route = getRouteApi('/shell/push-reviews');
const STATE_CHOICES = REVIEW_STATES.map((value) => ({ value, label: statusLabel(value) }));

export function PushReviewsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const reviews = useInfiniteQuery(pushReviewsQuery(search));
  const { nameOf } = useIntegrationNames();
  return (
    <Page
      title="Pushes to review"
      subtitle={
        'When many records of an app would change at once, it may be a mistake. ' +
        'Nothing is sent until an admin approves it.'
      }
      actions={<CopyAsCurl path="/push-reviews" query={search} />}
    >
      <Group role="search">
        <FilterSelect
          label="State"
          choices={STATE_CHOICES}
          value={search.state}
          onChange={(state) => void navigate({ search: { state }, replace: true })}
        />
      </Group>
      <ListTable
        label="Pushes to review"
        query={reviews}
        columns={listColumns(nameOf)}
        rowKey={(review) => review.id}
        empty={
          <Empty title="No pushes to review">
            A review is created when more pushes of a type are due than its safety thresholds allow.
          </Empty>
        }
      />
    </Page>
  );
}

const listColumns = (nameOf: (integrationId: string) => string): Column<Review>[] => [
  {
    title: 'Pushes',
    cell: (review) => (
      <RouterLink to="/push-reviews/$pushReviewId" params={{ pushReviewId: review.id }} fw={600}>
        {reviewTitle(review)}
      </RouterLink>
    ),
  },
  { title: 'App', from: 'sm', cell: (review) => nameOf(review.integration_id) },
  { title: 'State', cell: (review) => <StatusBadge status={review.state} /> },
  {
    title: 'Waiting',
    from: 'md',
    isFigure: true,
    cell: (review) => atLeast(review, toNumber(review.records_waiting)),
  },
  { title: 'Caused by', from: 'lg', cell: (review) => review.cause.by.map(toActor).join(', ') },
  { title: 'Since', from: 'sm', cell: (review) => <Instant at={review.created_at} /> },
];
