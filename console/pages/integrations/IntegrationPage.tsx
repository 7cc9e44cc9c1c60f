import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { integrationQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { WorkflowLinks } from '../../common/WorkflowLinks';
import { pushesWorkflowId, syncRunsWorkflowId } from '../../common/workflow-ids';
import { AppWebhooks } from './app-webhooks/AppWebhooks';
import { IntegrationActions } from './IntegrationActions';
import { IntegrationHealth } from './IntegrationHealth';
import { IntegrationSettings } from './IntegrationSettings';
import { Mappings } from './mapping/Mappings';
import { Schedule } from './Schedule';

const route = getRouteApi('/shell/integrations/$integrationId');

export function IntegrationPage() {
  const { integrationId } = route.useParams();
  const integration = useQuery(integrationQuery(integrationId));
  const shown = integration.data?.body;
  return (
    <Page
      title={shown?.app ?? 'Integration'}
      badge={shown && <StatusBadge status={shown.state} size="lg" />}
      subtitle={shown && `${shown.account_name} · connector ${shown.connector}`}
      actions={
        <>
          <CopyAsCurl path={`/integrations/${integrationId}`} />
          <WorkflowLinks
            of={[
              { title: 'Pushes', workflowId: pushesWorkflowId(integrationId) },
              { title: 'Sync runs', workflowId: syncRunsWorkflowId(integrationId) },
            ]}
          />
          {shown && <IntegrationActions integration={shown} />}
        </>
      }
    >
      <Read query={integration}>
        {({ body, etag }) => (
          <Tabs defaultValue="health" keepMounted={false}>
            <Tabs.List mb="md">
              <Tabs.Tab value="health">Health</Tabs.Tab>
              <Tabs.Tab value="mapping">Mapping</Tabs.Tab>
              <Tabs.Tab value="schedule">Schedule</Tabs.Tab>
              <Tabs.Tab value="webhooks">Webhooks</Tabs.Tab>
              <Tabs.Tab value="settings">Settings</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="health">
              <IntegrationHealth integration={body} />
            </Tabs.Panel>
            <Tabs.Panel value="mapping">
              <Mappings key={body.mapping_version} integration={body} etag={etag} />
            </Tabs.Panel>
            <Tabs.Panel value="schedule">
              <Schedule key={etag} integration={body} etag={etag} />
            </Tabs.Panel>
            <Tabs.Panel value="webhooks">
              <AppWebhooks integration={body} />
            </Tabs.Panel>
            <Tabs.Panel value="settings">
              <IntegrationSettings key={etag} integration={body} etag={etag} />
            </Tabs.Panel>
          </Tabs>
        )}
      </Read>
    </Page>
  );
}
