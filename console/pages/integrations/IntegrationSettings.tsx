import { Group, JsonInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { ProblemView } from '../../common/States';
import { useRefusal } from '../../session/session';
import { Disconnect } from './Disconnect';
import { type Minutes, PushTiming, toMs } from './PushTiming';
import { TypeSettings } from './TypeSettings';
import { useIntegrationChange } from './use-change';

interface IntegrationSettingsProps {
  integration: Schemas['Integration'];
  etag: string;
}

export function IntegrationSettings({ integration, etag }: IntegrationSettingsProps) {
  return (
    <Stack>
      <SettingsForm integration={integration} etag={etag} />
      <TypeSettings integration={integration} etag={etag} />
      <Disconnect integration={integration} />
    </Stack>
  );
}

interface Draft {
  app: string;
  account: string;
  grace: Minutes;
  /** Empty: no maximum. */
  wait: Minutes;
  config: string;
  /** Only for addresses that have moved. Empty: the stored ones stay. */
  credentials: string;
}

const toJson = (config: object): string => JSON.stringify(config, null, 2);
const toDraft = (integration: Schemas['Integration']): Draft => ({
  app: integration.app,
  account: integration.account_name,
  grace: integration.grace_period_ms / 60_000,
  wait: integration.max_wait_ms === null ? '' : integration.max_wait_ms / 60_000,
  config: toJson(integration.config),
  credentials: '',
});

function SettingsForm({ integration, etag }: IntegrationSettingsProps) {
  const [draft, setDraft] = useState(() => toDraft(integration));
  const refusal = useRefusal('admin');
  const save = useIntegrationChange({ integration, etag });
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const isChanged = draft.config !== toJson(integration.config);
  const saveRefusal =
    refusal ??
    (isJson(draft.config) && (!isChanged || draft.credentials === '' || isJson(draft.credentials))
      ? undefined
      : 'The configuration or the credentials are not valid JSON. Correct them first.');
  const isReadOnly = refusal !== undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (saveRefusal === undefined) save.mutate(toChange(draft, integration));
  };
  return (
    <form onSubmit={submit}>
      <Section title="Settings">
        {save.error && <ProblemView error={save.error} />}
        <Group align="flex-start" grow>
          <TextInput
            label="App"
            required
            value={draft.app}
            readOnly={isReadOnly}
            onChange={(event) => change({ app: event.currentTarget.value })}
          />
          <TextInput
            label="Account name"
            required
            value={draft.account}
            readOnly={isReadOnly}
            onChange={(event) => change({ account: event.currentTarget.value })}
          />
        </Group>
        <PushTiming grace={draft.grace} wait={draft.wait} isReadOnly={isReadOnly} onChange={change} />
        <ConfigInput draft={draft} isChanged={isChanged} isReadOnly={isReadOnly} onChange={change} />
        <Group>
          <ActionButton type="submit" loading={save.isPending} refusal={saveRefusal}>
            Save
          </ActionButton>
        </Group>
      </Section>
    </form>
  );
}

interface ConfigInputProps {
  draft: Draft;
  isChanged: boolean;
  isReadOnly: boolean;
  onChange: (part: Partial<Draft>) => void;
}

function ConfigInput({ draft, isChanged, isReadOnly, onChange }: ConfigInputProps) {
  return (
    <>
      <JsonInput
        label="Configuration"
        description="Settings of the connector, such as the URL of the app."
        minRows={4}
        maxRows={24}
        value={draft.config}
        readOnly={isReadOnly}
        validationError="Not valid JSON."
        onChange={(config) => onChange({ config })}
      />
      {isChanged && (
        <JsonInput
          label="Credentials"
          description="Needed again if the scheme, host or port of an address changes."
          value={draft.credentials}
          readOnly={isReadOnly}
          autoComplete="off"
          validationError="Not valid JSON."
          onChange={(credentials) => onChange({ credentials })}
        />
      )}
    </>
  );
}

const toChange = (draft: Draft, integration: Schemas['Integration']) => ({
  app: draft.app,
  account_name: draft.account,
  grace_period_ms: toMs(draft.grace),
  max_wait_ms: draft.wait === '' ? null : toMs(draft.wait),
  ...(draft.config === toJson(integration.config) ? {} : toConfigChange(draft)),
});

/** Credentials are entered with a changed configuration only. After it is saved, they are not sent again. */
const toConfigChange = ({ config, credentials }: Draft) => ({
  config: JSON.parse(config) as Record<string, unknown>,
  ...(credentials === '' ? {} : { credentials: JSON.parse(credentials) as Record<string, unknown> }),
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
