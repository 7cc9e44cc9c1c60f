import { Accordion, Alert, Loader, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answerOf, api, type Schemas } from '../../../api/client';
import { plural } from '../../../common/formatting';
import { ProblemView } from '../../../common/States';

type Tried = Schemas['MappingSamples']['record_types'][number];
type Sampled = Schemas['SampledRecord'];

interface TriedRecordsProps {
  integrationId: string;
  mappings: Schemas['Integration']['record_types'];
}

/** Real records of both sides, as the proposed mappings would send and store them. Nothing is changed. */
export function TriedRecords({ integrationId, mappings }: TriedRecordsProps) {
  const tried = useQuery({
    queryKey: ['tried-mappings', integrationId, mappings],
    queryFn: () =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/mapping-preview', {
          params: { path: { integration_id: integrationId } },
          body: { record_types: mappings },
        }),
      ),
    retry: false,
    staleTime: 60_000,
  });
  if (tried.error) return <ProblemView error={tried.error} />;
  if (tried.data === undefined)
    return (
      <Text size="sm" role="status">
        <Loader size="xs" mr="xs" aria-hidden />
        Trying the mapping on real records…
      </Text>
    );
  return (
    <Accordion variant="contained" order={3}>
      {tried.data.record_types.flatMap((one) => [
        ...(one.sent.length > 0 ? [<Direction key={`${one.record_type} sent`} {...sentOf(one)} />] : []),
        ...(one.read.length > 0 || one.read_problem !== null
          ? [<Direction key={`${one.record_type} read`} {...readOf(one)} />]
          : []),
      ])}
    </Accordion>
  );
}

interface DirectionProps {
  title: string;
  records: readonly Sampled[];
  problem: string | null;
  columns: [before: string, after: string];
}

const sentOf = ({ record_type, sent }: Tried): DirectionProps => ({
  title: `${record_type}: ${plural(sent.length, 'record')} as sent to the app`,
  records: sent,
  problem: null,
  columns: ['In Syncline', 'As sent'],
});
const readOf = ({ record_type, read, read_problem }: Tried): DirectionProps => ({
  title: `${record_type}: ${plural(read.length, 'record')} as read from the app`,
  records: read,
  problem: read_problem,
  columns: ['In the app', 'As stored'],
});

function Direction({ title, records, problem, columns }: DirectionProps) {
  const misfits = records.flatMap(({ values }) => values).filter((value) => value.problem !== null).length;
  return (
    <Accordion.Item value={title}>
      <Accordion.Control>
        {title}
        {misfits > 0 && (
          <Text span c="red" size="sm">
            {' '}
            ({plural(misfits, 'value does', 'values do')} not fit)
          </Text>
        )}
      </Accordion.Control>
      <Accordion.Panel>
        <Stack>
          {problem !== null && <Alert color="yellow">{problem}</Alert>}
          {records.map((record) => (
            <RecordTable key={record.id} {...record} columns={columns} />
          ))}
        </Stack>
      </Accordion.Panel>
    </Accordion.Item>
  );
}

function RecordTable({ id, values, columns }: Sampled & Pick<DirectionProps, 'columns'>) {
  return (
    <Table.ScrollContainer
      minWidth={420}
      type="native"
      tabIndex={0}
      role="region"
      aria-label={`Values of ${id}`}
    >
      <Table verticalSpacing={4} aria-label={`Values of ${id}`} captionSide="top">
        <Table.Caption ta="left">{id}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Field</Table.Th>
            {columns.map((column) => (
              <Table.Th key={column} scope="col">
                {column}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {values.map(({ names, to, before, after, problem }) => (
            <Table.Tr key={to}>
              <Table.Td>{names.join(', ') || to}</Table.Td>
              <Table.Td>{shown(before)}</Table.Td>
              <Table.Td c={problem === null ? undefined : 'red'}>{problem ?? shown(after)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
