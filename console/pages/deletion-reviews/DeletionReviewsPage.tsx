import { Group } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { deletionReviewsQuery } from '../../api/queries';
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
import { reviewTitle } from './review-title';

type Review = Schemas['DeletionReview'];
const route = getRouteApi('/shell/deletion-reviews');
const STATE_CHOICES = REVIEW_STATES.map((value) => ({ value, label: statusLabel(value) }));

export function DeletionReviewsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const reviews = useInfiniteQuery(deletionReviewsQuery(search));
  const { nameOf } = useIntegrationNames();
  return (
    <Page
      title="Deletions to review"
      subtitle={
        'When many records are missing in an app at once, it may be a mistake. ' +
        'They are not deleted in Syncline until an admin approves it. ' +
        'The same applies if an app suddenly has many times its records.'
      }
      actions={<CopyAsCurl path="/deletion-reviews" query={search} />}
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
        label="Deletions to review"
        query={reviews}
        columns={listColumns(nameOf)}
        rowKey={(review) => review.id}
        empty={
          <Empty title="No deletions to review">
            A review is created when more records of a type are missing than its safety threshold allows.
          </Empty>
        }
      />
    </Page>
  );
}

const listColumns = (nameOf: (integrationId: string) => string): Column<Review>[] => [
  {
    title: 'Deletions',
    cell: (review) => (
      <RouterLink to="/deletion-reviews/$deletionReviewId" params={{ deletionReviewId: review.id }} fw={600}>
        {reviewTitle(review)}
      </RouterLink>
    ),
  },
  { title: 'App', from: 'sm', cell: (review) => nameOf(review.integration_id) },
  { title: 'State', cell: (review) => <StatusBadge status={review.state} /> },
  { title: 'Records before', from: 'md', isFigure: true, cell: (review) => toNumber(review.records_before) },
  { title: 'Detected', from: 'sm', cell: (review) => <Instant at={review.created_at} /> },
  { title: 'Decided', from: 'lg', cell: (review) => <Decision review={review} /> },
];

function Decision({ review: { decided_at: at, decided_by: by } }: { review: Review }) {
  if (at === null) return <>–</>;
  return (
    <>
      {toActor(by ?? '')}, <Instant at={at} />
    </>
  );
}
