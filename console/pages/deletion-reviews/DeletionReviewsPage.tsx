import { Group, Select } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { deletionReviewsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Empty } from '../../common/States';
import { statusLabel, StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { plural, toActor, toNumber, toWords } from '../../common/formatting';
import { REVIEW_STATES } from '../../search';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { RouterLink } from '../../common/RouterLink';

type Review = Schemas['DeletionReview'];
const route = getRouteApi('/shell/deletion-reviews');

export function DeletionReviewsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const reviews = useInfiniteQuery(deletionReviewsQuery(search));
  const { nameOf } = useIntegrationNames();
  const columns: Column<Review>[] = [
    {
      title: 'What',
      cell: (review) => (
        <RouterLink
          to="/deletion-reviews/$deletionReviewId"
          params={{ deletionReviewId: review.id }}
          fw={600}
        >
          {plural(review.records_parked, 'deletion')} of {toWords(review.record_type).toLowerCase()}
        </RouterLink>
      ),
    },
    { title: 'App', from: 'sm', cell: (review) => nameOf(review.integration_id) },
    { title: 'State', cell: (review) => <StatusBadge status={review.state} /> },
    { title: 'Held before', from: 'md', isFigure: true, cell: (review) => toNumber(review.records_held) },
    { title: 'Noticed', from: 'sm', cell: (review) => <Instant at={review.created_at} /> },
    {
      title: 'Decided',
      from: 'lg',
      cell: (review) =>
        review.decided_at === null ? (
          '–'
        ) : (
          <>
            {toActor(review.decided_by ?? '')}, <Instant at={review.decided_at} />
          </>
        ),
    },
  ];
  return (
    <Page
      title="Parked deletions"
      subtitle="When so many records are gone at a third party at once that it may be a mistake, nothing is deleted here until somebody approves it."
      actions={<CopyAsCurl path="/deletion-reviews" query={search} />}
    >
      <Group role="search">
        <Select
          label="State"
          placeholder="Any"
          clearable
          w={220}
          data={REVIEW_STATES.map((value) => ({ value, label: statusLabel(value) }))}
          value={search.state ?? null}
          onChange={(state) => void navigate({ search: { state: state ?? undefined }, replace: true })}
          clearButtonProps={{ 'aria-label': 'Any state' }}
        />
      </Group>
      <ListTable
        label="Parked deletions"
        query={reviews}
        columns={columns}
        rowKey={(review) => review.id}
        empty={
          <Empty title="Nothing is parked">
            Deletions are parked when more than 10 % and more than 20 records of a type are gone at once.
          </Empty>
        }
      />
    </Page>
  );
}
