import { Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { type AppOwner, oauthAppListQuery } from '../../api/oauth-app-queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { toNumber } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { useRefusal } from '../../session/session';
import { AddOAuthApp } from './AddOAuthApp';
import { integrationsOf } from './app-draft';

type App = Schemas['OAuthApp'];

/** Of the tenant, and those of the platform, which it can use. */
export function OAuthAppsPage() {
  const navigate = useNavigate();
  return (
    <Apps
      owner="tenant"
      refusal={useRefusal('admin')}
      subtitle="Registrations at products, in whose name people sign in there. Apps of your operator are for all companies."
      columns={[nameColumn('/settings/oauth-apps/$oauthAppId'), OWNER_COLUMN, ...COLUMNS]}
      onCreated={({ id }) =>
        void navigate({ to: '/settings/oauth-apps/$oauthAppId', params: { oauthAppId: id } })
      }
    />
  );
}

/** Of the platform. */
export function PlatformOAuthAppsPage() {
  const navigate = useNavigate();
  return (
    <Apps
      owner="platform"
      refusal={undefined}
      subtitle="Registrations at products, in whose name people of all tenants sign in there."
      columns={[nameColumn('/platform/oauth-apps/$oauthAppId'), ...COLUMNS]}
      onCreated={({ id }) =>
        void navigate({ to: '/platform/oauth-apps/$oauthAppId', params: { oauthAppId: id } })
      }
    />
  );
}

interface AppsProps {
  owner: AppOwner;
  refusal: string | undefined;
  subtitle: string;
  columns: readonly Column<App>[];
  onCreated: (app: App) => void;
}

function Apps({ owner, refusal, subtitle, columns, onCreated }: AppsProps) {
  const apps = useInfiniteQuery(oauthAppListQuery(owner));
  return (
    <Page
      title="OAuth apps"
      subtitle={subtitle}
      actions={
        <>
          <CopyAsCurl
            {...(owner === 'platform'
              ? { path: '/platform/oauth-apps', keyVariable: 'PLATFORM_KEY' }
              : { path: '/oauth-apps' })}
          />
          <AddOAuthApp owner={owner} refusal={refusal} isDefault onCreated={onCreated} />
        </>
      }
    >
      <ListTable
        label="OAuth apps"
        query={apps}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <Empty title="No OAuth apps yet">
            Products at which people sign in need one: register an app there, then add it here.
          </Empty>
        }
      />
    </Page>
  );
}

const nameColumn = (
  to: '/settings/oauth-apps/$oauthAppId' | '/platform/oauth-apps/$oauthAppId',
): Column<App> => ({
  title: 'Name',
  cell: ({ id, name, client_id: clientId }) => (
    <>
      <RouterLink to={to} params={{ oauthAppId: id }} fw={600}>
        {name}
      </RouterLink>
      <Text size="xs" c="dimmed" className="long">
        {clientId}
      </Text>
    </>
  ),
});
const OWNER_COLUMN: Column<App> = {
  title: 'Owner',
  cell: ({ owner }) => (owner === 'platform' ? 'Your operator' : 'Your company'),
};
const COLUMNS: Column<App>[] = [
  {
    title: 'Definitions',
    from: 'sm',
    cell: ({ uses }) =>
      uses
        .map(({ definition_key: key }) => key)
        .filter((key) => key !== null)
        .join(', ') || '–',
  },
  { title: 'Integrations', isFigure: true, cell: (app) => toNumber(integrationsOf(app)) },
  {
    title: 'Secret',
    from: 'md',
    cell: ({ has_client_secret: hasSecret }) => (hasSecret ? 'Stored' : 'None (public client)'),
  },
  { title: 'Created', from: 'md', cell: ({ created_at: at }) => <Instant at={at} /> },
];
