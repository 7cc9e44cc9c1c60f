/** One address for the webhooks of all accounts of an app (docs/connectors/rest-app-webhooks.md). */
import { Group, Stack, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answerOf, api, type Schemas } from '../../api/client';
import {
  type AppOwner,
  appWebhooksQuery,
  ofApp,
  routeOf,
  webhookDefinitionsQuery,
} from '../../api/oauth-app-queries';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { toNumber } from '../../common/formatting';
import { Section } from '../../common/Section';
import { Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { StandingAlert } from '../integrations/app-webhooks/StandingAlert';
import { type Standing, standingOfCalls } from '../integrations/app-webhooks/app-webhooks-state';
import { WebhookSecret } from '../integrations/app-webhooks/WebhookSecret';
import { AccountWebhookAddress } from './AccountWebhookAddress';

interface AccountWebhooksProps {
  owner: AppOwner;
  app: Schemas['OAuthApp'];
}

export function AccountWebhooks({ owner, app }: AccountWebhooksProps) {
  const webhooks = useQuery(appWebhooksQuery(owner, app.id));
  return (
    <Section
      title="Webhooks of all accounts"
      hint="Some products call one address for all accounts of an app. Syncline reads what they name for the integrations of each account."
    >
      <Read query={webhooks} rows={3}>
        {(shown) => <State owner={owner} app={app} webhooks={shown} />}
      </Read>
    </Section>
  );
}

const WITHOUT_ADDRESS: Standing = {
  color: 'blue',
  title: 'There is no address yet',
  next:
    'Make one if the product calls one address for all accounts. Until then, changes arrive with the next ' +
    'hourly run.',
};

type StateProps = AccountWebhooksProps & { webhooks: Schemas['OAuthAppWebhooks'] };

function State({ owner, app, webhooks }: StateProps) {
  const { data: definitions } = useQuery(webhookDefinitionsQuery(owner, app.id));
  const { definition_key: key, has_secret: hasSecret } = webhooks;
  const product = definitions?.find((one) => one.key === key)?.name ?? key ?? app.name;
  const standing = key === null ? WITHOUT_ADDRESS : standingOfCalls(product, webhooks);
  return (
    <Stack>
      <StandingAlert {...standing} />
      {key !== null && <Facts product={product} webhooks={webhooks} />}
      <Group align="flex-start">
        <AccountWebhookAddress owner={owner} app={app} definitions={definitions} present={key} />
        {key !== null && (
          <>
            <WebhookSecret
              app={product}
              refusal={undefined}
              hasAddress
              hasSecret={hasSecret}
              subject="oauth-apps"
              save={(secret) =>
                answerOf(
                  api.PUT(routeOf(owner, '/v1/oauth-apps/{oauth_app_id}/incoming-webhooks/secret'), {
                    params: ofApp(app.id),
                    body: { secret },
                  }),
                )
              }
            />
            <Revoke owner={owner} app={app} product={product} />
          </>
        )}
      </Group>
    </Stack>
  );
}

function Facts({ product, webhooks }: { product: string; webhooks: Schemas['OAuthAppWebhooks'] }) {
  const facts = [
    ['Product', product],
    ['Address made', <Instant key="made" at={webhooks.created_at} />],
    ['Signing secret', webhooks.has_secret ? 'Stored' : 'Not stored'],
    ['Last accepted', <Instant key="in" at={webhooks.received_at} none="None" />],
    ['Last refused', <Instant key="out" at={webhooks.refused_at} none="None" />],
    ['Events of accounts without an integration', toNumber(webhooks.unknown_events)],
  ] as const;
  return (
    <Table aria-label="State of the webhooks" style={{ overflowWrap: 'anywhere' }}>
      <Table.Tbody>
        {facts.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" style={{ whiteSpace: 'normal' }}>
              {name}
            </Table.Th>
            <Table.Td>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Revoke({ owner, app, product }: AccountWebhooksProps & { product: string }) {
  const revoke = useAction({
    run: () =>
      answerOf(
        api.DELETE(routeOf(owner, '/v1/oauth-apps/{oauth_app_id}/incoming-webhooks/address'), {
          params: ofApp(app.id),
        }),
      ),
    done: 'The address is revoked.',
    changes: ['oauth-apps'],
  });
  return (
    <ConfirmedAction
      variant="default"
      loading={revoke.isPending}
      title="Revoke the address?"
      body={`Calls of ${product} are refused at once, and the secret is deleted. Changes then arrive with the next hourly run.`}
      confirm="Revoke address"
      isDangerous
      onConfirm={() => revoke.mutate()}
    >
      Revoke address
    </ConfirmedAction>
  );
}
