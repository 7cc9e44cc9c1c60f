import { Stack, Table, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { toNumber, toWords } from '../../common/formatting';
import { Section } from '../../common/Section';
import { StatusBadge } from '../../common/StatusBadge';
import { Countdown, Instant } from '../../common/Time';
import { toDuration } from '../../common/time';

type Job = Schemas['SyncJob'];
const WAITING_REASONS: Record<string, string> = {
  retry: 'retries after an error',
  outage: 'the app cannot be reached',
  rate_limit: 'the app limits the number of requests',
  permits: 'pushes have priority',
  paused: 'the integration is paused',
};

const FIGURES = ['Read', 'New', 'Changed', 'Deleted', 'Failed', 'Duration'];

/** One job per dataset, and one for metadata. */
export function Jobs({ jobs }: { jobs: readonly Job[] }) {
  return (
    <Section title="Jobs" hint="One per record type, and one for metadata (fields and picklists).">
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
              <JobRow key={`${job.kind} ${job.record_type} ${job.direction}`} job={job} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}

function JobRow({ job }: { job: Job }) {
  const read = toNumber(job.records_read);
  const figures = [
    job.expected_records === null ? read : `${read} of ${toNumber(job.expected_records)}`,
    toNumber(job.records_new),
    toNumber(job.records_changed),
    toNumber(job.records_deleted),
    toNumber(job.records_failed),
    job.started_at !== null && job.finished_at !== null
      ? toDuration(Date.parse(job.finished_at) - Date.parse(job.started_at))
      : '–',
  ];
  return (
    <Table.Tr>
      <Table.Td>
        <JobName job={job} />
      </Table.Td>
      <Table.Td>
        <Stack gap={2}>
          <span>
            <StatusBadge status={job.state} />
          </span>
          <JobNotes job={job} />
        </Stack>
      </Table.Td>
      {FIGURES.map((name, index) => (
        <Table.Td key={name} className="figures">
          {figures[index]}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function JobName({ job }: { job: Job }) {
  return (
    <>
      <Text size="sm" fw={600}>
        {job.record_type === null ? 'Metadata' : toWords(job.record_type)}
      </Text>
      {job.direction === 'push' && (
        <Text size="xs" c="dimmed">
          pushed to the app
        </Text>
      )}
      {job.modified_since !== null && (
        <Text size="xs" c="dimmed" component="div">
          modified since <Instant at={job.modified_since} />
        </Text>
      )}
    </>
  );
}

function JobNotes({ job }: { job: Job }) {
  return (
    <>
      {job.waiting_reason !== null && (
        <Text size="xs" component="div">
          {WAITING_REASONS[job.waiting_reason]}
          {job.waiting_until !== null && (
            <>
              , continues in <Countdown to={job.waiting_until} />
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
            ? 'Deletions wait for a review.'
            : 'The list changed while it was read, so nothing was deleted. The next full sync checks again.'}
        </Text>
      )}
      {job.webhooks_missed !== null && job.webhooks_missed > 0 && (
        <Text size="xs">{toNumber(job.webhooks_missed)} changes came without a webhook.</Text>
      )}
      {job.records_held_back > 0 && (
        <Text size="xs">
          {toNumber(job.records_held_back)} records were held back. The next run reads them again.
        </Text>
      )}
      {job.records_skipped > 0 && (
        <Text size="xs">
          {toNumber(job.records_skipped)} reviewed changes were skipped, because a side has changed since.
        </Text>
      )}
      {job.watermark_kept === 'list_changed' && (
        <Text size="xs">The list changed while it was read. The next run reads the same changes again.</Text>
      )}
      {job.attempts > 1 && <Text size="xs">{job.attempts} attempts</Text>}
    </>
  );
}
