import { Stack, Table, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { Section } from '../../common/Section';
import { StatusBadge } from '../../common/StatusBadge';
import { Countdown, Instant } from '../../common/Time';
import { toDuration } from '../../common/time';
import { toNumber, toWords } from '../../common/formatting';

type Job = Schemas['SyncJob'];
const WAITING: Record<string, string> = {
  retry: 'tries again after an error',
  outage: 'the app cannot be reached',
  rate_limit: 'the app asks for fewer requests',
  permits: 'pushes go first',
  paused: 'the integration is paused',
};

const FIGURES = ['Read', 'New', 'Changed', 'Deleted', 'Failed', 'Took'];

/** One job per dataset, and one for metadata. */
export function Jobs({ jobs }: { jobs: readonly Job[] }) {
  return (
    <Section title="Jobs" hint="One per type of record, one for metadata (fields and picklists).">
      <Table.ScrollContainer minWidth={560} type="native" tabIndex={0} role="region" aria-label="Jobs">
        <Table verticalSpacing="xs" aria-label="Jobs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Job</Table.Th>
              <Table.Th scope="col">State</Table.Th>
              {FIGURES.map((name) => (
                <Table.Th key={name} scope="col" className="figures">
                  {name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {jobs.map((job) => (
              <Table.Tr key={`${job.kind} ${job.record_type} ${job.direction}`}>
                <Table.Td>
                  <Text size="sm" fw={600}>
                    {job.record_type === null ? 'Metadata' : toWords(job.record_type)}
                  </Text>
                  {job.direction === 'push' && (
                    <Text size="xs" c="dimmed">
                      sent there
                    </Text>
                  )}
                  {job.modified_since !== null && (
                    <Text size="xs" c="dimmed" component="div">
                      modified since <Instant at={job.modified_since} />
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
                  <Stack gap={2}>
                    <span>
                      <StatusBadge status={job.state} />
                    </span>
                    <JobNotes job={job} />
                  </Stack>
                </Table.Td>
                <Table.Td className="figures">
                  {toNumber(job.records_read)}
                  {job.expected_records === null ? '' : ` of ${toNumber(job.expected_records)}`}
                </Table.Td>
                <Table.Td className="figures">{toNumber(job.records_new)}</Table.Td>
                <Table.Td className="figures">{toNumber(job.records_changed)}</Table.Td>
                <Table.Td className="figures">{toNumber(job.records_deleted)}</Table.Td>
                <Table.Td className="figures">{toNumber(job.records_failed)}</Table.Td>
                <Table.Td className="figures">
                  {job.started_at !== null && job.finished_at !== null
                    ? toDuration(Date.parse(job.finished_at) - Date.parse(job.started_at))
                    : '–'}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}

function JobNotes({ job }: { job: Job }) {
  return (
    <>
      {job.waiting_reason !== null && (
        <Text size="xs" component="div">
          {WAITING[job.waiting_reason]}
          {job.waiting_until !== null && (
            <>
              , goes on in <Countdown to={job.waiting_until} />
            </>
          )}
        </Text>
      )}
      {job.error !== null && (
        <Text size="xs" c="var(--mantine-color-error)">
          {job.error.message} {job.error.explanation === job.error.message ? '' : job.error.explanation}
        </Text>
      )}
      {job.deletes_withheld !== null && (
        <Text size="xs">
          {job.deletes_withheld === 'needs_review'
            ? 'Deletions wait for a decision.'
            : 'The list changed while it was read, so nothing was deleted; the next full sync looks again.'}
        </Text>
      )}
      {job.attempts > 1 && <Text size="xs">{job.attempts} attempts</Text>}
    </>
  );
}
