import { Switch, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answerOf, api } from '../../api/client';
import { notificationSettingsQuery } from '../../api/queries';
import { Section } from '../../common/Section';
import { Read } from '../../common/States';
import { useAction } from '../../common/use-action';

/** Whether the signed-in person gets e-mails about notifications. */
export function OwnEmails() {
  const settings = useQuery(notificationSettingsQuery);
  const save = useAction({
    run: (isOn: boolean) =>
      answerOf(api.PATCH('/v1/notification-settings/own', { body: { is_email_on: isOn } })),
    done: 'Your e-mail setting is saved.',
    changes: ['notification-settings', 'people'],
  });
  return (
    <Section
      title="E-mails"
      hint="The console always shows notifications. Admins get e-mails about errors that last until an admin acts in any case."
    >
      <Read query={settings} rows={1}>
        {({ body }) => (
          <>
            <Switch
              label="Send me e-mails about notifications"
              checked={body.own_is_email_on ?? false}
              disabled={save.isPending}
              onChange={(event) => save.mutate(event.currentTarget.checked)}
            />
            {!body.is_email_on && (
              <Text size="sm" c="dimmed" mt="xs">
                An admin has turned off e-mails for the whole company.
              </Text>
            )}
          </>
        )}
      </Read>
    </Section>
  );
}
