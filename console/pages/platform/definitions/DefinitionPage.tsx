import { Group, Modal, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Rocket } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../../api/client';
import { definitionVersionsQuery, rolloutsQuery } from '../../../api/platform-queries';
import { ActionButton } from '../../../common/ActionButton';
import { CopyAsCurl } from '../../../common/CopyAsCurl';
import { type Column, ListTable } from '../../../common/ListTable';
import { Page } from '../../../common/Page';
import { RouterLink } from '../../../common/RouterLink';
import { Section } from '../../../common/Section';
import { Empty } from '../../../common/States';
import { Instant } from '../../../common/Time';
import { PublishVersion } from './PublishVersion';
import { RolloutBadge } from './RolloutBadge';

const route = getRouteApi('/platform-shell/platform/definitions/$definitionKey');

/** The versions of a definition, and how they went out. */
export function DefinitionPage() {
  const { definitionKey } = route.useParams();
  const versions = useInfiniteQuery(definitionVersionsQuery(definitionKey));
  const rollouts = useInfiniteQuery(rolloutsQuery(definitionKey));
  return (
    <Page
      title={definitionKey}
      subtitle="A new version changes no integration until it is published."
      actions={
        <CopyAsCurl
          path={`/platform/third-party-definitions/${definitionKey}/versions`}
          keyVariable="PLATFORM_KEY"
        />
      }
    >
      <Section title="Versions">
        <ListTable
          label="Versions"
          query={versions}
          columns={versionColumns(definitionKey)}
          rowKey={({ version }) => String(version)}
          empty={<Empty title="No versions" />}
        />
      </Section>
      <Section title="Rollouts" hint="How versions went out to the integrations of all tenants.">
        <ListTable
          label="Rollouts"
          query={rollouts}
          columns={ROLLOUT_COLUMNS}
          rowKey={({ id }) => id}
          empty={<Empty title="No version was published yet" />}
        />
      </Section>
    </Page>
  );
}

const versionColumns = (definitionKey: string): Column<Schemas['ThirdPartyDefinitionVersion']>[] => [
  {
    title: 'Version',
    cell: ({ version, is_current: isCurrent }) => (
      <Text fw={600}>
        {version}
        {isCurrent && ' (new integrations use it)'}
      </Text>
    ),
  },
  { title: 'Origin', from: 'sm', cell: ({ origin }) => (origin === 'shipped' ? 'Syncline' : 'Platform') },
  { title: 'Added', from: 'sm', cell: ({ created_at: at }) => <Instant at={at} /> },
  {
    title: 'Action',
    cell: ({ version }) => (
      <Group gap="sm">
        <Publish definitionKey={definitionKey} version={version} isAdoption={false} />
        <Publish definitionKey={definitionKey} version={version} isAdoption />
        <RouterLink
          to="/platform/definition-builder"
          search={{ key: definitionKey, version: String(version) }}
          aria-label={`Change version ${version}`}
        >
          Change
        </RouterLink>
      </Group>
    ),
  },
];

type PublishProps = { definitionKey: string; version: number; isAdoption: boolean };

/** The button and its form. */
function Publish({ definitionKey, version, isAdoption }: PublishProps) {
  const [isOpen, setOpen] = useState(false);
  const navigate = route.useNavigate();
  const close = (): void => setOpen(false);
  const title = isAdoption ? `Adopt version ${version}` : `Publish version ${version}`;
  return (
    <>
      <ActionButton
        size="xs"
        variant="default"
        aria-label={title}
        leftSection={isAdoption ? undefined : <Rocket size={14} aria-hidden />}
        onClick={() => setOpen(true)}
      >
        {isAdoption ? 'Adopt' : 'Publish'}
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title={`${title} of ${definitionKey}`}>
        <PublishVersion
          definitionKey={definitionKey}
          version={version}
          isAdoption={isAdoption}
          onClose={close}
          onDone={({ id }) =>
            void navigate({
              to: '/platform/definitions/$definitionKey/rollouts/$rolloutId',
              params: { definitionKey, rolloutId: id },
            })
          }
        />
      </Modal>
    </>
  );
}

const ROLLOUT_COLUMNS: Column<Schemas['DefinitionRollout']>[] = [
  {
    title: 'Rollout',
    cell: (rollout) => (
      <Stack gap={2}>
        <RouterLink
          to="/platform/definitions/$definitionKey/rollouts/$rolloutId"
          params={{ definitionKey: rollout.definition_key, rolloutId: rollout.id }}
          fw={600}
        >
          {rollout.adopt ? 'Adoption of version' : 'To version'} {rollout.version}
        </RouterLink>
        <Text size="xs" c="dimmed">
          {rollout.id}
        </Text>
      </Stack>
    ),
  },
  {
    title: 'State',
    cell: (rollout) => (
      <Group>
        <RolloutBadge rollout={rollout} />
      </Group>
    ),
  },
  { title: 'Changed', isFigure: true, from: 'sm', cell: ({ integrations }) => integrations.changed },
  { title: 'Held back', isFigure: true, from: 'sm', cell: ({ integrations }) => integrations.held_back },
  { title: 'Failed', isFigure: true, from: 'sm', cell: ({ integrations }) => integrations.failed },
  { title: 'Created', from: 'md', cell: ({ created_at: at }) => <Instant at={at} /> },
];
