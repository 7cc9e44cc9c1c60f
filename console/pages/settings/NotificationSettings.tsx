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

/** When notifications are sent by e-mail too, for everybody in the company. */
export function NotificationSettings() {
  const settings = useQuery(notificationSettingsQuery);
  return (
    <Section
      title="Notifications by e-mail"
      hint="They are always shown here. An e-mail goes out only where nobody has viewed them in time."
    >
      <Read query={settings} rows={3}>
        {({ body, etag }) => <Form key={etag} settings={body} etag={etag} />}
      </Read>
    </Section>
  );
}

function Form({ settings, etag }: { settings: Schemas['NotificationSettings']; etag: string }) {
  const refusal = useRefusal('admin');
  const [isOn, setOn] = useState(settings.is_email_on);
  const [minutes, setMinutes] = useState<number | string>(settings.email_delay_seconds / 60);
  const save = useAction({
    run: () =>
      answerOf(
        api.PATCH('/v1/notification-settings', {
          params: { header: { 'If-Match': etag } },
          body: { is_email_on: isOn, email_delay_seconds: Math.round(Number(minutes) * 60) },
        }),
      ),
    isQuiet: true,
    done: 'Saved.',
    changes: ['notification-settings'],
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  const isChanged =
    isOn !== settings.is_email_on || Math.round(Number(minutes) * 60) !== settings.email_delay_seconds;
  const refused = settings.own_address_refused;
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {save.error && <ProblemView error={save.error} />}
        {refused !== null && (
          <Alert color="orange" variant="light">
            {refused.email} refused our e-mail <Instant at={refused.refused_at} />. An admin can correct your
            address.
          </Alert>
        )}
        <Switch
          label="Send e-mails"
          checked={isOn}
          disabled={refusal !== undefined}
          onChange={(event) => setOn(event.currentTarget.checked)}
        />
        <NumberInput
          label="After so many minutes"
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
            ? `Something told at 10:00 is e-mailed at ${toTimeAfterTen(Number(minutes))} unless it was viewed by then.`
            : 'Nothing is e-mailed, except that an onboarding is completed.'}
        </Text>
        <Group>
          <ActionButton
            type="submit"
            loading={save.isPending}
            refusal={refusal ?? (isChanged ? undefined : 'Nothing is changed yet.')}
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
