import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { asProblem } from '../api/client';
import { showToast } from './toasts';

interface Action<Input, Output> {
  run: (input: Input) => Promise<Output>;
  /** What people read when it was done. */
  done?: string | ((output: Output, input: Input) => string);
  /** Subjects that are out of date afterwards. */
  changes?: readonly string[];
  onDone?: (output: Output, input: Input) => void | Promise<void>;
  /** For forms, which show a problem beside its field. */
  isQuiet?: boolean;
}

/**
 * Something a person does. A refusal is said with its remedy; what it changed is read again. The same thing is not done twice while it is
 * under way: the second click of a double one comes before the button can show that it is busy.
 */
export function useAction<Input = void, Output = unknown>({
  run,
  done,
  changes = [],
  onDone,
  isQuiet = false,
}: Action<Input, Output>) {
  const queryClient = useQueryClient();
  const underWay = useRef(new Set<string>());
  const action = useMutation({
    async mutationFn(input: Input) {
      try {
        return await run(input);
      } finally {
        underWay.current.delete(keyOf(input));
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
        // It is shown as it is now, and a form made from what it was may be gone with that: the reason is said beside the page.
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
    if (underWay.current.has(key)) return;
    underWay.current.add(key);
    action.mutate(input);
  };
  return { ...action, mutate };
}

const keyOf = (input: unknown): string => JSON.stringify(input) ?? '';
