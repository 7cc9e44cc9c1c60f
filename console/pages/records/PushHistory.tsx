import { Button, Modal, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { integrationsQuery, pushesQuery, pushQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { toDuration } from '../../common/time';
import { RESULTS, STARTED_BECAUSE, toActor, toWords } from '../../common/formatting';
import { SyncErrorText } from './SyncErrorText';

type Push = Schemas['Push'];

/** What was sent where, when, why and with which result; kept for ever. */
export function PushHistory({ recordType, externalId }: { recordType: string; externalId: string }) {
  const filter = { record_type: recordType, external_id: externalId };
  const pushes = useInfiniteQuery(pushesQuery(filter));
  const integrations = useQuery(integrationsQuery).data ?? [];
  const [openId, setOpenId] = useState<string>();
  const appOf = (push: Push): string =>
    integrations.find(({ id }) => id === push.integration_id)?.app ?? 'An integration that is unlinked';
  const columns: Column<Push>[] = [
    { title: 'When', cell: (push) => <Instant at={push.started_at} /> },
    { title: 'Third party', cell: appOf },
    {
      title: 'Result',
      cell: (push) =>
        push.result === null ? (
          <StatusBadge status="syncing" />
        ) : (
          <StatusBadge status={push.result} label={RESULTS[push.result] ?? push.result} />
        ),
    },
    { title: 'Fields', from: 'sm', cell: (push) => push.changed_fields.map(toWords).join(', ') || '–' },
    {
      title: 'Because',
      from: 'md',
      cell: (push) => (
        <>
          {STARTED_BECAUSE[push.started_because]}
          {push.changed_by.length > 0 && (
            <Text size="xs" c="dimmed">
              changed by {push.changed_by.map(toActor).join(', ')}
            </Text>
          )}
        </>
      ),
    },
    {
      title: 'Took',
      from: 'lg',
      isFigure: true,
      cell: ({ duration_ms: ms }) => (ms === null ? '–' : toDuration(ms)),
    },
    {
      title: 'Details',
      cell: (push) => (
        <Button size="compact-xs" variant="default" onClick={() => setOpenId(push.id)}>
          Show
        </Button>
      ),
    },
  ];
  return (
    <Section title="History of pushes" actions={<CopyAsCurl path="/pushes" query={filter} />}>
      <ListTable
        label="Pushes"
        query={pushes}
        columns={columns}
        rowKey={(push) => push.id}
        empty={
          <Empty title="Nothing was pushed yet">
            When a field that syncs is changed, it goes out after the grace period.
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

function PushDetails({ id }: { id: string }) {
  const push = useQuery(pushQuery(id));
  return (
    <Read query={push}>
      {(shown) => (
        <Stack gap="sm">
          <Text size="sm">
            {toWords(shown.operation)}, {shown.attempts === 1 ? '1 attempt' : `${shown.attempts} attempts`},
            version {shown.record_version} of the record.
            {shown.remote_id === null ? '' : ` Its id there: ${shown.remote_id}.`}
          </Text>
          {shown.errors.map((error) => (
            <SyncErrorText key={error.code + error.message} error={error} />
          ))}
          <Text size="sm" fw={600}>
            What was sent
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
