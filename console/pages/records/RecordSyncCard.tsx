import { Alert, Card, Group, Stack, Text } from '@mantine/core';
import { CircleStop, RotateCw, Send, X } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { statusLabel, StatusBadge } from '../../common/StatusBadge';
import { Countdown, Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { RESULTS, STARTED_BECAUSE, toActor } from '../../common/formatting';
import { useRefusal } from '../../session/session';
import { SyncErrorText } from './SyncErrorText';
import { RouterLink } from '../../common/RouterLink';

type Sync = Schemas['RecordSyncOfRecord'];
type Act = 'push-now' | 'hold' | 'release' | 'discard' | 'retry';
const DONE: Record<Act, string> = {
  'push-now': 'It is pushed now.',
  hold: 'It is held until you release it.',
  release: 'It is no longer held.',
  discard: 'What waited is discarded.',
  retry: 'It is tried again now.',
};

/** The state of a record at one third party, and what a person can do about it (rules.md 9). */
export function RecordSyncCard({ record, sync }: { record: Schemas['Record']; sync: Sync }) {
  const { ask, dialogue } = useConfirm();
  const refusal = useRefusal('operator');
  const act = useAction({
    run: (name: Act) =>
      answerOf(
        api.POST(`/v1/integrations/{integration_id}/records/{record_type}/{external_id}/${name}`, {
          params: {
            path: {
              integration_id: sync.integration_id,
              record_type: record.record_type,
              external_id: record.external_id,
            },
          },
        }),
      ),
    done: (_answer, name) => DONE[name],
    changes: ['record', 'records', 'pushes'],
  });
  const isBusy = act.isPending;
  const isPending = sync.status === 'sync_pending';
  const isFailed = sync.status === 'sync_failed';
  const whyNotPush =
    refusal ??
    (sync.is_paused
      ? 'The integration is paused. Resume it to push.'
      : isPending
        ? undefined
        : 'Nothing waits to be pushed.');
  const whyNotHold =
    refusal ?? (isPending || sync.held_at !== null ? undefined : 'Nothing waits that could be held.');
  const whyNotDiscard = refusal ?? (isPending ? undefined : 'Nothing waits that could be discarded.');
  const others = sync.errors.filter(({ field }) => field === null);

  return (
    <Card withBorder padding="md" component="article" aria-label={`${sync.app} (${sync.account_name})`}>
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <div>
            <RouterLink
              to="/integrations/$integrationId"
              params={{ integrationId: sync.integration_id }}
              fw={600}
            >
              {sync.app}
            </RouterLink>
            <Text size="xs" c="dimmed">
              {sync.account_name}
            </Text>
          </div>
          <Group gap={6} justify="flex-end">
            {sync.status === null ? (
              <Text size="sm">Not synced</Text>
            ) : (
              <StatusBadge status={sync.status} size="lg" />
            )}
            {sync.is_paused && <StatusBadge status="paused" />}
          </Group>
        </Group>
        <Text size="sm" component="div">
          <Outlook sync={sync} />
        </Text>
        {others.length > 0 && (
          <Alert color="red" variant="light" p="xs">
            {others.map((error) => (
              <SyncErrorText key={error.code + error.message} error={error} />
            ))}
          </Alert>
        )}
        <Group gap="xs">
          {isFailed ? (
            <ActionButton
              size="xs"
              leftSection={<RotateCw size={14} aria-hidden />}
              loading={isBusy}
              refusal={
                refusal ?? (sync.is_paused ? 'The integration is paused. Resume it to retry.' : undefined)
              }
              onClick={() => act.mutate('retry')}
            >
              Retry now
            </ActionButton>
          ) : (
            <ActionButton
              size="xs"
              leftSection={<Send size={14} aria-hidden />}
              loading={isBusy}
              refusal={whyNotPush}
              onClick={() => act.mutate('push-now')}
            >
              Push now
            </ActionButton>
          )}
          <ActionButton
            size="xs"
            variant="default"
            leftSection={<CircleStop size={14} aria-hidden />}
            loading={isBusy}
            refusal={whyNotHold}
            onClick={() => act.mutate(sync.held_at === null ? 'hold' : 'release')}
          >
            {sync.held_at === null ? 'Hold' : 'Release'}
          </ActionButton>
          <ActionButton
            size="xs"
            variant="default"
            leftSection={<X size={14} aria-hidden />}
            loading={isBusy}
            refusal={whyNotDiscard}
            onClick={() =>
              ask({
                title: `Discard what waits for ${sync.app}?`,
                body: 'The change stays here, but is not sent there. The next change to a mapped field sends the record as it then stands.',
                confirm: 'Discard',
                isDangerous: true,
                act: () => act.mutate('discard'),
              })
            }
          >
            Discard
          </ActionButton>
        </Group>
        {sync.last_push !== null && (
          <Text size="xs" c="dimmed" component="div">
            Last push <Instant at={sync.last_push.finished_at ?? sync.last_push.started_at} relative />:{' '}
            {(RESULTS[sync.last_push.result ?? ''] ?? 'under way').toLowerCase()}
            {sync.last_push.effect === null || sync.last_push.effect === 'none'
              ? ''
              : `, ${sync.last_push.effect}`}
            ; {STARTED_BECAUSE[sync.last_push.started_because] ?? sync.last_push.started_because}.
            {sync.last_push.remote_id === null ? '' : ` Its id there: ${sync.last_push.remote_id}.`}
          </Text>
        )}
      </Stack>
      {dialogue}
    </Card>
  );
}

/** What happens next, in a sentence. */
function Outlook({ sync }: { sync: Sync }) {
  if (!sync.is_eligible && sync.status === null)
    return <>Not sent there: the mapping&apos;s filter leaves this record out.</>;
  if (sync.needs_reauthorization) return <>Waits until {sync.app} is re-authorized.</>;
  if (sync.held_at !== null)
    return (
      <>
        Held since <Instant at={sync.held_at} /> by {toActor(sync.held_by ?? '')}. Changes wait until it is
        released.
      </>
    );
  if (sync.status === 'sync_pending' && sync.is_paused)
    return <>Changes wait; they go out when the integration is resumed.</>;
  if (sync.status === 'sync_pending' && sync.due_at !== null)
    return (
      <>
        Changes go out in <Countdown to={sync.due_at} /> if nothing else is changed.
      </>
    );
  if (sync.blocked_until !== null)
    return (
      <>
        {sync.blocked_reason === 'rate_limit'
          ? `${sync.app} asks for fewer requests`
          : `${sync.app} cannot be reached`}
        ; next attempt <Instant at={sync.blocked_until} relative />.
      </>
    );
  if (sync.next_attempt_at !== null)
    return (
      <>
        {statusLabel(sync.status ?? '')}. Tried again by itself in <Countdown to={sync.next_attempt_at} />.
      </>
    );
  if (sync.status === 'sync_failed') return <>Correct what is named at the fields and save, or retry.</>;
  if (sync.status === 'syncing') return <>Being sent now.</>;
  if (sync.discarded_at !== null)
    return (
      <>
        What waited was discarded <Instant at={sync.discarded_at} relative /> by{' '}
        {toActor(sync.discarded_by ?? '')}.
      </>
    );
  return (
    <>
      All changes have been applied there, last{' '}
      <Instant at={sync.last_synced_at} relative none="by reading it" />.
    </>
  );
}
