import { Button, type ButtonProps, Group, Modal, Stack } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { ActionButton } from './ActionButton';

interface ConfirmedActionProps extends ButtonProps {
  children: ReactNode;
  /** Why the action is not possible now. */
  refusal?: string | undefined;
  /** The title of the dialogue, a question. */
  title: string;
  /** What the action does, and what it does not do. */
  body: string;
  /** The button that confirms, a verb. */
  confirm: string;
  isDangerous?: boolean;
  onConfirm: () => void;
}

/** A button for an action that cannot be undone or is costly: a dialogue asks before it runs. */
export function ConfirmedAction(props: ConfirmedActionProps) {
  const { children, title, body, confirm, isDangerous = false, onConfirm, ...button } = props;
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  const act = () => {
    onConfirm();
    close();
  };
  return (
    <>
      <ActionButton {...button} onClick={() => setOpen(true)}>
        {children}
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title={title}>
        <Stack>
          <div>{body}</div>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button data-autofocus {...(isDangerous ? { color: 'red' } : {})} onClick={act}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
