import { Button, Checkbox, Group, NumberInput, Stack, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { ProblemView } from '../../../common/States';
import { useAction } from '../../../common/use-action';

const MINUTE_SECONDS = 60;
const OBSERVE_MINUTES = 60;
const STEPS = [{ integrations: 1 }, { percent: 1 }, { percent: 10 }];

interface PublishVersionProps {
  definitionKey: string;
  version: number;
  /** Integrations without a definition follow it; otherwise those of other versions change. */
  isAdoption: boolean;
  onClose: () => void;
  onDone: (rollout: Schemas['DefinitionRollout']) => void;
}

type Settings = Pick<
  Schemas['NewDefinitionRollout'],
  'observe_seconds' | 'stop_after_failures' | 'is_automatic'
>;

const usePublish = ({ definitionKey, version, isAdoption, onDone }: Omit<PublishVersionProps, 'onClose'>) =>
  useAction({
    run: (settings: Settings) =>
      answerOf(
        api.POST('/v1/platform/third-party-definitions/{definition_key}/rollouts', {
          params: { path: { definition_key: definitionKey } },
          body: { version, adopt: isAdoption, steps: isAdoption ? [] : STEPS, ...settings },
        }),
      ),
    isQuiet: true,
    done: 'The dry run has begun.',
    changes: ['platform-definitions'],
    onDone,
  });

/** Begins the dry run of a version. */
export function PublishVersion({ isAdoption, onClose, ...publishing }: PublishVersionProps) {
  const [minutes, setMinutes] = useState<number>(isAdoption ? 0 : OBSERVE_MINUTES);
  const [failures, setFailures] = useState<number>(1);
  const [isAutomatic, setAutomatic] = useState(false);
  const publish = usePublish({ isAdoption, ...publishing });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    publish.mutate({
      observe_seconds: minutes * MINUTE_SECONDS,
      stop_after_failures: failures,
      is_automatic: isAutomatic,
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {publish.error && <ProblemView error={publish.error} />}
        <Text size="sm">
          {isAdoption
            ? 'A dry run finds the integrations without a definition that have its base address. After your ' +
              'approval they follow it. Their settings, credentials and links stay as they are.'
            : 'A dry run examines each integration of another version first. Then 1 integration changes, ' +
              '1 %, 10 %, and all others.'}
        </Text>
        <NumberInput
          label={isAdoption ? 'Observation, in minutes' : 'Observation after each step, in minutes'}
          min={0}
          max={20_160}
          value={minutes}
          onChange={(value) => setMinutes(Number(value))}
        />
        <NumberInput
          label="Stop after so many failing integrations"
          min={1}
          value={failures}
          onChange={(value) => setFailures(Number(value))}
        />
        <Checkbox
          label="Begin without an approval after the dry run"
          checked={isAutomatic}
          onChange={(event) => setAutomatic(event.currentTarget.checked)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton type="submit" loading={publish.isPending}>
            Begin dry run
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
