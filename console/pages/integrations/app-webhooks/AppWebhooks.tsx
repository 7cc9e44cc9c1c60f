/** Whether the app tells of changes: the address that it calls, and the secret that it signs with. */
import { Group, Stack, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answerOf, api, asProblem, type Schemas } from '../../../api/client';
import { incomingWebhooksQuery } from '../../../api/queries';
import { toWords } from '../../../common/formatting';
import { Section } from '../../../common/Section';
import { Empty, Read } from '../../../common/States';
import { Instant } from '../../../common/Time';
import { useRefusal } from '../../../session/session';
import { AppWebhookAddress } from './AppWebhookAddress';
import { StandingAlert } from './StandingAlert';
import { standingOf } from './app-webhooks-state';
import { WebhookSecret } from './WebhookSecret';

type Integration = Schemas['Integration'];

export function AppWebhooks({ integration }: { integration: Integration }) {
  const { id, app } = integration;
  const webhooks = useQuery(incomingWebhooksQuery(id));
  const isDescribed = webhooks.error === null || asProblem(webhooks.error).code !== 'webhooks_not_described';
  return (
    <Section
      title={`Webhooks of ${app}`}
      hint={`With webhooks, ${app} tells Syncline which records have changed, and they are read within seconds.`}
    >
      {isDescribed ? (
        <Read query={webhooks} rows={3}>
          {(shown) => <State integration={integration} webhooks={shown} />}
        </Read>
      ) : (
        <Empty title={`The configuration describes no webhooks of ${app}`}>
          Changes in {app} arrive with the next hourly run. An admin can add <code>webhooks</code> to the
          configuration in the settings, or use a definition that has them (docs/connectors/rest-webhooks.md).
        </Empty>
      )}
    </Section>
  );
}

function State({
  integration,
  webhooks,
}: {
  integration: Integration;
  webhooks: Schemas['IncomingWebhooks'];
}) {
  const hasAddress = webhooks.created_at !== null;
  const isSubscribed = webhooks.subscription !== null;
  const hasOwnSecret = webhooks.subscription?.needs_secret !== false;
  const refusal = useRefusal('admin');
  return (
    <Stack>
      <StandingAlert {...standingOf(integration, webhooks)} />
      <Facts webhooks={webhooks} />
      <Group align="flex-start">
        <AppWebhookAddress integration={integration} hasAddress={hasAddress} isSubscribed={isSubscribed} />
        {hasOwnSecret && (
          <WebhookSecret
            app={integration.app}
            refusal={refusal}
            hasAddress={hasAddress}
            hasSecret={webhooks.has_secret}
            subject="integrations"
            save={(secret) =>
              answerOf(
                api.PUT('/v1/integrations/{integration_id}/incoming-webhooks/secret', {
                  params: { path: { integration_id: integration.id } },
                  body: { secret },
                }),
              )
            }
          />
        )}
      </Group>
    </Stack>
  );
}

function Facts({ webhooks }: { webhooks: Schemas['IncomingWebhooks'] }) {
  const secret = webhooks.has_secret ? 'Stored' : 'Not stored';
  const facts = [
    ['Record types', webhooks.record_types.map(toWords).join(', ')],
    ['Address made', <Instant key="made" at={webhooks.created_at} none="Not yet" />],
    ...(webhooks.subscription?.needs_secret === false ? [] : [['Secret', secret] as const]),
    ...(webhooks.subscription === null
      ? []
      : [
          [
            'Subscribed until',
            <Instant key="until" at={webhooks.subscription.ends_at} none="Not yet" />,
          ] as const,
        ]),
    ['Last accepted', <Instant key="in" at={webhooks.received_at} none="None" />],
    ['Last refused', <Instant key="out" at={webhooks.refused_at} none="None" />],
  ] as const;
  return (
    <Table aria-label="State of the webhooks">
      <Table.Tbody>
        {facts.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row">{name}</Table.Th>
            <Table.Td>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
