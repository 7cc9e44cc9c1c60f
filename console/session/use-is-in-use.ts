import { useIdle } from '@mantine/hooks';

const QUIET_AFTER_MS = 5 * 60_000;

/**
 * False when nobody has touched the page for five minutes. Pages of operators then stop to read themselves
 * again, so that their session, which ends without use, is not kept open by an unattended page.
 */
export const useIsInUse = (): boolean => !useIdle(QUIET_AFTER_MS, { initialState: false });
