import { Group, Modal, PasswordInput, Stack } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { asProblem } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { ProblemView } from '../../../common/States';
import { useAction } from '../../../common/use-action';

interface WebhookSecretProps {
  /** What signs with the secret. */
  app: string;
  refusal: string | undefined;
  hasAddress: boolean;
  hasSecret: boolean;
  /** The subject of the queries to read again. */
  subject: string;
  save: (secret: string) => Promise<unknown>;
}

/** Stores the secret that webhooks are signed with. */
export function WebhookSecret({ hasAddress, hasSecret, refusal, ...props }: WebhookSecretProps) {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  const label = hasSecret ? 'Replace secret' : 'Store secret';
  return (
    <>
      <ActionButton
        {...(hasAddress && !hasSecret ? {} : { variant: 'default' })}
        refusal={refusal ?? (hasAddress ? undefined : 'Make the address first.')}
        onClick={() => setOpen(true)}
      >
        {label}
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title={label}>
        <SecretForm {...props} onDone={close} />
      </Modal>
    </>
  );
}

function SecretForm({
  app,
  subject,
  save: run,
  onDone,
}: Pick<WebhookSecretProps, 'app' | 'subject' | 'save'> & { onDone: () => void }) {
  const [secret, setSecret] = useState('');
  const save = useAction({
    run: () => run(secret),
    isQuiet: true,
    done: 'The secret is stored.',
    changes: [subject],
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
