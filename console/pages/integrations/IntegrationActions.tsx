import { Pause, Play, Stethoscope } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { showToast } from '../../common/toasts';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { StartButtons } from '../overviews/StartButtons';

/** What an operator does to an integration as a whole. */
export function IntegrationActions({ integration }: { integration: Schemas['Integration'] }) {
  const { ask, dialogue } = useConfirm();
  const refusal = useRefusal('operator');
  const params = { path: { integration_id: integration.id } };
  const changes = ['integrations', 'onboarding', 'record', 'records'];
  const pause = useAction({
    run: () => answerOf(api.POST('/v1/integrations/{integration_id}/pause', { params })),
    done: 'It is paused.',
    changes,
  });
  const resume = useAction({
    run: () => answerOf(api.POST('/v1/integrations/{integration_id}/resume', { params })),
    done: 'It goes on.',
    changes,
  });
  const check = useAction({
    run: () => answerOf(api.POST('/v1/integrations/{integration_id}/check', { params })),
    changes,
    onDone: ({ ok, message }) =>
      showToast({
        kind: ok ? 'done' : 'problem',
        title: ok ? 'It answers, and the credentials hold' : 'The check failed',
        detail: message,
      }),
  });
  return (
    <>
      <StartButtons integration={integration} />
      <ActionButton
        variant="default"
        leftSection={<Stethoscope size={16} aria-hidden />}
        loading={check.isPending}
        refusal={refusal}
        onClick={() => check.mutate()}
      >
        Check
      </ActionButton>
      {integration.paused_at === null ? (
        <ActionButton
          variant="default"
          leftSection={<Pause size={16} aria-hidden />}
          loading={pause.isPending}
          refusal={refusal}
          onClick={() =>
            ask({
              title: `Pause ${integration.app}?`,
              body: 'Changes are still accepted and wait; nothing is sent and nothing is read until somebody resumes it.',
              confirm: 'Pause',
              act: () => pause.mutate(),
            })
          }
        >
          Pause
        </ActionButton>
      ) : (
        <ActionButton
          leftSection={<Play size={16} aria-hidden />}
          loading={resume.isPending}
          refusal={refusal}
          onClick={() => resume.mutate()}
        >
          Resume
        </ActionButton>
      )}
      {dialogue}
    </>
  );
}
