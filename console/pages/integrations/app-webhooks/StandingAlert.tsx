import { Alert } from '@mantine/core';
import type { Standing } from './app-webhooks-state';

/** How webhooks stand, and what to do. */
export const StandingAlert = ({ color, title, next }: Standing) => (
  <Alert
    color={color}
    variant="light"
    role="status"
    title={title}
    styles={{ message: { color: 'var(--mantine-color-text)' } }}
  >
    {next}
  </Alert>
);
