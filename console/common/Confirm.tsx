import { Button, Group, Modal, Stack } from '@mantine/core';
import { type ReactNode, useState } from 'react';

interface Question {
  title: string;
  /** What the action does, and what it does not do. */
  body: ReactNode;
  confirm: string;
  isDangerous?: boolean;
  act: () => void;
}

/** Confirmation of actions that cannot be undone or are costly. Returns `ask` and the dialogue. */
export function useConfirm(): { ask: (question: Question) => void; dialogue: ReactNode } {
  const [question, setQuestion] = useState<Question>();
  const close = () => setQuestion(undefined);
  const dialogue = (
    <Modal opened={question !== undefined} onClose={close} title={question?.title ?? ''}>
      <Stack>
        <div>{question?.body}</div>
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button
            data-autofocus
            {...(question?.isDangerous ? { color: 'red' } : {})}
            onClick={() => {
              question?.act();
              close();
            }}
          >
            {question?.confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
  return { ask: setQuestion, dialogue };
}
