import { Group } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { answerOf, api, type Schemas } from '../../api/client';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { Section } from '../../common/Section';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

export function Disconnect({ integration }: { integration: Schemas['Integration'] }) {
  const { id, app, account_name: account } = integration;
  const navigate = useNavigate();
  const disconnect = useAction({
    run: () =>
      answerOf(api.DELETE('/v1/integrations/{integration_id}', { params: { path: { integration_id: id } } })),
    done: `${app} is disconnected.`,
    changes: ['integrations', 'onboarding', 'record', 'records'],
    onDone: () => void navigate({ to: '/integrations' }),
  });
  return (
    <Section
      title="Disconnect"
      hint="Records remain in Syncline and in the app. Pending changes are not pushed. The logs are kept."
    >
      <Group>
        <ConfirmedAction
          color="red"
          variant="outline"
          loading={disconnect.isPending}
          refusal={useRefusal('admin')}
          title={`Disconnect ${app} (${account})?`}
          body={
            `Syncline no longer pushes to ${app} or imports from it. ` +
            'This cannot be undone; connecting it again starts with an initial sync.'
          }
          confirm="Disconnect"
          isDangerous
          onConfirm={() => disconnect.mutate()}
        >
          Disconnect {app}
        </ConfirmedAction>
      </Group>
    </Section>
  );
}
