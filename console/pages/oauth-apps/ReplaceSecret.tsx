import { Group, Modal, PasswordInput, Stack, Switch, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api, asProblem, type Schemas } from '../../api/client';
import { type AppOwner, ofApp, routeOf } from '../../api/oauth-app-queries';
import { ActionButton } from '../../common/ActionButton';
import { plural } from '../../common/formatting';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import { connectedOf } from './app-draft';

interface SecretFormProps {
  owner: AppOwner;
  app: Schemas['OAuthApp'];
  etag: string;
}

/** Stores another client secret, after saying what that means for connected accounts. */
export function ReplaceSecret({ refusal, ...props }: SecretFormProps & { refusal: string | undefined }) {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  const label = props.app.has_client_secret ? 'Replace client secret' : 'Store client secret';
  return (
    <>
      <ActionButton variant="default" refusal={refusal} onClick={() => setOpen(true)}>
        {label}
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title={`${label} of ${props.app.name}`}>
        <SecretForm {...props} onDone={close} />
      </Modal>
    </>
  );
}

function SecretForm({ owner, app, etag, onDone }: SecretFormProps & { onDone: () => void }) {
  const [secret, setSecret] = useState('');
  const [isPublic, setPublic] = useState(false);
  const save = useAction({
    run: () =>
      answerOf(
        api.PATCH(routeOf(owner, '/v1/oauth-apps/{oauth_app_id}'), {
          params: { ...ofApp(app.id), header: { 'If-Match': etag } },
          body: { client_secret: isPublic ? null : secret },
        }),
      ),
    isQuiet: true,
    done: isPublic ? 'The secret was deleted.' : 'The secret is stored.',
    changes: ['oauth-apps'],
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
        <Consequences connected={connectedOf(app)} />
        <PasswordInput
          label="New client secret"
          description="Stored encrypted and never shown again."
          required={!isPublic}
          disabled={isPublic}
          data-autofocus
          autoComplete="off"
          value={secret}
          error={problem?.errors.find(({ pointer }) => pointer === '/client_secret')?.message}
          onChange={(event) => setSecret(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the new client secret', tabIndex: 0 }}
        />
        {app.has_client_secret && (
          <Switch
            label="The app is a public client: delete the secret"
            checked={isPublic}
            onChange={(event) => setPublic(event.currentTarget.checked)}
          />
        )}
        <Group justify="flex-end">
          <ActionButton type="submit" loading={save.isPending} {...(isPublic ? { color: 'red' } : {})}>
            {isPublic ? 'Delete secret' : 'Save secret'}
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

function Consequences({ connected }: { connected: number }) {
  return (
    <Stack gap="xs">
      <Text size="sm">
        {connected === 0
          ? 'No account is connected by this app yet.'
          : `What is connected stays connected (${plural(connected, 'account')}), without another sign-in. Tokens are renewed with the new secret from now on.`}
      </Text>
      <Text size="sm" c="dimmed">
        Let the provider accept both secrets until this one is stored. If it refuses the new one, integrations
        wait and try again, and go on as soon as the right secret is stored.
      </Text>
    </Stack>
  );
}
