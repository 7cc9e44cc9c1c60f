import { useInfiniteQuery } from '@tanstack/react-query';
import type { Schemas } from '../../../api/client';
import { definitionHeadsQuery } from '../../../api/platform-queries';
import { CopyAsCurl } from '../../../common/CopyAsCurl';
import { type Column, ListTable } from '../../../common/ListTable';
import { Page } from '../../../common/Page';
import { RouterLink } from '../../../common/RouterLink';
import { Empty } from '../../../common/States';
import { Instant } from '../../../common/Time';

type Head = Schemas['ThirdPartyDefinitionHead'];

/** The third-party definitions of the installation, with what is published and what is not. */
export function DefinitionsPage() {
  const definitions = useInfiniteQuery(definitionHeadsQuery);
  return (
    <Page
      title="Third-party definitions"
      subtitle="The products that tenants link by a definition, and the version that new integrations use."
      actions={<CopyAsCurl path="/platform/third-party-definitions" keyVariable="PLATFORM_KEY" />}
    >
      <ListTable
        label="Third-party definitions"
        query={definitions}
        columns={COLUMNS}
        rowKey={({ key }) => key}
        empty={<NoDefinitions />}
      />
    </Page>
  );
}

function NoDefinitions() {
  return (
    <Empty
      title="No definitions yet"
      action={<RouterLink to="/platform/definition-builder">Build a definition</RouterLink>}
    />
  );
}

const PROGRESS = { failures: 'Stopped', requested: 'Paused', none: 'In progress' };

const COLUMNS: Column<Head>[] = [
  {
    title: 'Definition',
    cell: ({ key }) => (
      <RouterLink to="/platform/definitions/$definitionKey" params={{ definitionKey: key }} fw={600}>
        {key}
      </RouterLink>
    ),
  },
  { title: 'In use', isFigure: true, cell: ({ current_version: version }) => version ?? 'none' },
  { title: 'Latest', isFigure: true, cell: ({ latest_version: version }) => version },
  {
    title: 'Rollout',
    from: 'sm',
    cell: ({ key, rollout_id: rolloutId, rollout_paused_because: pausedBecause }) =>
      rolloutId === null ? (
        '–'
      ) : (
        <RouterLink
          to="/platform/definitions/$definitionKey/rollouts/$rolloutId"
          params={{ definitionKey: key, rolloutId }}
        >
          {PROGRESS[pausedBecause ?? 'none']}
        </RouterLink>
      ),
  },
  { title: 'Changed', from: 'md', cell: ({ updated_at: at }) => <Instant at={at} /> },
];
