import { Table, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { toNumber, toWords } from '../../common/formatting';
import { StatusBadge } from '../../common/StatusBadge';
import { DIRECTION_LABELS } from './direction-labels';

type Dataset = Schemas['SyncOverview']['datasets'][number];
const COUNTS = ['creates', 'updates', 'deletes', 'not_possible', 'unchanged'] as const;

/** How many records of each type would be created, updated and deleted. */
export function OverviewCounts({ overview }: { overview: Schemas['SyncOverview'] }) {
  return (
    <Table.ScrollContainer minWidth={300} type="native" tabIndex={0} role="region" aria-label="Counts">
      <Table aria-label="Counts">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Records</Table.Th>
            <Table.Th scope="col">State</Table.Th>
            {COUNTS.map((name) => (
              <Table.Th key={name} scope="col" className="figures">
                {toWords(name)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {overview.datasets.map((dataset) => (
            <DatasetRow key={dataset.record_type + dataset.direction} dataset={dataset} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function DatasetRow({ dataset }: { dataset: Dataset }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={600}>
          {toWords(dataset.record_type)}
        </Text>
        <Text size="xs" c="dimmed">
          {DIRECTION_LABELS[dataset.direction]}
          {dataset.compared_with === 'last_push' &&
            '; compared with the last push, as the app cannot be read'}
        </Text>
        {dataset.error !== null && (
          <Text size="sm" c="var(--mantine-color-error)">
            {dataset.error.message}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <StatusBadge status={dataset.state} />
      </Table.Td>
      {COUNTS.map((name) => (
        <Table.Td
          key={name}
          className="figures"
          {...(name === 'unchanged' || dataset[name] === 0 ? {} : { fw: 700 })}
        >
          {toNumber(dataset[name])}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}
