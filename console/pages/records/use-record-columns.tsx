import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { integrationsQuery } from '../../api/queries';
import { cut, toShortId, toText, toWords } from '../../common/formatting';
import type { Column } from '../../common/ListTable';
import { RecordBadge } from '../../common/RecordBadge';
import { RouterLink } from '../../common/RouterLink';
import { Instant } from '../../common/Time';
import { toRecordName } from './record-name';

type RecordRow = Schemas['RecordSummary'];
type Integration = Schemas['Integration'];
const NAME_FIELDS = ['name', 'first_name', 'last_name', 'display_name', 'title'];
const FIELDS_SHOWN = 3;

/** Name, status, the first fields and the time of the last change. */
export function useRecordColumns(recordType: string, rows: readonly RecordRow[]): Column<RecordRow>[] {
  const integrations = useQuery(integrationsQuery).data ?? [];
  const isImported = integrations.some(
    (one) => (one.record_types[recordType]?.direction ?? 'push') !== 'push',
  );
  return [
    { title: 'Name', cell: (record) => <NameCell record={record} /> },
    { title: 'Status', cell: ({ badge }) => <RecordBadge badge={badge} isImported={isImported} /> },
    ...fieldsToShow(recordType, rows, integrations).map((name, index): Column<RecordRow> => ({
      title: toWords(name),
      from: index === 0 ? 'sm' : 'lg',
      cell: ({ fields }) => cut(toText(fields[name]), 60),
    })),
    { title: 'Changed', from: 'md', cell: (record) => <Instant at={record.changed_at} relative /> },
  ];
}

/** Mapped fields before others, without those that are part of the name. */
function fieldsToShow(
  recordType: string,
  rows: readonly RecordRow[],
  integrations: readonly Integration[],
): string[] {
  const mapped = integrations.flatMap(
    (one) => one.record_types[recordType]?.fields?.flatMap(({ name }) => name ?? []) ?? [],
  );
  const present = new Set(rows.flatMap(({ fields }) => Object.keys(fields)));
  return [...new Set([...mapped, ...[...present].toSorted()])]
    .filter((name) => present.has(name) && !NAME_FIELDS.includes(name))
    .slice(0, FIELDS_SHOWN);
}

function NameCell({ record }: { record: RecordRow }) {
  return (
    <>
      <RouterLink
        to="/records/$recordType/$externalId"
        params={{ recordType: record.record_type, externalId: record.external_id }}
        fw={600}
        className="one-line-at-most"
      >
        {toRecordName(record)}
      </RouterLink>
      <Text size="xs" c="dimmed" lineClamp={1} className="long">
        {toShortId(record.external_id)}
        {record.is_deleted ? ' · deleted' : ''}
      </Text>
    </>
  );
}
