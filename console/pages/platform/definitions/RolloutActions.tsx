import { answerOf, api, type Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { ConfirmedAction } from '../../../common/ConfirmedAction';
import { useAction } from '../../../common/use-action';

type Rollout = Schemas['DefinitionRollout'];

const base = '/v1/platform/third-party-definitions/{definition_key}/rollouts/{rollout_id}';
type Path = { path: { definition_key: string; rollout_id: string } };

/** What a decision calls. */
const CALLS = {
  approve: (params: Path) => answerOf(api.POST(`${base}/approve` as const, { params })),
  pause: (params: Path) => answerOf(api.POST(`${base}/pause` as const, { params })),
  resume: (params: Path) => answerOf(api.POST(`${base}/resume` as const, { params })),
  cancel: (params: Path) => answerOf(api.POST(`${base}/cancel` as const, { params })),
  retry: (params: Path) => answerOf(api.POST(`${base}/retry` as const, { params })),
  rollBack: (params: Path) => answerOf(api.POST(`${base}/roll-back` as const, { params })),
};
type Decision = keyof typeof CALLS;
const DONE: Record<Decision, string> = {
  approve: 'The rollout has begun.',
  pause: 'The rollout is paused.',
  resume: 'The rollout continues.',
  cancel: 'The rollout was canceled.',
  retry: 'The dry run is repeated for what was held back.',
  rollBack: 'The rollback has begun.',
};

/** The decisions that the state of the rollout allows. */
export function RolloutActions({ rollout }: { rollout: Rollout }) {
  const { state, paused_at: pausedAt, integrations, id, definition_key: key } = rollout;
  const { mutate, isPending } = useAction({
    run: (decision: Decision) => CALLS[decision]({ path: { definition_key: key, rollout_id: id } }),
    done: (_rollout, decision) => DONE[decision],
    changes: ['platform-definitions'],
  });
  const isPaused = pausedAt !== null;
  const isOneOf = (...states: Rollout['state'][]): boolean => states.includes(state);
  const button = (decision: Decision, label: string) => (
    <ActionButton key={decision} variant="default" loading={isPending} onClick={() => mutate(decision)}>
      {label}
    </ActionButton>
  );
  return (
    <>
      {state === 'planned' && (
        <ConfirmedAction
          title={`Begin the rollout of version ${rollout.version}?`}
          body={
            `${integrations.planned} integrations change, one step after the other. ` +
            'Those that are held back stay as they are.'
          }
          confirm="Begin rollout"
          loading={isPending}
          onConfirm={() => mutate('approve')}
        >
          Approve
        </ConfirmedAction>
      )}
      {isPaused && button('resume', 'Resume')}
      {!isPaused && isOneOf('planning', 'running') && button('pause', 'Pause')}
      {!isPaused &&
        integrations.held_back > 0 &&
        isOneOf('planned', 'running', 'completed') &&
        button('retry', 'Retry held back')}
      <Ending rollout={rollout} isPending={isPending} mutate={mutate} />
    </>
  );
}

/** What ends the rollout. */
function Ending({
  rollout: { state, integrations },
  isPending,
  mutate,
}: {
  rollout: Rollout;
  isPending: boolean;
  mutate: (decision: Decision) => void;
}) {
  const isOneOf = (...states: Rollout['state'][]): boolean => states.includes(state);
  return (
    <>
      {isOneOf('planning', 'planned', 'running') && (
        <ConfirmedAction
          title="Cancel the rollout?"
          body="No further integration changes. Those that changed keep the version; they can be rolled back."
          confirm="Cancel rollout"
          isDangerous
          variant="default"
          loading={isPending}
          onConfirm={() => mutate('cancel')}
        >
          Cancel rollout
        </ConfirmedAction>
      )}
      {isOneOf('running', 'completed', 'canceled') && integrations.changed + integrations.failed > 0 && (
        <ConfirmedAction
          title="Roll the version back?"
          body={
            'Integrations that changed get their former version and settings. ' +
            'What their tenants edited meanwhile stays.'
          }
          confirm="Roll back"
          isDangerous
          color="red"
          loading={isPending}
          onConfirm={() => mutate('rollBack')}
        >
          Roll back
        </ConfirmedAction>
      )}
    </>
  );
}
