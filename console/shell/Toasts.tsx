import { Affix, Notification, Stack } from '@mantine/core';
import { Check, X } from 'lucide-react';
import { hideToast, useToasts } from '../common/toasts';

export function Toasts() {
  const toasts = useToasts();
  return (
    <Affix position={{ bottom: 16, right: 16 }}>
      <Stack gap="xs" aria-live="polite" role="region" aria-label="Messages" maw={420}>
        {toasts.map(({ id, kind, title, detail }) => (
          <Notification
            key={id}
            title={title}
            withBorder
            color={kind === 'done' ? 'teal' : 'red'}
            icon={kind === 'done' ? <Check size={18} aria-hidden /> : <X size={18} aria-hidden />}
            onClose={() => hideToast(id)}
            closeButtonProps={{ 'aria-label': 'Hide this message' }}
          >
            {detail}
          </Notification>
        ))}
      </Stack>
    </Affix>
  );
}
