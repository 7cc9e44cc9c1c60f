import { Alert, Group, List, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../../api/client';
import { rolloutIntegrationsQuery, rolloutQuery } from '../../../api/platform-queries';
import { CopyAsCurl } from '../../../common/CopyAsCurl';
import { FilterSelect } from '../../../common/FilterSelect';
import { plural, toNumber, toWords } from '../../../common/formatting';
import { type Column, ListTable } from '../../../common/ListTable';
import { Page } from '../../../common/Page';
import { RouterLink } from '../../../common/RouterLink';
import { RowsTable } from '../../../common/RowsTable';
import { Section } from '../../../common/Section';
import { Empty, Read } from '../../../common/States';
import { Instant } from '../../../common/Time';
import { MOVE_STATES } from '../../../search';
import { useIsInUse } from '../../../session/use-is-in-use';
import { RolloutActions } from './RolloutActions';
import { RolloutBadge } from './RolloutBadge';

type Rollout = Schemas['DefinitionRollout'];
type Move = Schemas['DefinitionRolloutIntegration'];

const route = getRouteApi('/platform-shell/platform/definitions/$definitionKey/rollouts/$rolloutId');
const READ_AGAIN_MS = 2_000;

/** How a version goes out: its dry run, its steps, and each integration. */
export function RolloutPage() {
  const { definitionKey, rolloutId } = route.useParams();
  const { state } = route.useSearch();
  const navigate = route.useNavigate();
  const isInUse = useIsInUse();
  const rollout = useQuery({
    ...rolloutQuery(definitionKey, rolloutId),
    refetchInterval: ({ state: { data } }) => isInUse && data?.finished_at === null && READ_AGAIN_MS,
  });
  const moves = useInfiniteQuery(rolloutIntegrationsQuery(definitionKey, rolloutId, state));
  const path = `/platform/third-party-definitions/${definitionKey}/rollouts/${rolloutId}`;
  return (
    <Page
      title={titleOf(rollout.data)}
      subtitle={rolloutId}
      badge={rollout.data && <RolloutBadge rollout={rollout.data} size="lg" />}
      actions={
        <>
          <CopyAsCurl path={path} keyVariable="PLATFORM_KEY" />
          {rollout.data && <RolloutActions rollout={rollout.data} />}
        </>
      }
    >
      <Read query={rollout}>
        {(shown) => (
          <>
            <Explanation rollout={shown} />
            <Section title="Progress" hint={progressOf(shown)}>
              <RowsTable
                label="Integrations by state"
                columns={COUNT_COLUMNS}
                rows={MOVE_STATES.map((name) => ({ name, count: shown.integrations[name] }))}
                rowKey={({ name }) => name}
              />
            </Section>
            <Section
              title="Integrations"
              hint="What the version changes, and why integrations are held back."
            >
              <FilterSelect
                label="State"
                value={state}
                choices={MOVE_STATES.map((name) => ({ value: name, label: toWords(name) }))}
                onChange={(chosen) => void navigate({ search: { state: chosen }, replace: true })}
              />
              <ListTable
                label="Integrations"
                query={moves}
                columns={MOVE_COLUMNS}
                rowKey={({ integration_id: id }) => id}
                empty={<Empty title="No integrations" />}
              />
            </Section>
          </>
        )}
      </Read>
    </Page>
  );
}

const titleOf = (rollout: Rollout | undefined): string =>
  rollout === undefined
    ? 'Rollout'
    : `${rollout.definition_key}: ${rollout.adopt ? 'adoption' : 'rollout'} of version ${rollout.version}`;

function Explanation({ rollout }: { rollout: Rollout }) {
  const { state, paused_because: because, integrations, trouble } = rollout;
  if (trouble !== null)
    return (
      <Alert color="orange" title="The rollout does not go on" role="alert">
        {trouble.message}
      </Alert>
    );
  if (because === 'failures')
    return (
      <Alert color="red" title="The rollout stopped by itself" role="alert">
        {plural(integrations.failed, 'integration')} failed after the change. Look at them below, then resume
        the rollout or roll it back.
      </Alert>
    );
  if (state !== 'planned') return null;
  return (
    <Alert color="blue" title="The dry run is done">
      {plural(integrations.planned, 'integration')} can change, {toNumber(integrations.held_back)} are held
      back. Nothing has changed yet: approve the dry run to begin.
    </Alert>
  );
}

function progressOf({ step, steps, step_ends_at: endsAt, created_at: createdAt }: Rollout): ReactNode {
  return (
    <>
      Step {Math.min(step + 1, steps.length + 1)} of {steps.length + 1}. Created <Instant at={createdAt} />.
      {endsAt !== null && (
        <>
          {' '}
          The observation of the step ends <Instant at={endsAt} relative />.
        </>
      )}
    </>
  );
}

const COUNT_COLUMNS: Column<{ name: (typeof MOVE_STATES)[number]; count: number }>[] = [
  { title: 'State', cell: ({ name }) => toWords(name) },
  { title: 'Integrations', isFigure: true, cell: ({ count }) => toNumber(count) },
];

const MOVE_COLUMNS: Column<Move>[] = [
  {
    title: 'Integration',
    cell: ({ integration_id: id, tenant_id: tenantId }) => (
      <Stack gap={2}>
        <Text size="sm">{id}</Text>
        <RouterLink to="/platform/tenants/$tenantId" params={{ tenantId }} size="xs">
          {tenantId}
        </RouterLink>
      </Stack>
    ),
  },
  { title: 'State', cell: ({ state }) => toWords(state) },
  {
    title: 'Changes',
    from: 'sm',
    cell: ({ changes, records_touched: records }) => (
      <Stack gap={2}>
        <Lines lines={changes} isCode />
        {records !== null && <Text size="xs">{plural(records, 'record')} would be pushed again</Text>}
      </Stack>
    ),
  },
  { title: 'Its own', from: 'md', cell: ({ differences }) => <Lines lines={differences} isCode /> },
  {
    title: 'Problems',
    cell: ({ problems }) => (
      <Lines lines={problems.map(({ pointer, message }) => `${pointer} ${message}`.trim())} />
    ),
  },
];

function Lines({ lines, isCode = false }: { lines: readonly string[]; isCode?: boolean }) {
  if (lines.length === 0) return <Group>–</Group>;
  return (
    <List size="sm">
      {lines.map((line) => (
        <List.Item key={line}>{isCode ? <code>{line}</code> : line}</List.Item>
      ))}
    </List>
  );
}
