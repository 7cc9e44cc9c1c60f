/** Links a third party: the connector, where it is and with what credentials, then a live check before anything is synced. */
import {
  Alert,
  Card,
  Group,
  JsonInput,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { CircleCheck, TriangleAlert } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { answerOf, api, asProblem, type Schemas } from '../../api/client';
import { connectorQuery, connectorsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { Page } from '../../common/Page';
import { Section } from '../../common/Section';
import { ProblemView, Read } from '../../common/States';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { alternativesOf, type Drafts, type JsonSchema, toValues } from './json-schema';
import { SchemaForm } from './SchemaForm';

const route = getRouteApi('/shell/integrations/new');

export function NewIntegrationPage() {
  const { connector } = route.useSearch();
  const navigate = route.useNavigate();
  const connectors = useQuery(connectorsQuery);
  const chosen = useQuery({ ...connectorQuery(connector ?? ''), enabled: connector !== undefined });
  return (
    <Page title="Link a third party" subtitle="Nothing is sent or read before you have seen that it answers.">
      <Read query={connectors} rows={3}>
        {(all) => (
          <SimpleGrid cols={{ base: 1, sm: 3 }} role="group" aria-label="How it is spoken with">
            {all.map(({ kind, title, description }) => (
              <UnstyledButton
                key={kind}
                aria-pressed={kind === connector}
                onClick={() => void navigate({ search: { connector: kind }, replace: true })}
              >
                <Card
                  withBorder
                  h="100%"
                  {...(kind === connector
                    ? { style: { borderColor: 'var(--mantine-primary-color-filled)', borderWidth: 2 } }
                    : {})}
                >
                  <Text fw={600}>{title}</Text>
                  <Text size="sm" c="dimmed">
                    {description}
                  </Text>
                </Card>
              </UnstyledButton>
            ))}
          </SimpleGrid>
        )}
      </Read>
      {connector !== undefined && (
        <Read query={chosen}>{(shown) => <LinkForm key={shown.kind} connector={shown} />}</Read>
      )}
    </Page>
  );
}

function LinkForm({ connector }: { connector: Schemas['Connector'] }) {
  const navigate = route.useNavigate();
  const refusal = useRefusal('admin');
  const configSchema = connector.config_schema as JsonSchema;
  const credentialsSchema = connector.credentials_schema as JsonSchema;
  const [accountName, setAccountName] = useState('');
  const [config, setConfig] = useState<Drafts>({});
  const [credentials, setCredentials] = useState<Drafts>({});
  const [mappings, setMappings] = useState(JSON.stringify(connector.default_mappings ?? {}, null, 2));
  const [graceMinutes, setGraceMinutes] = useState<number | string>(5);
  const [initialPush, setInitialPush] = useState<'all' | 'none'>('all');
  const [linked, setLinked] = useState<Schemas['Integration']>();
  const check = useAction({
    run: (id: string) =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/check', { params: { path: { integration_id: id } } }),
      ),
    changes: ['integrations'],
  });
  const readConfig = toValues(configSchema, config);
  const readCredentials = toValues(alternativesOf(credentialsSchema)[0] ?? {}, credentials);
  const link = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/integrations', {
          body: {
            connector: connector.kind,
            ...(accountName === '' ? {} : { account_name: accountName }),
            config: readConfig.values,
            credentials: readCredentials.values,
            ...(mappings.trim() === '' || mappings.trim() === '{}'
              ? {}
              : { record_types: JSON.parse(mappings) as Schemas['Integration']['record_types'] }),
            grace_period_ms: Math.round(Number(graceMinutes) * 60_000),
            initial_push: initialPush,
            is_paused: true,
          },
        }),
      ),
    isQuiet: true,
    changes: ['integrations', 'onboarding'],
    onDone(integration) {
      setLinked(integration);
      check.mutate(integration.id);
    },
  });
  const resume = useAction({
    run: (id: string) =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/resume', { params: { path: { integration_id: id } } }),
      ),
    done: 'It is linked and syncs now.',
    changes: ['integrations', 'onboarding', 'record', 'records'],
    onDone: (_answer, id) =>
      void navigate({ to: '/integrations/$integrationId', params: { integrationId: id } }),
  });

  const problem = link.error === null ? undefined : asProblem(link.error);
  const errorsAt = (prefix: string): Record<string, string> =>
    Object.fromEntries(
      (problem?.errors ?? [])
        .filter(({ pointer }) => pointer.startsWith(prefix))
        .map(({ pointer, message }) => [pointer.slice(prefix.length).split('/')[0] ?? '', message]),
    );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (Object.keys(readConfig.wrong).length === 0) link.mutate();
  };

  if (linked !== undefined)
    return (
      <Section
        title={`${linked.app} is linked, and paused`}
        hint="It was asked with the credentials you gave, without changing anything there."
      >
        {check.data === undefined ? (
          <Text role="status">{check.isPending ? 'Asking it now …' : 'It was not asked.'}</Text>
        ) : (
          <Alert
            variant="light"
            role="status"
            color={check.data.ok ? 'teal' : 'red'}
            icon={check.data.ok ? <CircleCheck aria-hidden /> : <TriangleAlert aria-hidden />}
            title={check.data.ok ? 'It answers, and the credentials hold' : 'It cannot be used yet'}
          >
            {check.data.message}
          </Alert>
        )}
        <Group>
          <ActionButton
            loading={resume.isPending}
            refusal={check.data?.ok ? undefined : 'It has to pass the check first.'}
            onClick={() => resume.mutate(linked.id)}
          >
            Start to sync
          </ActionButton>
          <ActionButton variant="default" loading={check.isPending} onClick={() => check.mutate(linked.id)}>
            Check again
          </ActionButton>
          <ActionButton
            variant="default"
            onClick={() =>
              void navigate({ to: '/integrations/$integrationId', params: { integrationId: linked.id } })
            }
          >
            To its page, to correct it
          </ActionButton>
        </Group>
      </Section>
    );

  return (
    <form onSubmit={submit}>
      <Stack>
        {problem && <ProblemView error={problem} />}
        <Section title="Where it is" hint={connector.description}>
          <TextInput
            label="Account name"
            description="How people tell this account from others of the same app."
            placeholder="Production"
            value={accountName}
            onChange={(event) => setAccountName(event.currentTarget.value)}
            error={errorsAt('/account_name')['']}
          />
          <SchemaForm
            schema={configSchema}
            drafts={config}
            onChange={setConfig}
            errors={{ ...errorsAt('/config/'), ...readConfig.wrong }}
          />
        </Section>
        <Section title="Credentials" hint="They are kept encrypted and never shown again.">
          <SchemaForm
            schema={credentialsSchema}
            drafts={credentials}
            onChange={setCredentials}
            errors={errorsAt('/credentials/')}
            isSecret
          />
        </Section>
        <Section title="What syncs" hint="Fields and how they map can be changed at any time.">
          <JsonInput
            label="Mappings by record type"
            description='As in the API: {"employees": {"direction": "push", "fields": [{"name": "email", "to": "…"}]}}'
            minRows={4}
            maxRows={20}
            value={mappings}
            onChange={setMappings}
            validationError="This is no JSON."
          />
          <Group align="flex-start">
            <NumberInput
              label="Grace period in minutes"
              description="A change goes out after so long without another."
              min={0}
              max={1_440}
              value={graceMinutes}
              onChange={setGraceMinutes}
              w={280}
            />
            <Select
              label="Existing records"
              description="Once, behind people's edits."
              allowDeselect={false}
              data={[
                { value: 'all', label: 'Push all that are eligible' },
                { value: 'none', label: 'Push only what changes from now on' },
              ]}
              value={initialPush}
              onChange={(value) => setInitialPush(value === 'none' ? 'none' : 'all')}
              w={300}
            />
          </Group>
        </Section>
        <Group justify="flex-end">
          <ActionButton type="submit" loading={link.isPending} refusal={refusal}>
            Link and check
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
