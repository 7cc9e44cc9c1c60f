import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { asProblem } from '../api/client';
import { showToast } from './toasts';

interface Action<Input, Output> {
  run: (input: Input) => Promise<Output>;
  /** The message after success. */
  done?: string | ((output: Output, input: Input) => string);
  /** Subjects of the queries to read again afterwards. */
  changes?: readonly string[];
  onDone?: (output: Output, input: Input) => void | Promise<void>;
  /** No message on failure: the form shows the problem. */
  isQuiet?: boolean;
}

/**
 * A mutation with its messages. Failures are shown with the remedy; changed subjects are read again.
 * The same input is not sent twice at a time: the second click of a double click precedes the loading state.
 */
export function useAction<Input = void, Output = unknown>({
  run,
  done,
  changes = [],
  onDone,
  isQuiet = false,
}: Action<Input, Output>) {
  const queryClient = useQueryClient();
  const inFlight = useRef(new Set<string>());
  const action = useMutation({
    async mutationFn(input: Input) {
      try {
        return await run(input);
      } finally {
        inFlight.current.delete(keyOf(input));
      }
    },
    onSuccess(output, input) {
      for (const subject of changes) void queryClient.invalidateQueries({ queryKey: [subject] });
      if (done !== undefined)
        showToast({ kind: 'done', title: typeof done === 'function' ? done(output, input) : done });
      void onDone?.(output, input);
    },
    onError(error) {
      const { status, title, detail, errors } = asProblem(error);
      if (status === 412) {
        // Reading the current version may close the form, so the message is shown as a toast.
        for (const subject of changes) void queryClient.invalidateQueries({ queryKey: [subject] });
      } else if (isQuiet) return;
      showToast({
        kind: 'problem',
        title,
        detail:
          errors.length === 0
            ? detail
            : `${detail} ${errors.map(({ pointer, message }) => `${pointer}: ${message}`).join(' ')}`,
      });
    },
  });
  const mutate = (input: Input): void => {
    const key = keyOf(input);
    if (inFlight.current.has(key)) return;
    inFlight.current.add(key);
    action.mutate(input);
  };
  return { ...action, mutate };
}

const keyOf = (input: unknown): string => JSON.stringify(input) ?? '';
