import { Code, List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { type AppOwner, oauthAppQuery } from '../../api/oauth-app-queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { Section, SettingsSection } from '../../common/Section';
import { Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useRefusal } from '../../session/session';
import { AccountWebhooks } from './AccountWebhooks';
import { AppUses } from './AppUses';
import { IntegrationsOfApp } from './IntegrationsOfApp';
import { DeleteOAuthApp } from './DeleteOAuthApp';
import { EditOAuthApp } from './EditOAuthApp';
import { RedirectUri } from './RedirectUri';
import { ReplaceSecret } from './ReplaceSecret';

const tenantRoute = getRouteApi('/shell/settings/oauth-apps/$oauthAppId');
const platformRoute = getRouteApi('/platform-shell/platform/oauth-apps/$oauthAppId');

export function OAuthAppPage() {
  const { oauthAppId } = tenantRoute.useParams();
  const navigate = tenantRoute.useNavigate();
  return (
    <OneApp
      owner="tenant"
      oauthAppId={oauthAppId}
      roleRefusal={useRefusal('admin')}
      onDeleted={() => void navigate({ to: '/settings/oauth-apps' })}
    />
  );
}

export function PlatformOAuthAppPage() {
  const { oauthAppId } = platformRoute.useParams();
  const navigate = platformRoute.useNavigate();
  return (
    <OneApp
      owner="platform"
      oauthAppId={oauthAppId}
      roleRefusal={undefined}
      onDeleted={() => void navigate({ to: '/platform/oauth-apps' })}
    />
  );
}

interface OneAppProps {
  owner: AppOwner;
  oauthAppId: string;
  /** Why this person may change no app. */
  roleRefusal: string | undefined;
  onDeleted: () => void;
}

function OneApp({ owner, oauthAppId, roleRefusal, onDeleted }: OneAppProps) {
  const found = useQuery(oauthAppQuery(owner, oauthAppId));
  const { body: app, etag } = found.data ?? {};
  const isForeign = app !== undefined && app.owner !== owner;
  const refusal = isForeign ? 'Your operator manages this app, for all companies.' : roleRefusal;
  return (
    <Page
      title={app?.name ?? 'OAuth app'}
      subtitle={isForeign ? 'An app of your operator, which all companies can use.' : undefined}
      actions={
        <>
          <CopyAsCurl
            {...(owner === 'platform'
              ? { path: `/platform/oauth-apps/${oauthAppId}`, keyVariable: 'PLATFORM_KEY' }
              : { path: `/oauth-apps/${oauthAppId}` })}
          />
          {app !== undefined && etag !== undefined && (
            <>
              <EditOAuthApp owner={owner} refusal={refusal} app={app} etag={etag} />
              <ReplaceSecret owner={owner} refusal={refusal} app={app} etag={etag} />
              <DeleteOAuthApp owner={owner} refusal={refusal} app={app} onDeleted={onDeleted} />
            </>
          )}
        </>
      }
    >
      <Read query={found}>
        {({ body: shown }) => (
          <>
            <Settings app={shown} />
            <Section
              title="Redirect URI"
              hint="Enter it where the app is registered. It is the same for all apps."
            >
              <RedirectUri owner={owner} />
            </Section>
            <AppUses owner={owner} app={shown} />
            {owner === 'tenant' && <IntegrationsOfApp app={shown} />}
            {refusal === undefined && <AccountWebhooks owner={owner} app={shown} />}
          </>
        )}
      </Read>
    </Page>
  );
}

function Settings({ app }: { app: Schemas['OAuthApp'] }) {
  const rows: [string, ReactNode][] = [
    ['Client id', <Code key="id">{app.client_id}</Code>],
    ['Client secret', app.has_client_secret ? 'Stored, and never shown' : 'None: a public client'],
    [
      'Webhook secret',
      app.has_webhook_secret ? 'Stored, and never shown' : 'None: integrations have their own, if any',
    ],
    [
      'Allowed origins',
      <List key="origins" listStyleType="none">
        {app.allowed_origins.map((origin) => (
          <List.Item key={origin}>{origin}</List.Item>
        ))}
      </List>,
    ],
    ['Scopes', 'Named by the definition or the configuration of each integration'],
    ['Created', <Instant key="created" at={app.created_at} />],
    ['Changed', <Instant key="changed" at={app.updated_at} />],
  ];
  return <SettingsSection rows={rows} />;
}
