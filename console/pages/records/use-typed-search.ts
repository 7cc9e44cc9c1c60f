import { useDebouncedCallback } from '@mantine/hooks';
import { useRouter } from '@tanstack/react-router';

/**
 * Calls `search` after a short pause in typing, unless a link was followed meanwhile: its page may still be
 * loading, and the search would lead back to this one.
 */
export function useTypedSearch(search: (words: string) => void): (words: string) => void {
  const router = useRouter();
  const later = useDebouncedCallback((words: string, typedAt: string) => {
    if (router.latestLocation.pathname === typedAt) search(words);
  }, 250);
  return (words) => later(words.trim(), router.latestLocation.pathname);
}
