import { Alert, Group, NumberInput, Stack, Switch, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { notificationSettingsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { ProblemView, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

type Settings = Schemas['NotificationSettings'];

/** When notifications are sent by e-mail, for all users of the company. */
export function NotificationSettings() {
  const settings = useQuery(notificationSettingsQuery);
  return (
    <Section
      title="Notifications by e-mail"
      hint="The console always shows notifications. An e-mail is sent only for those not viewed in time."
    >
      <Read query={settings} rows={3}>
        {({ body, etag }) => (
          <Stack gap="sm">
            <RejectedAddress rejected={body.own_address_refused} />
            <Form key={etag} settings={body} etag={etag} />
          </Stack>
        )}
      </Read>
    </Section>
  );
}

function RejectedAddress({ rejected }: { rejected: Settings['own_address_refused'] }) {
  if (rejected === null) return null;
  return (
    <Alert color="orange" variant="light">
      An e-mail to {rejected.email} was rejected <Instant at={rejected.refused_at} />. No e-mails are sent to
      you. Ask an admin to correct your address, or to let e-mails be sent again under Users.
    </Alert>
  );
}

function useSave(etag: string) {
  return useAction({
    run: (change: { is_email_on: boolean; email_delay_seconds: number }) =>
      answerOf(
        api.PATCH('/v1/notification-settings', { params: { header: { 'If-Match': etag } }, body: change }),
      ),
    isQuiet: true,
    done: 'Notification settings saved.',
    changes: ['notification-settings'],
  });
}

function Form({ settings, etag }: { settings: Settings; etag: string }) {
  const refusal = useRefusal('admin');
  const [isOn, setOn] = useState(settings.is_email_on);
  const [minutes, setMinutes] = useState<number | string>(settings.email_delay_seconds / 60);
  const save = useSave(etag);
  const seconds = Math.round(Number(minutes) * 60);
  const isChanged = isOn !== settings.is_email_on || seconds !== settings.email_delay_seconds;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate({ is_email_on: isOn, email_delay_seconds: seconds });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {save.error && <ProblemView error={save.error} />}
        <Switch
          label="Send e-mails"
          checked={isOn}
          disabled={refusal !== undefined}
          onChange={(event) => setOn(event.currentTarget.checked)}
        />
        <NumberInput
          label="Delay in minutes"
          min={0}
          max={1_440}
          w={220}
          value={minutes}
          disabled={!isOn}
          readOnly={refusal !== undefined}
          onChange={setMinutes}
        />
        <Text size="sm" c="dimmed">
          {isOn
            ? `A notification of 10:00 is e-mailed at ${toTimeAfterTen(Number(minutes))} if unread.`
            : 'No e-mails are sent, except when an initial sync is complete.'}
        </Text>
        <Group>
          <ActionButton
            type="submit"
            loading={save.isPending}
            refusal={refusal ?? (isChanged ? undefined : 'There are no changes to save.')}
          >
            Save
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

function toTimeAfterTen(minutes: number): string {
  const total = 600 + Math.round(minutes);
  return `${String(Math.floor(total / 60) % 24).padStart(2, '0')}:${String(total % 60).padStart(2, '0')}`;
}
