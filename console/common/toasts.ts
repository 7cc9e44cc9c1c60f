/** Short messages at the edge of the page. Shown by the shell, read aloud politely. */
import { useSyncExternalStore } from 'react';

export interface Toast {
  id: number;
  kind: 'done' | 'problem';
  title: string;
  detail?: string | undefined;
}

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();
const tell = (next: readonly Toast[]): void => {
  toasts = next;
  for (const listener of listeners) listener();
};

export function showToast(toast: Omit<Toast, 'id'>): void {
  const id = nextId++;
  tell([...toasts.slice(-2), { ...toast, id }]);
  // What went wrong stays until it is read.
  if (toast.kind === 'done') setTimeout(() => hideToast(id), 6_000);
}
export const hideToast = (id: number): void => tell(toasts.filter((toast) => toast.id !== id));

export const useToasts = (): readonly Toast[] =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
