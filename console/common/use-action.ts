import { useMutation, useQueryClient } from '@tanstack/react-query';
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

/** Something a person does. A refusal is said with its remedy; what it changed is read again. */
export function useAction<Input = void, Output = unknown>({ run, done, changes = [], onDone, isQuiet = false }: Action<Input, Output>) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: run,
    onSuccess(output, input) {
      for (const subject of changes) void queryClient.invalidateQueries({ queryKey: [subject] });
      if (done !== undefined) showToast({ kind: 'done', title: typeof done === 'function' ? done(output, input) : done });
      void onDone?.(output, input);
    },
    onError(error) {
      if (isQuiet) return;
      const { title, detail, errors } = asProblem(error);
      showToast({
        kind: 'problem',
        title,
        detail: errors.length === 0 ? detail : `${detail} ${errors.map(({ pointer, message }) => `${pointer}: ${message}`).join(' ')}`,
      });
    },
  });
}
