import { Code, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { Link2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { answerOf, api } from '../../api/client';
import type { operations } from '../../api/schema';
import { ActionButton } from '../../common/ActionButton';
import { ShownOnce } from '../../common/ShownOnce';
import { ProblemView } from '../../common/States';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

type NewSession = NonNullable<
  operations['createConnectSession']['requestBody']
>['content']['application/json'];
type Target = Pick<NewSession, 'integration' | 'integration_id'>;

interface SendLinkProps {
  app: string;
  label: string;
  /** Reads the form when the link is made. */
  target: () => Target;
}

/** Makes a one-time link with which another person signs in to the app. */
export function SendLink({ app, label, target }: SendLinkProps) {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <>
      <ActionButton
        variant="default"
        leftSection={<Link2 size={16} aria-hidden />}
        refusal={useRefusal('admin')}
        onClick={() => setOpen(true)}
      >
        {label}
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title={`A link to connect ${app}`} centered={false}>
        <LinkForm target={target} onDone={close} />
      </Modal>
    </>
  );
}

function LinkForm({ target, onDone }: { target: () => Target; onDone: () => void }) {
  const [person, setPerson] = useState('');
  const make = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/connect-sessions', {
          body: { ...target(), ...(person === '' ? {} : { person }) },
        }),
      ),
    isQuiet: true,
  });
  const submit = (event: FormEvent): void => {
    // React passes events of a dialogue on to the form around its button.
    event.preventDefault();
    event.stopPropagation();
    make.mutate();
  };
  if (make.data !== undefined)
    return (
      <ShownOnce
        secret={make.data.link}
        warning="Send this link over a private channel. It works once, and is not shown again."
        onClose={onDone}
      >
        <Text size="sm">
          It works until <Instant at={make.data.expires_at} />. <Code>{make.data.id}</Code> in the API shows
          what becomes of it.
        </Text>
      </ShownOnce>
    );
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text>
          Whoever opens the link sees what is synced, and signs in to the app. They need no account here.
        </Text>
        <TextInput
          label="Who gets it"
          description="For your lists, such as a name. Optional."
          value={person}
          onChange={(event) => setPerson(event.currentTarget.value)}
        />
        {make.error && <ProblemView error={make.error} />}
        <Group justify="flex-end">
          <ActionButton type="submit" loading={make.isPending}>
            Create link
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
