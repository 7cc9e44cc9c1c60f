import { Fragment } from 'react';
import type { Schemas } from '../../api/client';
import { toActor } from '../../common/formatting';
import { RecordLink, RouterLink } from '../../common/RouterLink';
import { statusLabel } from '../../common/StatusBadge';
import { Countdown, Instant } from '../../common/Time';

type RecordSync = Schemas['RecordSyncOfRecord'];

/** What happens next to a record at an integration, in one or two sentences. */
export function RecordSyncOutlook({ sync }: { sync: RecordSync }) {
  if (!sync.is_eligible && sync.status === null)
    return <>Not pushed: the filter of the mapping excludes this record.</>;
  if (sync.needs_reauthorization) return <>Waits until {sync.app} is re-authorized.</>;
  if (sync.push_review_id !== null)
    return (
      <>
        Waits for approval, because many records of {sync.app} would change at once.{' '}
        <RouterLink
          to="/push-reviews/$pushReviewId"
          params={{ pushReviewId: sync.push_review_id }}
          inherit
          underline="always"
        >
          Pushes to review
        </RouterLink>
      </>
    );
  if (sync.held_at !== null)
    return (
      <>
        Held since <Instant at={sync.held_at} /> by {toActor(sync.held_by ?? '')}. Changes wait until they are
        released.
      </>
    );
  if (sync.status !== 'syncing' && sync.waits_for.length > 0) return <WaitsFor sync={sync} />;
  if (sync.status === 'sync_pending' && sync.is_paused)
    return <>{sync.app} is paused. Changes will be pushed when it is resumed.</>;
  if (sync.status === 'sync_pending' && sync.due_at !== null)
    return (
      <>
        Changes will be pushed in <Countdown to={sync.due_at} /> unless the record changes again.
      </>
    );
  if (sync.blocked_until !== null || sync.next_attempt_at !== null) return <RetryOutlook sync={sync} />;
  if (sync.status === 'sync_failed') return <>Fix the fields marked below and save, or retry.</>;
  if (sync.status === 'syncing') return <>Being pushed now.</>;
  if (sync.discarded_at !== null)
    return (
      <>
        Pending changes were discarded <Instant at={sync.discarded_at} relative /> by{' '}
        {toActor(sync.discarded_by ?? '')}.
      </>
    );
  return (
    <>
      All changes are in {sync.app}. Last synced{' '}
      <Instant at={sync.last_synced_at} relative none="by an import" />.
    </>
  );
}

/** Each record that is not in the app yet. */
function WaitsFor({ sync }: { sync: RecordSync }) {
  return (
    <>
      Waits for{' '}
      {sync.waits_for.map((awaited, index) => (
        <Fragment key={`${awaited.field} ${awaited.record_type} ${awaited.external_id}`}>
          {index > 0 && ', '}
          {awaited.record_type} <RecordLink record={awaited} /> ({awaited.field})
          {awaited.has_failed && ', whose sync failed'}
        </Fragment>
      ))}
      .
    </>
  );
}

function RetryOutlook({ sync }: { sync: RecordSync }) {
  if (sync.blocked_until !== null)
    return (
      <>
        {sync.blocked_reason === 'rate_limit'
          ? `${sync.app} limits the number of requests`
          : `${sync.app} cannot be reached`}
        . Next attempt <Instant at={sync.blocked_until} relative />.
      </>
    );
  return (
    <>
      {statusLabel(sync.status ?? '')}. Next automatic attempt in{' '}
      <Countdown to={sync.next_attempt_at ?? ''} />.
    </>
  );
}
