import { Button, Group, MultiSelect, NumberInput, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import type { operations } from '../../api/schema';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView } from '../../common/States';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { EVENT_TITLES, type EventType } from './event-types';

type Endpoint = Schemas['WebhookEndpoint'];
type SelectableEvent = Exclude<EventType, 'TEST'>;
type Change = NonNullable<operations['changeWebhookEndpoint']['requestBody']>['content']['application/json'];
/** Without `headers` those that are set stay. */
export type EndpointSettings = Required<Omit<Change, 'headers'>> & Pick<Change, 'headers'>;
const EVENT_CHOICES = (Object.entries(EVENT_TITLES) as [SelectableEvent, string][]).map(([value, title]) => ({
  value,
  label: `${value}: ${title}`,
}));

interface EndpointFormProps {
  /** undefined for a new endpoint. */
  endpoint?: Endpoint;
  submitLabel: string;
  isPending: boolean;
  error: Error | null;
  onSubmit: (settings: EndpointSettings) => void;
  onClose: () => void;
}

/** The URL of an endpoint and the events it receives. */
export function EndpointForm({
  endpoint,
  submitLabel,
  isPending,
  error,
  onSubmit,
  onClose,
}: EndpointFormProps) {
  const [draft, setDraft] = useState(() => toDraft(endpoint));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit(toSettings(draft));
  };
  const edit = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  return (
    <form onSubmit={submit}>
      <Stack>
        {error && <ProblemView error={error} />}
        <Target draft={draft} onEdit={edit} />
        <Headers names={endpoint?.header_names ?? []} draft={draft} onEdit={edit} />
        <Events draft={draft} onEdit={edit} />
        <NumberInput
          label="Maximum requests per second"
          description="Leave empty for no limit."
          min={1}
          max={1_000}
          allowDecimal={false}
          value={draft.rate}
          onChange={(rate) => edit({ rate })}
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

interface Draft {
  url: string;
  description: string;
  types: SelectableEvent[];
  integrationIds: string[];
  rate: number | string;
  /** Lines of `Name: value`; undefined = as they are. */
  headers: string | undefined;
}

interface PartProps {
  draft: Draft;
  onEdit: (part: Partial<Draft>) => void;
}

const toDraft = (endpoint: Endpoint | undefined): Draft => ({
  url: endpoint?.url ?? '',
  description: endpoint?.description ?? '',
  types: (endpoint?.event_types ?? []) as SelectableEvent[],
  integrationIds: endpoint?.integration_ids ?? [],
  rate: endpoint?.rate_per_second ?? '',
  headers: (endpoint?.header_names ?? []).length > 0 ? undefined : '',
});

const toSettings = ({ url, description, types, integrationIds, rate, headers }: Draft): EndpointSettings => ({
  url: url.trim(),
  description: description.trim(),
  event_types: types.length > 0 ? types : null,
  integration_ids: integrationIds.length > 0 ? integrationIds : null,
  rate_per_second: rate === '' ? null : Number(rate),
  ...(headers === undefined ? {} : { headers: toHeaders(headers) }),
});

function toHeaders(text: string): Record<string, string> | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) return null;
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...value] = line.split(':');
      return [name.trim(), value.join(':').trim()];
    }),
  );
}

function Target({ draft, onEdit }: PartProps) {
  return (
    <>
      <TextInput
        label="URL"
        description="Receives events as POST requests. It must use https and be reachable from Syncline."
        placeholder="https://example.com/syncline"
        required
        data-autofocus
        value={draft.url}
        onChange={(event) => onEdit({ url: event.currentTarget.value })}
      />
      <TextInput
        label="Description"
        maxLength={200}
        value={draft.description}
        onChange={(event) => onEdit({ description: event.currentTarget.value })}
      />
    </>
  );
}

/** Values are write-only: they are replaced, never shown. */
function Headers({ names, draft, onEdit }: PartProps & { names: readonly string[] }) {
  if (draft.headers === undefined)
    return (
      <Group gap="sm">
        <Text size="sm">Headers for the receiver: {names.join(', ')}</Text>
        <Button size="compact-xs" variant="default" onClick={() => onEdit({ headers: '' })}>
          Replace headers
        </Button>
      </Group>
    );
  return (
    <Textarea
      label="Headers for the receiver"
      description="One per line, as “Name: value”. The values are stored encrypted and not shown again."
      placeholder="Authorization: Basic c3luY2xpbmU6c2VjcmV0"
      autosize
      minRows={1}
      spellCheck={false}
      value={draft.headers}
      onChange={(event) => onEdit({ headers: event.currentTarget.value })}
    />
  );
}

function Events({ draft, onEdit }: PartProps) {
  const { choices, nameOf } = useIntegrationNames();
  const disconnected = draft.integrationIds
    .filter((id) => !choices.some(({ value }) => value === id))
    .map((id) => ({ value: id, label: `${nameOf(id)} ${id}` }));
  return (
    <>
      <MultiSelect
        label="Events"
        description="Leave empty for all event types, including future ones."
        data={EVENT_CHOICES}
        value={draft.types}
        onChange={(types) => onEdit({ types })}
        clearable
        clearButtonProps={{ 'aria-label': 'All events' }}
      />
      <MultiSelect
        label="Integrations"
        description="Leave empty for all integrations."
        data={[...choices, ...disconnected]}
        value={draft.integrationIds}
        onChange={(integrationIds) => onEdit({ integrationIds })}
        clearable
        clearButtonProps={{ 'aria-label': 'All integrations' }}
      />
    </>
  );
}
