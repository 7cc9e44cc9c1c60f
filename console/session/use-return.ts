import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';

/** After a sign-in: forgets what another session read, and opens the page that needed the sign-in. */
export function useReturn(home: '/' | '/platform'): (to: string | undefined) => Promise<void> {
  const router = useRouter();
  const queryClient = useQueryClient();
  return async (to) => {
    queryClient.clear();
    // Only pages of this console: the address comes from a link and could lead elsewhere.
    const target = to?.startsWith('/') && !to.startsWith('//') ? to : home;
    await router.navigate({ href: router.buildLocation({ href: target } as never).href, replace: true });
  };
}
