import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { outboxQuery } from '../../api/platform-queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { toNumber, toWords } from '../../common/formatting';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { type Column, RowsTable } from '../../common/RowsTable';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useIsInUse } from '../../session/use-is-in-use';
import { RetryMessage } from './RetryMessage';

type Outbox = Schemas['Outbox'];
type Message = Schemas['RefusedMessage'];

const READ_AGAIN_MS = 5_000;

/** What waits for Temporal, of all tenants (rules.md 60). */
export function OutboxPage() {
  const outbox = useQuery({ ...outboxQuery, refetchInterval: useIsInUse() && READ_AGAIN_MS });
  return (
    <Page
      title="Outbox"
      subtitle={
        'Messages of all tenants that wait for a workflow. A message normally waits for less than a second: ' +
        'old messages mean that Temporal or the workers have a problem.'
      }
      actions={<CopyAsCurl path="/platform/outbox" keyVariable="PLATFORM_KEY" />}
    >
      <Read query={outbox}>
        {({ topics, refused }) => (
          <>
            <Section title="Waiting messages">
              {topics.length === 0 ? (
                <Empty title="No messages are waiting" />
              ) : (
                <RowsTable
                  label="Topics"
                  columns={TOPIC_COLUMNS}
                  rows={topics}
                  rowKey={({ topic }) => topic}
                />
              )}
            </Section>
            <Section
              title="Refused messages"
              hint="Temporal refused these messages at least once. Each is sent again after a growing pause."
            >
              {refused.length === 0 ? (
                <Empty title="No message was refused" />
              ) : (
                <RowsTable
                  label="Refused messages"
                  columns={MESSAGE_COLUMNS}
                  rows={refused}
                  rowKey={({ id }) => id}
                />
              )}
            </Section>
          </>
        )}
      </Read>
    </Page>
  );
}

const TOPIC_COLUMNS: Column<Outbox['topics'][number]>[] = [
  { title: 'Topic', cell: ({ topic }) => toWords(topic) },
  { title: 'Messages', isFigure: true, cell: ({ messages }) => toNumber(messages) },
  { title: 'Refused', isFigure: true, cell: ({ refused }) => toNumber(refused) },
  { title: 'Oldest', cell: ({ oldest_at: at }) => <Instant at={at} relative /> },
];

const MESSAGE_COLUMNS: Column<Message>[] = [
  { title: 'Topic', cell: ({ topic }) => toWords(topic) },
  {
    title: 'Tenant',
    from: 'lg',
    cell: ({ tenant_id: id }) => (
      <RouterLink to="/platform/tenants/$tenantId" params={{ tenantId: id }}>
        {id}
      </RouterLink>
    ),
  },
  { title: 'Attempts', from: 'sm', isFigure: true, cell: ({ attempts }) => toNumber(attempts) },
  { title: 'Last error', from: 'sm', cell: ({ last_error: error }) => error ?? '–' },
  { title: 'Waits since', from: 'md', cell: ({ created_at: at }) => <Instant at={at} relative /> },
  { title: 'Next attempt', from: 'md', cell: ({ next_attempt_at: at }) => <Instant at={at} none="now" /> },
  { title: 'Action', cell: (message) => <RetryMessage message={message} /> },
];
