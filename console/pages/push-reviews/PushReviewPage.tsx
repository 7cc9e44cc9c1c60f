import { Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { pushReviewQuery, waitingRecordsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { toActor, toNumber, toWords } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RecordLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { DecideOnePush, DecidePushes } from './DecidePushes';
import { atLeast, reviewTitle } from './review-title';

type Review = Schemas['PushReview'];
const route = getRouteApi('/shell/push-reviews/$pushReviewId');

export function PushReviewPage() {
  const { pushReviewId } = route.useParams();
  const review = useQuery(pushReviewQuery(pushReviewId));
  const { data } = review;
  return (
    <Page
      title={data === undefined ? 'Pushes to review' : reviewTitle(data)}
      badge={data && <StatusBadge status={data.state} size="lg" />}
      subtitle={data && <Subtitle review={data} />}
      actions={
        <>
          <CopyAsCurl path={`/push-reviews/${pushReviewId}`} />
          {data && <DecidePushes review={data} />}
        </>
      }
    >
      <Read query={review}>
        {(shown) => (
          <Stack>
            <Progress review={shown} />
            <Records review={shown} />
          </Stack>
        )}
      </Read>
    </Page>
  );
}

const CAUSES: Record<Review['cause']['kind'], string> = {
  mapping: 'The mapping or its filter was edited',
  linking: 'The integration was linked',
  changes: 'Records were changed',
};

function Subtitle({ review }: { review: Review }) {
  const { nameOf } = useIntegrationNames();
  const { kind, by } = review.cause;
  return (
    <>
      {CAUSES[kind]} by {by.map(toActor).join(', ')} <Instant at={review.created_at} />. Nothing of this is
      sent to {nameOf(review.integration_id)} before an admin approves it.
    </>
  );
}

function Progress({ review }: { review: Review }) {
  const { decided_at: at, decided_by: by } = review;
  return (
    <Text>
      {atLeast(review, toNumber(review.records_waiting))} waiting, {toNumber(review.records_approved)}{' '}
      approved, {toNumber(review.records_discarded)} discarded.
      {at !== null && (
        <>
          {' '}
          {toWords(review.state)} by {toActor(by ?? '')} <Instant at={at} />.
        </>
      )}
    </Text>
  );
}

function Records({ review }: { review: Review }) {
  const records = useInfiniteQuery(waitingRecordsQuery(review.id));
  const columns: Column<Schemas['PushReviewRecord']>[] = [
    {
      title: 'Record',
      cell: (record) => <RecordLink record={record} />,
    },
    { title: 'Decision', cell: (record) => <DecideOnePush review={review} recordId={record.id} /> },
  ];
  return (
    <Section title="Records" hint="Their pushes wait for approval.">
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
