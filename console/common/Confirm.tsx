import { Button, Group, Modal, Stack } from '@mantine/core';
import { type ReactNode, useState } from 'react';

interface Question {
  title: string;
  /** What will happen, and what will not. */
  body: ReactNode;
  confirm: string;
  isDangerous?: boolean;
  act: () => void;
}

/** Asks before something that cannot be taken back, or costs. Answers a function that asks and the dialogue to place on the page. */
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
