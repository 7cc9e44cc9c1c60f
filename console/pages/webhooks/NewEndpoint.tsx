import { Button, Group, MultiSelect, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import { EVENT_TITLES, type EventType } from './event-types';
import { SecretOnce } from './SecretOnce';

type Wanted = Exclude<EventType, 'TEST'>;
const CHOICES = (Object.entries(EVENT_TITLES) as [Wanted, string][]).map(([value, title]) => ({ value, label: `${value}: ${title}` }));

export function NewEndpoint({ onClose }: { onClose: () => void }) {
  const [url, setUrl] = useState('');
  const [description, setDescription] = useState('');
  const [types, setTypes] = useState<Wanted[]>([]);
  const make = useAction({
    run: () =>
      answerOf(api.POST('/v1/webhook-endpoints', { body: { url: url.trim(), description: description.trim(), event_types: types.length > 0 ? types : null } })),
    isQuiet: true,
    changes: ['webhooks'],
  });
  if (make.data !== undefined) return <SecretOnce secret={make.data.secret} onClose={onClose} />;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {make.error && <ProblemView error={make.error} />}
        <TextInput
          label="Address"
          description="Where events are posted to: https, and reachable from here."
          placeholder="https://example.com/syncline"
          required
          data-autofocus
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <TextInput label="Description" maxLength={200} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        <MultiSelect
          label="Events"
          description="None chosen: all, those added later too."
          data={CHOICES}
          value={types}
          onChange={setTypes}
          clearable
          clearButtonProps={{ 'aria-label': 'All events' }}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton type="submit" loading={make.isPending}>
            Add the endpoint
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
