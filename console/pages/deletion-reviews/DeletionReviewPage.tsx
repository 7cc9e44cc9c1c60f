import { Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Trash2, Undo2 } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { deletionReviewQuery, parkedRecordsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { plural, toActor, toNumber, toWords } from '../../common/formatting';
import { useRefusal } from '../../session/session';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { RouterLink } from '../../common/RouterLink';

const route = getRouteApi('/shell/deletion-reviews/$deletionReviewId');

export function DeletionReviewPage() {
  const { deletionReviewId } = route.useParams();
  const review = useQuery(deletionReviewQuery(deletionReviewId));
  const records = useInfiniteQuery(parkedRecordsQuery(deletionReviewId));
  const { nameOf } = useIntegrationNames();
  const { data } = review;
  const columns: Column<Schemas['ParkedRecord']>[] = [
    {
      title: 'Record',
      cell: (record) => (
        <RouterLink
          to="/records/$recordType/$externalId"
          params={{ recordType: record.record_type, externalId: record.external_id }}
        >
          {record.external_id}
        </RouterLink>
      ),
    },
  ];
  return (
    <Page
      title={
        data === undefined
          ? 'Parked deletions'
          : `${plural(data.records_parked, 'deletion')} of ${toWords(data.record_type).toLowerCase()}`
      }
      badge={data && <StatusBadge status={data.state} size="lg" />}
      subtitle={
        data && (
          <>
            {nameOf(data.integration_id)} held {toNumber(data.records_held)}; these were gone{' '}
            <Instant at={data.created_at} />.{' '}
            <RouterLink
              to="/sync-runs/$syncRunId"
              params={{ syncRunId: data.sync_run_id }}
              inherit
              underline="always"
            >
              Sync Log
            </RouterLink>
          </>
        )
      }
      actions={
        <>
          <CopyAsCurl path={`/deletion-reviews/${deletionReviewId}`} />
          {data && <Decide review={data} />}
        </>
      }
    >
      <Read query={review}>
        {(shown) => (
          <Stack>
            {shown.decided_at !== null && (
              <Text>
                {toWords(shown.state)} by {toActor(shown.decided_by ?? '')} <Instant at={shown.decided_at} />
                {shown.records_deleted === null
                  ? ''
                  : `; ${plural(shown.records_deleted, 'record was', 'records were')} deleted here`}
                .
              </Text>
            )}
            <Section title="Records" hint="Gone at the third party, still here.">
              <ListTable
                label="Records"
                query={records}
                columns={columns}
                rowKey={(record) => record.id}
                empty={<Empty title="None any more" />}
              />
            </Section>
          </Stack>
        )}
      </Read>
    </Page>
  );
}

function Decide({ review }: { review: Schemas['DeletionReview'] }) {
  const { ask, dialogue } = useConfirm();
  const refusal =
    useRefusal('admin') ?? (review.state === 'pending' ? undefined : `It is ${review.state} already.`);
  const params = { path: { deletion_review_id: review.id } };
  const changes = ['deletion-reviews', 'notifications', 'records', 'record'];
  const approve = useAction({
    run: () => answerOf(api.POST('/v1/deletion-reviews/{deletion_review_id}/approve', { params })),
    done: 'The records are deleted here.',
    changes,
  });
  const discard = useAction({
    run: () => answerOf(api.POST('/v1/deletion-reviews/{deletion_review_id}/discard', { params })),
    done: 'The records are kept.',
    changes,
  });
  return (
    <>
      <ActionButton
        variant="default"
        leftSection={<Undo2 size={16} aria-hidden />}
        refusal={refusal}
        loading={discard.isPending}
        onClick={() => discard.mutate()}
      >
        Keep them
      </ActionButton>
      <ActionButton
        color="red"
        leftSection={<Trash2 size={16} aria-hidden />}
        refusal={refusal}
        loading={approve.isPending}
        onClick={() =>
          ask({
            title: `Delete ${plural(review.records_parked, 'record')} here?`,
            body: 'Those that are still gone there are deleted here too, and where other integrations push them, what their mapping says happens there.',
            confirm: 'Delete them here',
            isDangerous: true,
            act: () => approve.mutate(),
          })
        }
      >
        Approve
      </ActionButton>
      {dialogue}
    </>
  );
}
