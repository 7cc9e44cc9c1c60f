import { Group, JsonInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api, asProblem, type Problem, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { alternativesOf, type Drafts, toValues } from './schema-form/json-schema';
import { GracePeriodInput, type InitialPush, InitialPushInput, type Minutes, toMs } from './PushTiming';
import { SchemaForm } from './schema-form/SchemaForm';
import { SendLink } from './SendLink';

type Connector = Schemas['Connector'];

interface Draft {
  accountName: string;
  config: Drafts;
  credentials: Drafts;
  /** JSON. */
  mappings: string;
  graceMinutes: Minutes;
  initialPush: InitialPush;
}

interface ConnectFormProps {
  connector: Connector;
  onConnected: (integration: Schemas['Integration']) => void;
}

/** Creates a paused integration, so that the connection can be checked before anything is synced. */
export function ConnectForm({ connector, onConnected }: ConnectFormProps) {
  const [draft, setDraft] = useState<Draft>({
    accountName: '',
    config: {},
    credentials: {},
    mappings: JSON.stringify(connector.default_mappings ?? {}, null, 2),
    graceMinutes: 5,
    initialPush: 'all',
  });
  const connect = useAction({
    run: () => answerOf(api.POST('/v1/integrations', { body: toNewIntegration(connector, draft) })),
    isQuiet: true,
    changes: ['integrations', 'onboarding'],
    onDone: onConnected,
  });
  const { wrong } = toValues(connector.config_schema, draft.config);
  const problem = connect.error === null ? undefined : asProblem(connect.error);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (Object.keys(wrong).length === 0) connect.mutate();
  };
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const shared = { connector, draft, problem, onChange: change };
  return (
    <form onSubmit={submit}>
      <Stack>
        {problem && <ProblemView error={problem} />}
        <Account {...shared} wrong={wrong} />
        <Credentials {...shared} />
        <WhatToSync {...shared} />
        <Group justify="flex-end">
          <SendLink
            app={connector.title}
            label="Send a link instead"
            target={() => ({ integration: settingsToSend(connector, draft) })}
          />
          <ActionButton type="submit" loading={connect.isPending} refusal={useRefusal('admin')}>
            Connect and check
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

interface PartProps {
  connector: Connector;
  draft: Draft;
  problem: Problem | undefined;
  onChange: (part: Partial<Draft>) => void;
}

function Account({ connector, draft, problem, onChange, wrong }: PartProps & { wrong: Drafts }) {
  return (
    <Section title="Account" hint={connector.description}>
      <TextInput
        label="Account name"
        description="Distinguishes this account from others of the same app."
        placeholder="Production"
        value={draft.accountName}
        onChange={(event) => onChange({ accountName: event.currentTarget.value })}
        error={errorsAt(problem, '/account_name')['']}
      />
      <SchemaForm
        schema={connector.config_schema}
        drafts={draft.config}
        onChange={(config) => onChange({ config })}
        errors={{ ...errorsAt(problem, '/config/'), ...wrong }}
      />
    </Section>
  );
}

function Credentials({ connector, draft, problem, onChange }: PartProps) {
  return (
    <Section title="Credentials" hint="Credentials are stored encrypted and are never shown again.">
      <SchemaForm
        schema={connector.credentials_schema}
        drafts={draft.credentials}
        onChange={(credentials) => onChange({ credentials })}
        errors={errorsAt(problem, '/credentials/')}
        isSecret
      />
    </Section>
  );
}

const MAPPING_EXAMPLE = '{"employees": {"direction": "push", "fields": [{"name": "email", "to": "…"}]}}';

function WhatToSync({ draft, onChange }: PartProps) {
  return (
    <Section title="What to sync" hint="The mappings can be changed at any time.">
      <JsonInput
        label="Mappings by record type"
        description={`As in the API: ${MAPPING_EXAMPLE}`}
        minRows={4}
        maxRows={20}
        value={draft.mappings}
        onChange={(mappings) => onChange({ mappings })}
        validationError="Not valid JSON."
      />
      <Group align="flex-start" grow>
        <GracePeriodInput
          value={draft.graceMinutes}
          onChange={(graceMinutes) => onChange({ graceMinutes })}
        />
        <InitialPushInput value={draft.initialPush} onChange={(initialPush) => onChange({ initialPush })} />
      </Group>
    </Section>
  );
}

/** Another person gives the credentials, and the check comes before anything is synced. */
function settingsToSend(connector: Connector, draft: Draft) {
  const { credentials: _given, ...settings } = toNewIntegration(connector, draft);
  return { ...settings, is_paused: false };
}

function toNewIntegration(connector: Connector, draft: Draft) {
  const credentialsSchema = alternativesOf(connector.credentials_schema)[0] ?? {};
  const mappings = draft.mappings.trim();
  return {
    connector: connector.kind,
    ...(draft.accountName === '' ? {} : { account_name: draft.accountName }),
    config: toValues(connector.config_schema, draft.config).values,
    credentials: toValues(credentialsSchema, draft.credentials).values,
    ...(mappings === '' || mappings === '{}'
      ? {}
      : { record_types: JSON.parse(mappings) as Schemas['Integration']['record_types'] }),
    grace_period_ms: toMs(draft.graceMinutes),
    initial_push: draft.initialPush,
    is_paused: true,
  };
}

/** The API's errors by field name, of the fields below a JSON pointer. */
const errorsAt = (problem: Problem | undefined, prefix: string): Record<string, string> =>
  Object.fromEntries(
    (problem?.errors ?? [])
      .filter(({ pointer }) => pointer.startsWith(prefix))
      .map(({ pointer, message }) => [pointer.slice(prefix.length).split('/')[0] ?? '', message]),
  );
