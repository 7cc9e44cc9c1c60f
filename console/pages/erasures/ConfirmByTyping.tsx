import { Button, Group, Stack, TextInput } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView } from '../../common/States';

interface ConfirmByTypingProps {
  action: { mutate: () => void; isPending: boolean; error: Error | null };
  /** The label of the button that confirms. */
  confirm: string;
  /** What has to be typed, and its name. */
  expected: string;
  what: string;
  typed: string;
  isTyped: boolean;
  inputMode?: 'numeric';
  onType: (typed: string) => void;
  onClose: () => void;
  /** What will happen. */
  children: ReactNode;
}

/** The form of a dialogue about something that cannot be undone: a text has to be typed first. */
export function ConfirmByTyping(props: ConfirmByTypingProps) {
  const { action, confirm, expected, what, typed, isTyped, inputMode, onType, onClose, children } = props;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isTyped) action.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {action.error && <ProblemView error={action.error} />}
        {children}
        <TextInput
          label={`Type the ${what} (${expected})`}
          inputMode={inputMode}
          autoComplete="off"
          data-autofocus
          value={typed}
          onChange={(event) => onType(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton
            type="submit"
            color="red"
            loading={action.isPending}
            refusal={isTyped ? undefined : `Type ${expected} to confirm.`}
          >
            {confirm}
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
