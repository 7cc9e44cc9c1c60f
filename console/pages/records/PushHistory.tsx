import { Button, Modal, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { pushesQuery, pushQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { plural, RESULTS, STARTED_BECAUSE, toActor, toWords } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { toDuration } from '../../common/time';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { SyncErrorText } from './SyncErrorText';

type Push = Schemas['Push'];

/** All pushes of a record, which are kept permanently. */
export function PushHistory({ recordType, externalId }: { recordType: string; externalId: string }) {
  const filter = { record_type: recordType, external_id: externalId };
  const pushes = useInfiniteQuery(pushesQuery(filter));
  const { nameOf } = useIntegrationNames();
  const [openId, setOpenId] = useState<string>();
  return (
    <Section title="Push history" actions={<CopyAsCurl path="/pushes" query={filter} />}>
      <ListTable
        label="Pushes"
        query={pushes}
        columns={listColumns(nameOf, setOpenId)}
        rowKey={(push) => push.id}
        empty={
          <Empty title="No pushes yet">
            A change to a synced field is pushed when its grace period has ended.
          </Empty>
        }
      />
      <Modal
        opened={openId !== undefined}
        onClose={() => setOpenId(undefined)}
        title="Push"
        size="lg"
        centered={false}
      >
        {openId !== undefined && <PushDetails id={openId} />}
      </Modal>
    </Section>
  );
}

const listColumns = (
  nameOf: (integrationId: string) => string,
  onOpen: (id: string) => void,
): Column<Push>[] => [
  { title: 'When', cell: (push) => <Instant at={push.started_at} /> },
  { title: 'App', cell: (push) => nameOf(push.integration_id) },
  { title: 'Result', cell: ({ result }) => <Result result={result} /> },
  { title: 'Fields', from: 'sm', cell: (push) => push.changed_fields.map(toWords).join(', ') || '–' },
  { title: 'Reason', from: 'md', cell: (push) => <Reason push={push} /> },
  {
    title: 'Duration',
    from: 'lg',
    isFigure: true,
    cell: ({ duration_ms: ms }) => (ms === null ? '–' : toDuration(ms)),
  },
  {
    title: 'Details',
    cell: (push) => (
      <Button size="compact-xs" variant="default" onClick={() => onOpen(push.id)}>
        Show
      </Button>
    ),
  },
];

function Result({ result }: { result: string | null }) {
  if (result === null) return <StatusBadge status="syncing" />;
  return <StatusBadge status={result} label={RESULTS[result] ?? result} />;
}

function Reason({ push }: { push: Push }) {
  return (
    <>
      {STARTED_BECAUSE[push.started_because]}
      {push.changed_by.length > 0 && (
        <Text size="xs" c="dimmed">
          changed by {push.changed_by.map(toActor).join(', ')}
        </Text>
      )}
    </>
  );
}

function PushDetails({ id }: { id: string }) {
  const push = useQuery(pushQuery(id));
  return (
    <Read query={push}>
      {(shown) => (
        <Stack gap="sm">
          <Text size="sm">
            {toWords(shown.operation)}, {plural(shown.attempts, 'attempt')}, version {shown.record_version} of
            the record.
            {shown.remote_id === null ? '' : ` Id in the app: ${shown.remote_id}.`}
          </Text>
          {shown.errors.map((error) => (
            <SyncErrorText key={error.code + error.message} error={error} />
          ))}
          <Text size="sm" fw={600}>
            Payload
          </Text>
          <pre className="payload" tabIndex={0}>
            {JSON.stringify(shown.payload, null, 2)}
          </pre>
          <Text size="xs" c="dimmed">
            {shown.id}
          </Text>
        </Stack>
      )}
    </Read>
  );
}
