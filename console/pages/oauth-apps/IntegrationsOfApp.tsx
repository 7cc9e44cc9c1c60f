import { List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { integrationsQuery } from '../../api/queries';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Read } from '../../common/States';

/** The integrations of the tenant whose configuration names the app. */
export function IntegrationsOfApp({ app }: { app: Schemas['OAuthApp'] }) {
  const integrations = useQuery(integrationsQuery);
  if (app.uses.length === 0) return null;
  return (
    <Section title="Integrations of your company">
      <Read query={integrations} rows={2}>
        {(all) => (
          <List size="sm">
            {all
              .filter(({ config }) => appIdOf(config) === app.id)
              .map(({ id, app: product, account_name: account }) => (
                <List.Item key={id}>
                  <RouterLink
                    to="/integrations/$integrationId"
                    params={{ integrationId: id }}
                    underline="always"
                  >
                    {product} ({account})
                  </RouterLink>
                </List.Item>
              ))}
          </List>
        )}
      </Read>
    </Section>
  );
}

const appIdOf = ({ auth }: Schemas['Integration']['config']): unknown =>
  (auth as { app_id?: unknown } | undefined)?.app_id;
