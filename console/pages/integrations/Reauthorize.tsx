import { Group, Modal, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { answerOf, api, asProblem, type Schemas } from '../../api/client';
import { connectorQuery } from '../../api/catalogue-queries';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView, Read } from '../../common/States';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import type { Drafts, JsonSchema } from './schema-form/json-schema';
import { SchemaForm } from './schema-form/SchemaForm';
import { SendLink } from './SendLink';
import { isByConsent, useConsent } from './use-consent';

type Integration = Schemas['Integration'];

/** Replaces the credentials, or asks the app for consent again. The sync then continues at once. */
export function Reauthorize({ integration }: { integration: Integration }) {
  return (
    <Group>
      {isByConsent(integration.config) ? (
        <AgreeAgain integration={integration} />
      ) : (
        <NewCredentials integration={integration} />
      )}
      <SendLink
        app={integration.app}
        label="Send a link to reconnect"
        target={() => ({ integration_id: integration.id })}
      />
    </Group>
  );
}

function AgreeAgain({ integration: { id, app } }: { integration: Integration }) {
  const consent = useConsent();
  return (
    <Stack>
      {consent.error && <ProblemView error={consent.error} />}
      <ActionButton
        variant="default"
        leftSection={<KeyRound size={16} aria-hidden />}
        loading={consent.isPending}
        refusal={useRefusal('admin')}
        onClick={() => consent.mutate({ integration_id: id })}
      >
        Sign in to {app} again
      </ActionButton>
    </Stack>
  );
}

function NewCredentials({ integration }: { integration: Integration }) {
  const [isOpen, setOpen] = useState(false);
  const connector = useQuery({ ...connectorQuery(integration.connector), enabled: isOpen });
  const close = (): void => setOpen(false);
  return (
    <>
      <ActionButton
        variant="default"
        leftSection={<KeyRound size={16} aria-hidden />}
        refusal={useRefusal('admin')}
        onClick={() => setOpen(true)}
      >
        Re-authorize
      </ActionButton>
      <Modal
        opened={isOpen}
        onClose={close}
        title={`New credentials for ${integration.app}`}
        centered={false}
      >
        <Read query={connector} rows={3}>
          {(shown) => (
            <CredentialsForm integration={integration} schema={shown.credentials_schema} onDone={close} />
          )}
        </Read>
      </Modal>
    </>
  );
}

interface CredentialsFormProps {
  integration: Integration;
  schema: JsonSchema;
  onDone: () => void;
}

function CredentialsForm({ integration, schema, onDone }: CredentialsFormProps) {
  const [drafts, setDrafts] = useState<Drafts>({});
  const save = useAction({
    run: () =>
      answerOf(
        api.PUT('/v1/integrations/{integration_id}/credentials', {
          params: { path: { integration_id: integration.id } },
          body: { credentials: drafts },
        }),
      ),
    isQuiet: true,
    done: `Credentials of ${integration.app} updated. The sync continues.`,
    changes: ['integrations', 'notifications'],
    onDone,
  });
  const errors = Object.fromEntries(
    (save.error === null ? [] : asProblem(save.error).errors).map(({ pointer, message }) => [
      pointer.replace('/credentials/', ''),
      message,
    ]),
  );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {save.error && <ProblemView error={save.error} />}
        <SchemaForm schema={schema} drafts={drafts} onChange={setDrafts} errors={errors} isSecret />
        <Group justify="flex-end">
          <ActionButton
            type="submit"
            loading={save.isPending}
            refusal={Object.keys(drafts).length === 0 ? 'Enter the credentials first.' : undefined}
          >
            Save credentials
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
