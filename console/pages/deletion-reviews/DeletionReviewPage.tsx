import { Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { deletionReviewQuery, reviewedRecordsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { plural, toActor, toNumber, toWords } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RecordLink, RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { DecideDeletions } from './DecideDeletions';
import { DecisionProgress } from './DecisionProgress';
import { reviewTitle } from './review-title';

type Review = Schemas['DeletionReview'];
const route = getRouteApi('/shell/deletion-reviews/$deletionReviewId');

export function DeletionReviewPage() {
  const { deletionReviewId } = route.useParams();
  const review = useQuery(deletionReviewQuery(deletionReviewId));
  const { data } = review;
  return (
    <Page
      title={data === undefined ? 'Deletions to review' : reviewTitle(data)}
      badge={data && <StatusBadge status={data.state} size="lg" />}
      subtitle={data && <Subtitle review={data} />}
      actions={
        <>
          <CopyAsCurl path={`/deletion-reviews/${deletionReviewId}`} />
          {data && <DecideDeletions review={data} />}
        </>
      }
    >
      <Read query={review}>
        {(shown) => (
          <Stack>
            <Decision review={shown} />
            <DecisionProgress review={shown} />
            {shown.kind !== 'grow' && <Records deletionReviewId={deletionReviewId} />}
          </Stack>
        )}
      </Read>
    </Page>
  );
}

const FOUND = {
  delete: 'These were missing',
  empty: 'These were without values',
  grow: 'Many new ones were found',
};

function Subtitle({ review }: { review: Review }) {
  const { nameOf } = useIntegrationNames();
  return (
    <>
      {nameOf(review.integration_id)} had {plural(review.records_before, 'record')}. {FOUND[review.kind]}{' '}
      <Instant at={review.created_at} />.{' '}
      <RouterLink
        to="/sync-runs/$syncRunId"
        params={{ syncRunId: review.sync_run_id }}
        inherit
        underline="always"
      >
        Sync Log
      </RouterLink>
    </>
  );
}

function Decision({ review }: { review: Review }) {
  const { decided_at: at, decided_by: by, records_deleted: deleted } = review;
  if (at === null) return null;
  return (
    <Text>
      {toWords(review.state)} by {toActor(by ?? '')} <Instant at={at} />.
      {deleted !== null &&
        review.kind !== 'grow' &&
        ` ${toNumber(deleted)} ${review.kind === 'delete' ? 'deleted' : 'emptied'} in Syncline.`}
    </Text>
  );
}

const columns: Column<Schemas['DeletionReviewRecord']>[] = [
  {
    title: 'Record',
    cell: (record) => <RecordLink record={record} />,
  },
];

function Records({ deletionReviewId }: { deletionReviewId: string }) {
  const records = useInfiniteQuery(reviewedRecordsQuery(deletionReviewId));
  return (
    <Section title="Records">
      <ListTable
        label="Records"
        query={records}
        columns={columns}
        rowKey={(record) => record.id}
        empty={<Empty title="No records left" />}
      />
    </Section>
  );
}
