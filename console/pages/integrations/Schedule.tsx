import { Group, List, Stack, Switch, Table, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { scheduleQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { toWords } from '../../common/formatting';
import { Section } from '../../common/Section';
import { Empty, ProblemView, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useRefusal } from '../../session/session';
import { useIntegrationChange } from './use-change';

type SyncSchedule = Schemas['SyncSchedule'];
const SKIP_REASONS: Record<string, string> = {
  skipped_overlap: 'another run was in progress',
  skipped_paused: 'the integration was paused',
  skipped_needs_reauthorization: 'the integration needs new credentials',
  skipped_already_ran: 'the full sync of this date had already run',
};

interface ScheduleProps {
  integration: Schemas['Integration'];
  etag: string;
}

/** The scheduled imports of an integration. */
export function Schedule({ integration, etag }: ScheduleProps) {
  const schedule = useQuery(scheduleQuery(integration.id));
  return (
    <Stack>
      <Read query={schedule}>
        {(shown) => (
          <>
            <NextRuns schedule={shown} />
            <SkippedRuns schedule={shown} />
          </>
        )}
      </Read>
      <ScheduleForm integration={integration} etag={etag} />
    </Stack>
  );
}

function NextRuns({ schedule }: { schedule: SyncSchedule }) {
  return (
    <Section title="Next runs" hint={schedule.summary}>
      {schedule.nightly_waits_since !== null && (
        <Text>
          The nightly run has been waiting since <Instant at={schedule.nightly_waits_since} />: as many are in
          progress as may run at the same time.
        </Text>
      )}
      {schedule.next_runs.length === 0 && <Empty title="No scheduled runs">{schedule.summary}</Empty>}
      <List spacing={4}>
        {schedule.next_runs.map((run) => (
          <List.Item key={run.schedule + run.at}>
            <Instant at={run.at} />{' '}
            <Text span c="dimmed">
              ({run.local_time.slice(-6)})
            </Text>{' '}
            ·{' '}
            {run.schedule === 'nightly'
              ? 'nightly: modified and deleted records'
              : 'hourly: modified records and metadata'}
            {run.is_clock_change ? ' · daylight saving change' : ''}
          </List.Item>
        ))}
      </List>
    </Section>
  );
}

function SkippedRuns({ schedule }: { schedule: SyncSchedule }) {
  if (schedule.skipped_runs.length === 0) return null;
  return (
    <Section title="Skipped runs">
      <Table aria-label="Skipped runs">
        <Table.Tbody>
          {schedule.skipped_runs.map((run) => (
            <Table.Tr key={run.id}>
              <Table.Td>
                <Instant at={run.scheduled_at} />
              </Table.Td>
              <Table.Td>{toWords(run.schedule)}</Table.Td>
              <Table.Td>{SKIP_REASONS[run.reason] ?? run.reason}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}

function ScheduleForm({ integration, etag }: ScheduleProps) {
  const refusal = useRefusal('admin');
  const [isHourly, setHourly] = useState(integration.is_hourly_sync_on);
  const [nightlyAt, setNightlyAt] = useState(integration.nightly_sync_at ?? '');
  const save = useIntegrationChange({ integration, etag });
  const isChanged =
    isHourly !== integration.is_hourly_sync_on || nightlyAt !== (integration.nightly_sync_at ?? '');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate({ is_hourly_sync_on: isHourly, nightly_sync_at: nightlyAt === '' ? null : nightlyAt });
  };
  return (
    <Section title="Change schedule">
      {save.error && <ProblemView error={save.error} />}
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Switch
            label="Hourly sync: records modified since the last run, and metadata (fields, picklists)"
            checked={isHourly}
            disabled={refusal !== undefined}
            onChange={(event) => setHourly(event.currentTarget.checked)}
          />
          <TextInput
            type="time"
            label="Nightly full sync: modified and deleted records"
            description="In your company's time zone. Leave empty for none."
            maw={480}
            styles={{ wrapper: { maxWidth: 160 } }}
            value={nightlyAt}
            readOnly={refusal !== undefined}
            onChange={(event) => setNightlyAt(event.currentTarget.value)}
          />
          <Group>
            <ActionButton
              type="submit"
              loading={save.isPending}
              refusal={refusal ?? (isChanged ? undefined : 'There are no changes to save.')}
            >
              Save
            </ActionButton>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
