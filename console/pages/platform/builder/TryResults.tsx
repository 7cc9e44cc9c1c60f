/** What tries have found, in words, with the calls behind them. */
import { Code, Group, List, Stack, Table, Text } from '@mantine/core';
import type { Schemas } from '../../../api/client';
import { toWords } from '../../../common/formatting';
import { StatusBadge } from '../../../common/StatusBadge';

type Tries = Schemas['DefinitionTries'];
type Result = Tries['results'][number];

const LOOKS: Record<Result['outcome'], { status: string; label: string }> = {
  passed: { status: 'succeeded', label: 'Passed' },
  failed: { status: 'failed', label: 'Failed' },
  not_possible: { status: 'not_supported', label: 'Not possible' },
  not_tried: { status: 'queued', label: 'Not tried' },
};

export function TryResults({ tries: { results, message, summary } }: { tries: Tries }) {
  return (
    <Stack component="section" aria-label="Results" w="100%">
      <Text fw={600} role="status">
        {message ?? summary}
      </Text>
      {results.map((result) => (
        <ResultView key={result.try} result={result} />
      ))}
    </Stack>
  );
}

function ResultView({ result }: { result: Result }) {
  const { outcome, message, problems, found, calls } = result;
  return (
    <Stack gap={4}>
      <Group gap="xs">
        <StatusBadge {...LOOKS[outcome]} />
        <Text fw={600}>{toWords(result.try)}</Text>
      </Group>
      <Text size="sm" className="long">
        {message}
      </Text>
      {problems.map(({ pointer }) => (
        <Text key={pointer} size="sm">
          Correct <Code>{pointer}</Code>
        </Text>
      ))}
      {found !== null && found.fields.length > 0 && <Fields fields={found.fields} />}
      {calls.length > 0 && (
        <details>
          <Text component="summary" size="sm">
            Calls of {toWords(result.try)}
          </Text>
          <Stack gap="xs">
            {calls.map((call, position) => (
              <Call key={position} call={call} label={`Call ${position + 1} of ${toWords(result.try)}`} />
            ))}
          </Stack>
        </details>
      )}
    </Stack>
  );
}

function Fields({ fields }: { fields: NonNullable<Result['found']>['fields'] }) {
  return (
    <Table.ScrollContainer minWidth={280}>
      <Table aria-label="Fields of the records">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Field</Table.Th>
            <Table.Th>Kind</Table.Th>
            <Table.Th>Records</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {fields.map(({ at, kinds, count }) => (
            <Table.Tr key={at}>
              <Table.Td>
                <Code>{at}</Code>
              </Table.Td>
              <Table.Td>{kinds.join(', ')}</Table.Td>
              <Table.Td>{count}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Call({ call, label }: { call: Result['calls'][number]; label: string }) {
  const { method, url, status, duration_ms: duration, sent, answer } = call;
  return (
    <List size="sm" listStyleType="none">
      <List.Item>
        <Text size="sm" ff="monospace" className="long">
          {method} {url}
        </Text>
        <Text size="sm">
          {status === null ? 'No complete answer' : `Answered ${status}`} after {duration} ms.
        </Text>
      </List.Item>
      {sent !== null && <Body label={`Sent in ${label}`} text={sent} />}
      {answer !== null && answer !== '' && <Body label={`Answer of ${label}`} text={answer} />}
    </List>
  );
}

const Body = ({ label, text }: { label: string; text: string }) => (
  <List.Item>
    <Code block tabIndex={0} role="region" aria-label={label}>
      {text}
    </Code>
  </List.Item>
);
