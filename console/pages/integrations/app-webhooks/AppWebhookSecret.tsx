import { Group, Modal, PasswordInput, Stack } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api, asProblem, type Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { ProblemView } from '../../../common/States';
import { useAction } from '../../../common/use-action';
import { useRefusal } from '../../../session/session';

interface AppWebhookSecretProps {
  integration: Pick<Schemas['Integration'], 'id' | 'app'>;
  hasAddress: boolean;
  hasSecret: boolean;
}

/** Stores the secret that the app signs its webhooks with. */
export function AppWebhookSecret({ integration, hasAddress, hasSecret }: AppWebhookSecretProps) {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  const label = hasSecret ? 'Replace secret' : 'Store secret';
  return (
    <>
      <ActionButton
        {...(hasAddress && !hasSecret ? {} : { variant: 'default' })}
        refusal={useRefusal('admin') ?? (hasAddress ? undefined : 'Make the address first.')}
        onClick={() => setOpen(true)}
      >
        {label}
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title={label}>
        <SecretForm integration={integration} onDone={close} />
      </Modal>
    </>
  );
}

function SecretForm({
  integration: { id, app },
  onDone,
}: Pick<AppWebhookSecretProps, 'integration'> & { onDone: () => void }) {
  const [secret, setSecret] = useState('');
  const save = useAction({
    run: () =>
      answerOf(
        api.PUT('/v1/integrations/{integration_id}/incoming-webhooks/secret', {
          params: { path: { integration_id: id } },
          body: { secret },
        }),
      ),
    isQuiet: true,
    done: 'The secret is stored.',
    changes: ['integrations'],
    onDone,
  });
  const problem = save.error === null ? undefined : asProblem(save.error);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {problem && <ProblemView error={problem} />}
        <PasswordInput
          label="Secret"
          description={`${app} shows it with the settings of its webhooks. It is stored encrypted and never shown again.`}
          required
          data-autofocus
          autoComplete="off"
          value={secret}
          error={problem?.errors.find(({ pointer }) => pointer === '/secret')?.message}
          onChange={(event) => setSecret(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the secret', tabIndex: 0 }}
        />
        <Group justify="flex-end">
          <ActionButton type="submit" loading={save.isPending}>
            Save secret
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
