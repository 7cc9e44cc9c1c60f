import { Pause, Play, Stethoscope } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { showToast } from '../../common/toasts';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { StartButtons } from '../overviews/StartButtons';

type Integration = Schemas['Integration'];
const changes = ['integrations', 'onboarding', 'record', 'records'];

/** Sync, check, pause and resume. */
export function IntegrationActions({ integration }: { integration: Integration }) {
  return (
    <>
      <StartButtons integration={integration} />
      <CheckButton integration={integration} />
      {integration.paused_at === null ? (
        <PauseButton integration={integration} />
      ) : (
        <ResumeButton integration={integration} />
      )}
    </>
  );
}

function CheckButton({ integration: { id, app } }: { integration: Integration }) {
  const check = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/check', { params: { path: { integration_id: id } } }),
      ),
    changes,
    onDone: ({ ok, message }) =>
      showToast({
        kind: ok ? 'done' : 'problem',
        title: ok
          ? `${app} is reachable and accepts the credentials`
          : `The connection check of ${app} failed`,
        detail: message,
      }),
  });
  return (
    <ActionButton
      variant="default"
      leftSection={<Stethoscope size={16} aria-hidden />}
      loading={check.isPending}
      refusal={useRefusal('operator')}
      onClick={() => check.mutate()}
    >
      Check connection
    </ActionButton>
  );
}

function PauseButton({ integration: { id, app } }: { integration: Integration }) {
  const pause = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/pause', { params: { path: { integration_id: id } } }),
      ),
    done: `${app} is paused.`,
    changes,
  });
  return (
    <ConfirmedAction
      variant="default"
      leftSection={<Pause size={16} aria-hidden />}
      loading={pause.isPending}
      refusal={useRefusal('operator')}
      title={`Pause ${app}?`}
      body="Nothing is pushed or imported until the integration is resumed. Changes are accepted and pushed afterwards."
      confirm="Pause"
      onConfirm={() => pause.mutate()}
    >
      Pause
    </ConfirmedAction>
  );
}

function ResumeButton({ integration: { id, app } }: { integration: Integration }) {
  const resume = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/resume', { params: { path: { integration_id: id } } }),
      ),
    done: `${app} is resumed.`,
    changes,
  });
  return (
    <ActionButton
      leftSection={<Play size={16} aria-hidden />}
      loading={resume.isPending}
      refusal={useRefusal('operator')}
      onClick={() => resume.mutate()}
    >
      Resume
    </ActionButton>
  );
}
