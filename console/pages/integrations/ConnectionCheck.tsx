import { Alert, Group, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { CircleCheck, TriangleAlert } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { useAction } from '../../common/use-action';

/** Checks the connection of a new, paused integration, then starts the sync. */
export function ConnectionCheck({ integration }: { integration: Schemas['Integration'] }) {
  const { id, app } = integration;
  const navigate = useNavigate();
  const openIntegration = () =>
    void navigate({ to: '/integrations/$integrationId', params: { integrationId: id } });
  const check = useCheckAtOnce(id);
  const resume = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/resume', { params: { path: { integration_id: id } } }),
      ),
    done: `${app} is connected and syncs now.`,
    changes: ['integrations', 'onboarding', 'record', 'records'],
    onDone: openIntegration,
  });
  return (
    <Section
      title={`${app} is connected, and paused`}
      hint="The check uses the credentials you entered and changes nothing in the app."
    >
      {check.data === undefined ? (
        <Text role="status">
          {check.isPending ? 'Checking the connection …' : 'The connection was not checked.'}
        </Text>
      ) : (
        <CheckResult app={app} result={check.data} />
      )}
      <Group>
        <ActionButton
          loading={resume.isPending}
          refusal={check.data?.ok ? undefined : 'The connection check must succeed first.'}
          onClick={() => resume.mutate()}
        >
          Start sync
        </ActionButton>
        <ActionButton variant="default" loading={check.isPending} onClick={() => check.mutate()}>
          Check again
        </ActionButton>
        <ActionButton variant="default" onClick={openIntegration}>
          Edit integration
        </ActionButton>
      </Group>
    </Section>
  );
}

function useCheckAtOnce(integrationId: string) {
  const isStarted = useRef(false);
  const check = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/check', {
          params: { path: { integration_id: integrationId } },
        }),
      ),
    changes: ['integrations'],
  });
  const { mutate } = check;
  useEffect(() => {
    if (!isStarted.current) mutate();
    isStarted.current = true;
  }, [mutate]);
  return check;
}

function CheckResult({
  app,
  result: { ok, message },
}: {
  app: string;
  result: { ok: boolean; message: string };
}) {
  return (
    <Alert
      variant="light"
      role="status"
      color={ok ? 'teal' : 'red'}
      icon={ok ? <CircleCheck aria-hidden /> : <TriangleAlert aria-hidden />}
      title={ok ? `${app} is reachable and accepts the credentials` : 'The connection check failed'}
    >
      {message}
    </Alert>
  );
}
