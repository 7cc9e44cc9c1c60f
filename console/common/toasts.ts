/** Short messages in the corner of the page, shown by the shell. */
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
const publish = (next: readonly Toast[]): void => {
  toasts = next;
  for (const listener of listeners) listener();
};

export function showToast(toast: Omit<Toast, 'id'>): void {
  const id = nextId++;
  publish([...toasts.slice(-2), { ...toast, id }]);
  // Problems stay until they are closed.
  if (toast.kind === 'done') setTimeout(() => hideToast(id), 6_000);
}
export const hideToast = (id: number): void => publish(toasts.filter((toast) => toast.id !== id));

export const useToasts = (): readonly Toast[] =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
