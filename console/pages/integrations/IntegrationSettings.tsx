import { Group, JsonInput, NumberInput, Stack, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { Section } from '../../common/Section';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { useIntegrationChange } from './use-change';

const MINUTE = 60_000;

export function IntegrationSettings({
  integration,
  etag,
}: {
  integration: Schemas['Integration'];
  etag: string;
}) {
  const [app, setApp] = useState(integration.app);
  const [account, setAccount] = useState(integration.account_name);
  const [grace, setGrace] = useState<number | string>(integration.grace_period_ms / MINUTE);
  const [wait, setWait] = useState<number | string>(
    integration.max_wait_ms === null ? '' : integration.max_wait_ms / MINUTE,
  );
  const [config, setConfig] = useState(JSON.stringify(integration.config, null, 2));
  const refusal = useRefusal('admin');
  const { ask, dialogue } = useConfirm();
  const navigate = useNavigate();
  const save = useIntegrationChange({ integration, etag });
  const unlink = useAction({
    run: () =>
      answerOf(
        api.DELETE('/v1/integrations/{integration_id}', {
          params: { path: { integration_id: integration.id } },
        }),
      ),
    done: `${integration.app} is unlinked.`,
    changes: ['integrations', 'onboarding', 'record', 'records'],
    onDone: () => void navigate({ to: '/integrations' }),
  });
  const whyNotSave =
    refusal ?? (isJson(config) ? undefined : 'The configuration is no JSON. Correct it first.');
  const isConfigChanged = config !== JSON.stringify(integration.config, null, 2);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (whyNotSave !== undefined) return;
    save.mutate({
      app,
      account_name: account,
      grace_period_ms: Math.round(Number(grace) * MINUTE),
      max_wait_ms: wait === '' ? null : Math.round(Number(wait) * MINUTE),
      ...(isConfigChanged ? { config: JSON.parse(config) as Record<string, unknown> } : {}),
    });
  };
  const isReadOnly = refusal !== undefined;
  return (
    <Stack>
      <form onSubmit={submit}>
        <Section title="Settings">
          {save.error && <ProblemView error={save.error} />}
          <Group align="flex-start" grow>
            <TextInput
              label="App"
              required
              value={app}
              readOnly={isReadOnly}
              onChange={(event) => setApp(event.currentTarget.value)}
            />
            <TextInput
              label="Account name"
              required
              value={account}
              readOnly={isReadOnly}
              onChange={(event) => setAccount(event.currentTarget.value)}
            />
          </Group>
          <Group align="flex-start" grow>
            <NumberInput
              label="Grace period in minutes"
              description="A change goes out after so long without another. 0: at once."
              min={0}
              decimalScale={2}
              required
              value={grace}
              readOnly={isReadOnly}
              onChange={setGrace}
            />
            <NumberInput
              label="Maximum wait in minutes"
              description="From the first change on, however many follow. Empty: none."
              min={0}
              decimalScale={2}
              value={wait}
              readOnly={isReadOnly}
              onChange={setWait}
            />
          </Group>
          <JsonInput
            label="Configuration"
            description="What the connector needs to know of the third party."
            minRows={4}
            maxRows={24}
            value={config}
            readOnly={isReadOnly}
            validationError="This is no JSON."
            onChange={setConfig}
          />
          <Group>
            <ActionButton type="submit" loading={save.isPending} refusal={whyNotSave}>
              Save
            </ActionButton>
          </Group>
        </Section>
      </form>
      <Section
        title="Unlink"
        hint="Records stay here and there. Waiting changes are no longer sent; the logs are kept."
      >
        <Group>
          <ActionButton
            color="red"
            variant="outline"
            loading={unlink.isPending}
            refusal={refusal}
            onClick={() =>
              ask({
                title: `Unlink ${integration.app} (${integration.account_name})?`,
                body: 'Nothing is sent to it or read from it any more. This cannot be undone; linking it again begins anew.',
                confirm: 'Unlink',
                isDangerous: true,
                act: () => unlink.mutate(),
              })
            }
          >
            Unlink {integration.app}
          </ActionButton>
        </Group>
      </Section>
      {dialogue}
    </Stack>
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
