import { Alert, Select } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { deletionReviewsQuery, syncRunChangesQuery, syncRunErrorsQuery } from '../../api/queries';
import { toShortId, toWords } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { reviewTitle } from '../deletion-reviews/review-title';

export function DeletionsToReview({ runId, integrationId }: { runId: string; integrationId: string }) {
  const { data } = useInfiniteQuery(deletionReviewsQuery({ integration_id: integrationId }));
  const reviews =
    data?.pages.flatMap((page) => page.data).filter((review) => review.sync_run_id === runId) ?? [];
  return reviews.map((review) => (
    <Alert key={review.id} variant="light" color="orange" title={`${reviewTitle(review)} to review`}>
      So many deletions at once may be a mistake in the app.{' '}
      <RouterLink
        to="/deletion-reviews/$deletionReviewId"
        params={{ deletionReviewId: review.id }}
        inherit
        underline="always"
      >
        {review.state === 'pending' ? 'Review deletions' : 'Show decision'}
      </RouterLink>
    </Alert>
  ));
}

const ERROR_COLUMNS: Column<Schemas['SyncRecordError']>[] = [
  { title: 'Record', cell: (error) => `${toWords(error.record_type)} ${error.remote_id ?? ''}` },
  { title: 'Error', cell: (error) => error.message },
  { title: 'When', from: 'sm', cell: (error) => <Instant at={error.at} /> },
];

export function RecordErrors({ runId }: { runId: string }) {
  const errors = useInfiniteQuery(syncRunErrorsQuery(runId));
  if (errors.data?.pages[0]?.data.length === 0) return null;
  return (
    <Section title="Record errors" hint="Records that could not be imported, or only in part.">
      <ListTable
        label="Record errors"
        query={errors}
        columns={ERROR_COLUMNS}
        rowKey={(error) => error.id}
        empty={null}
      />
    </Section>
  );
}

const CHANGE_COLUMNS: Column<Schemas['SyncRunChange']>[] = [
  {
    title: 'Record',
    cell: (row) => (
      <RouterLink
        to="/records/$recordType/$externalId"
        params={{ recordType: row.record_type, externalId: row.external_id }}
      >
        {toWords(row.record_type)} {toShortId(row.external_id)}
      </RouterLink>
    ),
  },
  {
    title: 'Change',
    cell: (row) => (row.was_deleted && row.change !== 'deleted' ? 'Restored' : toWords(row.change)),
  },
  { title: 'Fields', from: 'sm', cell: (row) => row.fields.map(toWords).join(', ') },
  { title: 'When', from: 'md', cell: (row) => <Instant at={row.at} /> },
];
const KINDS = ['created', 'updated', 'deleted'] as const;

export function RunChanges({ runId }: { runId: string }) {
  const [kind, setKind] = useState<(typeof KINDS)[number]>();
  const changes = useInfiniteQuery(syncRunChangesQuery(runId, { change: kind }));
  return (
    <Section
      title="Changes"
      hint="Changes that this run made in Syncline."
      actions={
        <Select
          aria-label="Kind of change"
          placeholder="All changes"
          clearable
          w={160}
          data={KINDS.map((value) => ({ value, label: toWords(value) }))}
          value={kind ?? null}
          onChange={(value) => setKind(KINDS.find((one) => one === value))}
          clearButtonProps={{ 'aria-label': 'All changes' }}
        />
      }
    >
      <ListTable
        label="Changes"
        query={changes}
        columns={CHANGE_COLUMNS}
        rowKey={(row) => row.record_id + row.at + row.change}
        empty={<Empty title="No changes">Both sides already matched.</Empty>}
      />
    </Section>
  );
}
