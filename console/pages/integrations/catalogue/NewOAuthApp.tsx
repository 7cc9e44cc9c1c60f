import { Code, Group, Modal, PasswordInput, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { answerOf, api, asProblem } from '../../../api/client';
import { connectSettingsQuery } from '../../../api/queries';
import { ActionButton } from '../../../common/ActionButton';
import { ProblemView, Read } from '../../../common/States';
import { useAction } from '../../../common/use-action';
import { useRefusal } from '../../../session/session';

interface NewOAuthAppProps {
  product: string;
  /** Where its secret and tokens go. */
  origins: readonly string[];
  onCreated: (appId: string) => void;
}

/** Adds an app that the company has registered at the product. */
export function NewOAuthApp(props: NewOAuthAppProps) {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <>
      <ActionButton
        variant="default"
        leftSection={<Plus size={16} aria-hidden />}
        refusal={useRefusal('admin')}
        onClick={() => setOpen(true)}
      >
        Add an OAuth app
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title={`OAuth app for ${props.product}`} centered={false}>
        <AppForm
          {...props}
          onCreated={(appId) => {
            close();
            props.onCreated(appId);
          }}
        />
      </Modal>
    </>
  );
}

function useCreate({ onCreated }: Pick<NewOAuthAppProps, 'onCreated'>) {
  return useAction({
    run: (draft: Draft) =>
      answerOf(
        api.POST('/v1/oauth-apps', {
          body: {
            name: draft.name,
            client_id: draft.clientId,
            client_secret: draft.clientSecret === '' ? null : draft.clientSecret,
            allowed_origins: draft.origins.split(/\s+/).filter((origin) => origin !== ''),
          },
        }),
      ),
    isQuiet: true,
    done: ({ name }) => `${name} was added.`,
    changes: ['oauth-apps'],
    onDone: ({ id }) => onCreated(id),
  });
}

interface Draft {
  name: string;
  clientId: string;
  clientSecret: string;
  /** One per line. */
  origins: string;
}

function RedirectUri() {
  return (
    <Read query={useQuery(connectSettingsQuery)} rows={1}>
      {({ redirect_uri: uri }) => (
        <Code block className="whole">
          {uri}
        </Code>
      )}
    </Read>
  );
}

function AppForm({ product, origins, onCreated }: NewOAuthAppProps) {
  const [draft, setDraft] = useState<Draft>({
    name: product,
    clientId: '',
    clientSecret: '',
    origins: origins.join('\n'),
  });
  const create = useCreate({ onCreated });
  const problem = create.error === null ? undefined : asProblem(create.error);
  const input = (name: keyof Draft, pointer: string) => ({
    value: draft[name],
    error: problem?.errors.find((one) => one.pointer.startsWith(pointer))?.message,
    autoComplete: 'off',
    onChange: ({ currentTarget: { value } }: { currentTarget: { value: string } }) =>
      setDraft({ ...draft, [name]: value }),
  });
  const submit = (event: FormEvent): void => {
    // React passes events of a dialogue on to the form around its button.
    event.preventDefault();
    event.stopPropagation();
    create.mutate(draft);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {problem && <ProblemView error={problem} />}
        <Text size="sm">Register an app at {product} with this redirect URI:</Text>
        <RedirectUri />
        <TextInput label="Name" required {...input('name', '/name')} />
        <TextInput label="Client id" required {...input('clientId', '/client_id')} />
        <PasswordInput
          label="Client secret"
          description="Stored encrypted and never shown again. Empty for a public client."
          {...input('clientSecret', '/client_secret')}
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the client secret', tabIndex: 0 }}
        />
        <Textarea
          label="Allowed origins, one per line"
          description="The secret and the tokens are sent nowhere else. https://*.example.com stands for all hosts below."
          required
          autosize
          {...input('origins', '/allowed_origins')}
        />
        <Group justify="flex-end">
          <ActionButton type="submit" loading={create.isPending}>
            Add app
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
