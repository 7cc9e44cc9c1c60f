import { Button, Group, MultiSelect, NumberInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema';
import type { Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView } from '../../common/States';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { EVENT_TITLES, type EventType } from './event-types';

type Wanted = Exclude<EventType, 'TEST'>;
export type EndpointSettings = Required<
  NonNullable<operations['changeWebhookEndpoint']['requestBody']>['content']['application/json']
>;
const CHOICES = (Object.entries(EVENT_TITLES) as [Wanted, string][]).map(([value, title]) => ({
  value,
  label: `${value}: ${title}`,
}));

interface EndpointFormProps {
  /** undefined: of a new one. */
  endpoint?: Schemas['WebhookEndpoint'];
  submitLabel: string;
  isPending: boolean;
  error: Error | null;
  onSubmit: (settings: EndpointSettings) => void;
  onClose: () => void;
}

/** Where events are posted to, and which. */
export function EndpointForm({
  endpoint,
  submitLabel,
  isPending,
  error,
  onSubmit,
  onClose,
}: EndpointFormProps) {
  const [url, setUrl] = useState(endpoint?.url ?? '');
  const [description, setDescription] = useState(endpoint?.description ?? '');
  const [types, setTypes] = useState((endpoint?.event_types ?? []) as Wanted[]);
  const [integrationIds, setIntegrationIds] = useState(endpoint?.integration_ids ?? []);
  const [rate, setRate] = useState<number | string>(endpoint?.rate_per_second ?? '');
  const { choices } = useIntegrationNames();
  const unlinked = integrationIds
    .filter((id) => !choices.some(({ value }) => value === id))
    .map((id) => ({ value: id, label: `Unlinked integration ${id}` }));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit({
      url: url.trim(),
      description: description.trim(),
      event_types: types.length > 0 ? types : null,
      integration_ids: integrationIds.length > 0 ? integrationIds : null,
      rate_per_second: rate === '' ? null : Number(rate),
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {error && <ProblemView error={error} />}
        <TextInput
          label="Address"
          description="Where events are posted to: https, and reachable from here."
          placeholder="https://example.com/syncline"
          required
          data-autofocus
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <TextInput
          label="Description"
          maxLength={200}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        <MultiSelect
          label="Events"
          description="None chosen: all, those added later too."
          data={CHOICES}
          value={types}
          onChange={setTypes}
          clearable
          clearButtonProps={{ 'aria-label': 'All events' }}
        />
        <MultiSelect
          label="Integrations"
          description="Only what is about these. None chosen: everything."
          data={[...choices, ...unlinked]}
          value={integrationIds}
          onChange={setIntegrationIds}
          clearable
          clearButtonProps={{ 'aria-label': 'All integrations' }}
        />
        <NumberInput
          label="Requests a second, at most"
          description="Empty: as many as it takes."
          min={1}
          max={1_000}
          allowDecimal={false}
          value={rate}
          onChange={setRate}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton type="submit" loading={isPending}>
            {submitLabel}
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
