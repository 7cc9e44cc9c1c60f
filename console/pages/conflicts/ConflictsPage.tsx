import { Group, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { conflictsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { FilterSelect } from '../../common/FilterSelect';
import { toActor, toShortId } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RecordLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { CONFLICT_KINDS, CONFLICT_STATES } from '../../search';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { decisionLabel, KIND_LABELS } from './conflict-labels';
import { DecideAlike } from './DecideAlike';
import { DecideConflict } from './DecideConflict';

type Conflict = Schemas['SyncConflict'];
const route = getRouteApi('/shell/conflicts');
const STATE_CHOICES = CONFLICT_STATES.map((value) => ({
  value,
  label: { open: 'Needs a decision', decided: 'Decided', ended: 'Ended' }[value],
}));
const KIND_CHOICES = CONFLICT_KINDS.map((value) => ({ value, label: KIND_LABELS[value].title }));

export function ConflictsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const conflicts = useInfiniteQuery(conflictsQuery(search));
  const { nameOf, choices } = useIntegrationNames();
  const change = (changed: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...changed }, replace: true });
  return (
    <Page
      title="Conflicts"
      subtitle="Records that differ on both sides in a way that only a person can decide."
      actions={
        <>
          <CopyAsCurl path="/sync-conflicts" query={search} />
          <DecideAlike integrationId={search.integration_id} kind={search.kind} />
        </>
      }
    >
      <Group role="search">
        <FilterSelect
          label="State"
          choices={STATE_CHOICES}
          value={search.state}
          onChange={(state) => change({ state })}
        />
        <FilterSelect
          label="Kind"
          w={300}
          choices={KIND_CHOICES}
          value={search.kind}
          onChange={(kind) => change({ kind })}
        />
        <FilterSelect
          label="App"
          choices={choices}
          value={search.integration_id}
          onChange={(integrationId) => change({ integration_id: integrationId })}
        />
      </Group>
      <ListTable
        label="Conflicts"
        query={conflicts}
        columns={listColumns(nameOf)}
        rowKey={(conflict) => conflict.id}
        isSearch
        empty={<Empty title="No conflicts">Both sides agree, or the rules of the mapping decided.</Empty>}
      />
    </Page>
  );
}

const listColumns = (nameOf: (integrationId: string) => string): Column<Conflict>[] => [
  { title: 'Record', cell: (conflict) => <RecordOf conflict={conflict} /> },
  { title: 'App', from: 'sm', cell: (conflict) => nameOf(conflict.integration_id) },
  { title: 'Conflict', cell: (conflict) => <Values conflict={conflict} /> },
  { title: 'Detected', from: 'md', cell: (conflict) => <Instant at={conflict.at} /> },
  { title: 'Decision', cell: (conflict) => <Decision conflict={conflict} /> },
];

function RecordOf({ conflict: { record_type, external_id, remote_id } }: { conflict: Conflict }) {
  return external_id === null ? (
    <>{toShortId(remote_id)}</>
  ) : (
    <RecordLink record={{ record_type, external_id }} />
  );
}

function Values({ conflict }: { conflict: Conflict }) {
  const { kind, field, ours, theirs, detail } = conflict;
  return (
    <Stack gap={2}>
      <Text fw={600}>
        {KIND_LABELS[kind].title}
        {field !== null && `: ${field}`}
      </Text>
      {field === null ? (
        <Text size="sm">{detail}</Text>
      ) : (
        <Text size="sm">
          Syncline: {JSON.stringify(ours)} · App: {JSON.stringify(theirs)}
        </Text>
      )}
    </Stack>
  );
}

function Decision({ conflict }: { conflict: Conflict }) {
  const { state, kind, decision, decided_by: by, ended_at: at } = conflict;
  if (state === 'open') return <DecideConflict conflict={conflict} />;
  if (decision === null) return <StatusBadge status="ended" />;
  return (
    <>
      {decisionLabel(kind, decision)}: {toActor(by ?? '')}
      {at !== null && (
        <>
          , <Instant at={at} />
        </>
      )}
    </>
  );
}
