import { Alert, Loader, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Schemas } from '../../api/client';
import { erasureQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { plural } from '../../common/formatting';
import { Page } from '../../common/Page';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { AtApps } from './AtApps';
import { ConfirmErasure } from './ConfirmErasure';
import { type ErasureActions, isNothingFound } from './erasure-actions';
import { ErasureBadge } from './ErasureBadge';
import { FinishedErasureActions } from './FinishedErasureActions';
import { RowCounts } from './RowCounts';

type Erasure = Schemas['Erasure'];
const route = getRouteApi('/shell/erasures/$erasureId');
/** Of one erasure. */
const RECORDS_MAX = 1_000;
const NAMES_SHOWN = 5;

/** The preview of an erasure, then its progress, then its receipt. */
export function ErasurePage() {
  const { erasureId } = route.useParams();
  const erasure = useQuery(erasureQuery(erasureId));
  const [chosen, setChosen] = useState<{ of: string; actions: ErasureActions }>();
  const actions = chosen?.of === erasureId ? chosen.actions : {};
  const setActions = (next: ErasureActions): void => setChosen({ of: erasureId, actions: next });
  const { data } = erasure;
  return (
    <Page
      title={
        data === undefined || data.state === 'previewing'
          ? 'Erasure'
          : `Erasure of ${plural(data.records, 'record')}`
      }
      badge={data && <ErasureBadge erasure={data} size="lg" />}
      subtitle={data && <Subtitle erasure={data} />}
      actions={
        <>
          <CopyAsCurl path={`/erasures/${erasureId}`} />
          {data?.state === 'ready' && <ConfirmErasure erasure={data} actions={actions} />}
          {data?.state === 'done' && <FinishedErasureActions erasure={data} />}
        </>
      }
    >
      <Read query={erasure}>
        {(shown) => (
          <Stack>
            <Progress erasure={shown} />
            <Contents erasure={shown} actions={actions} onChoose={setActions} />
          </Stack>
        )}
      </Read>
    </Page>
  );
}

/** Whose preview it is. */
function namesIn({ email, records, record_ids: ids }: NonNullable<Erasure['search']>): string {
  const names = [
    ...(email === null ? [] : [email]),
    ...records.map(({ record_type: type, external_id: externalId }) => `${type} ${externalId}`),
    ...ids,
  ];
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  const others = names.length - NAMES_SHOWN;
  return others > 0 ? `${shown} and ${plural(others, 'other')}` : shown;
}

function Subtitle({ erasure }: { erasure: Erasure }) {
  const { requested_by: requester, requested_at: requestedAt, confirmed_by: confirmer } = erasure;
  const { confirmed_at: confirmedAt, finished_at: finishedAt, lifted_at: liftedAt } = erasure;
  return (
    <>
      {erasure.search !== null && <>For {namesIn(erasure.search)}. </>}
      Requested by {requester} <Instant at={requestedAt} />.
      {confirmedAt !== null && (
        <>
          {' '}
          Confirmed by {confirmer} <Instant at={confirmedAt} />.
        </>
      )}
      {finishedAt !== null && (
        <>
          {' '}
          Completed <Instant at={finishedAt} />.
        </>
      )}
      {liftedAt !== null && (
        <>
          {' '}
          Its block was lifted <Instant at={liftedAt} />.
        </>
      )}
    </>
  );
}

const PROGRESS: Partial<Record<Erasure['state'], ReactNode>> = {
  previewing: 'The rows that name these records are being counted. Nothing is changed.',
  erasing: 'The records are being erased. You can leave this page; the work continues.',
  waiting_for_apps:
    'The values are erased in Syncline. Apps have up to 72 hours to answer. The rest is erased afterwards.',
};

function Progress({ erasure: { state } }: { erasure: Erasure }) {
  const text = PROGRESS[state];
  if (text === undefined) return null;
  return (
    <Alert variant="light" color="blue" icon={<Loader size="xs" aria-hidden />} role="status">
      {text}
    </Alert>
  );
}

interface ContentsProps {
  erasure: Erasure;
  actions: ErasureActions;
  onChoose: (actions: ErasureActions) => void;
}

function Contents({ erasure, actions, onChoose }: ContentsProps) {
  const { state, records, found, erased } = erasure;
  if (state === 'previewing') return null;
  if (state === 'ready' && isNothingFound(erasure))
    return (
      <Empty title="No records found">
        No record has this e-mail address in a field, or this id. Check it, and look for the person in the
        lists of records.
      </Empty>
    );
  const isPreview = state === 'ready';
  return (
    <>
      {isPreview && records >= RECORDS_MAX && (
        <Alert variant="light" color="orange">
          An erasure has at most 1,000 records. Erase these, then preview another erasure.
        </Alert>
      )}
      <Section
        title={isPreview ? 'In Syncline' : 'Erased in Syncline'}
        hint={
          isPreview
            ? 'Rows that would be deleted, or in which names and values would be replaced.'
            : undefined
        }
      >
        <RowCounts counts={isPreview ? found : erased} figure={isPreview ? 'Found' : 'Erased'} />
      </Section>
      <Section
        title="In the apps"
        hint={isPreview ? 'Apps keep their records unless you choose otherwise.' : undefined}
      >
        <AtApps erasure={erasure} choice={isPreview ? { actions, onChoose } : undefined} />
      </Section>
      {isPreview && (
        <Text size="sm" c="dimmed">
          A preview that is not confirmed is deleted after 24 hours. Backups are not changed.
        </Text>
      )}
    </>
  );
}
