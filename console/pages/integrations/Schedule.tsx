import { Group, List, Stack, Switch, Table, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { scheduleQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { Empty, ProblemView, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { toWords } from '../../common/formatting';
import { useRefusal } from '../../session/session';
import { useIntegrationChange } from './use-change';

const SKIPPED: Record<string, string> = {
  skipped_overlap: 'another run was still going',
  skipped_paused: 'the integration was paused',
  skipped_needs_reauthorization: 'it needs new credentials',
  skipped_already_ran: 'the full sync of this night was done already',
};

/** When an integration is read by itself. */
export function Schedule({ integration, etag }: { integration: Schemas['Integration']; etag: string }) {
  const schedule = useQuery(scheduleQuery(integration.id));
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
    <Stack>
      <Read query={schedule}>
        {(shown) => (
          <>
            <Section title="Next runs" hint={shown.summary}>
              {shown.next_runs.length === 0 ? (
                <Empty title="None">{shown.summary}</Empty>
              ) : (
                <List spacing={4}>
                  {shown.next_runs.map((run) => (
                    <List.Item key={run.schedule + run.at}>
                      <Instant at={run.at} />{' '}
                      <Text span c="dimmed">
                        ({run.local_time.slice(-6)})
                      </Text>{' '}
                      ·{' '}
                      {run.schedule === 'nightly'
                        ? 'every night: modified and deleted records'
                        : 'every hour: modified records and metadata'}
                      {run.is_clock_change ? ' · the clocks change' : ''}
                    </List.Item>
                  ))}
                </List>
              )}
            </Section>
            {shown.skipped_runs.length > 0 && (
              <Section title="Skipped">
                <Table aria-label="Skipped runs">
                  <Table.Tbody>
                    {shown.skipped_runs.map((tick) => (
                      <Table.Tr key={tick.id}>
                        <Table.Td>
                          <Instant at={tick.scheduled_at} />
                        </Table.Td>
                        <Table.Td>{toWords(tick.schedule)}</Table.Td>
                        <Table.Td>{SKIPPED[tick.reason] ?? tick.reason}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Section>
            )}
          </>
        )}
      </Read>
      <Section title="Change it">
        {save.error && <ProblemView error={save.error} />}
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Switch
              label="Every hour: records modified since the last run, and metadata (fields, picklists)"
              checked={isHourly}
              disabled={refusal !== undefined}
              onChange={(event) => setHourly(event.currentTarget.checked)}
            />
            <TextInput
              type="time"
              label="Every night: full sync, both modified and deleted records"
              description="In your company's time zone. Empty: none."
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
                refusal={refusal ?? (isChanged ? undefined : 'Nothing is changed yet.')}
              >
                Save
              </ActionButton>
            </Group>
          </Stack>
        </form>
      </Section>
    </Stack>
  );
}
