import { Alert, Group, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { History } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { integrationsQuery, overviewsQuery } from '../../api/queries';
import { toActor } from '../../common/formatting';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Instant } from '../../common/Time';
import { StartButtons } from './StartButtons';

type Invalid = Schemas['SyncOverview']['invalid'];

/** Why the overview is no longer valid, what replaced it, and a way to start a new one (rules.md 20). */
export function InvalidOverview({ overviewId, detail }: { overviewId: string; detail: string }) {
  const { data } = useInfiniteQuery(overviewsQuery({}));
  const { data: integrations = [] } = useQuery(integrationsQuery);
  const overview = data?.pages.flatMap((page) => page.data).find(({ id }) => id === overviewId);
  const integration = integrations.find(({ id }) => id === overview?.integration_id);
  const invalid = overview?.invalid ?? null;
  return (
    <Page title="Sync Overview data no longer valid">
      <Alert color="orange" variant="light" icon={<History aria-hidden />}>
        <Stack gap="xs">
          <Text size="sm">{invalid?.message ?? detail}</Text>
          {invalid !== null && (
            <Text size="sm" component="div">
              <Instant at={invalid.at} />
              {invalid.by === null ? '' : `, by ${toActor(invalid.by)}`}
            </Text>
          )}
          <Replacements invalid={invalid} />
        </Stack>
      </Alert>
      {integration !== undefined && (
        <Section title="Run a new Sync Overview" hint="It shows what Sync Now would change now.">
          <Group>
            <StartButtons integration={integration} />
          </Group>
        </Section>
      )}
    </Page>
  );
}

function Replacements({ invalid }: { invalid: Invalid }) {
  const { overview_id: overviewId, sync_run_id: syncRunId } = invalid ?? {};
  return (
    <Group>
      {overviewId != null && (
        <RouterLink to="/overviews/$overviewId" params={{ overviewId }} underline="always">
          New overview
        </RouterLink>
      )}
      {syncRunId != null && (
        <RouterLink to="/sync-runs/$syncRunId" params={{ syncRunId }} underline="always">
          Sync Log
        </RouterLink>
      )}
      <RouterLink to="/overviews" underline="always">
        All overviews
      </RouterLink>
    </Group>
  );
}
