import { Alert, Group, PasswordInput, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { asProblem, type Problem, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { plural } from '../../common/formatting';
import { ProblemView } from '../../common/States';
import { type AppDraft, connectedOf, needsSecretAgain } from './app-draft';

interface OAuthAppFormProps {
  initial: AppDraft;
  /** undefined for a new app. */
  before?: Schemas['OAuthApp'];
  submitLabel: string;
  isPending: boolean;
  error: Error | null;
  onSubmit: (draft: AppDraft) => void;
  /** Above the fields. */
  children?: ReactNode;
}

/** What an OAuth app has. The secret is asked for where it is needed, and never shown. */
export function OAuthAppForm({
  initial,
  before,
  submitLabel,
  isPending,
  error,
  onSubmit,
  children,
}: OAuthAppFormProps) {
  const [draft, setDraft] = useState(initial);
  const problem = error === null ? undefined : asProblem(error);
  const input = (name: Exclude<keyof AppDraft, 'isWebhookSecretDeleted'>, pointer: string) => ({
    value: draft[name],
    error: messageAt(problem, pointer),
    autoComplete: 'off',
    onChange: ({ currentTarget: { value } }: { currentTarget: { value: string } }) =>
      setDraft({ ...draft, [name]: value }),
  });
  const submit = (event: FormEvent): void => {
    // React passes events of a dialogue on to the form around its button.
    event.preventDefault();
    event.stopPropagation();
    onSubmit(draft);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {problem && <ProblemView error={problem} />}
        {children}
        <TextInput label="Name" required {...input('name', '/name')} />
        <TextInput label="Client id" required {...input('clientId', '/client_id')} />
        {before !== undefined && before.client_id !== draft.clientId.trim() && (
          <OtherClient connected={connectedOf(before)} />
        )}
        <Textarea
          label="Allowed origins, one per line"
          description="The secret and the tokens are sent nowhere else. https://*.example.com stands for all hosts below."
          required
          autosize
          {...input('origins', '/allowed_origins')}
        />
        <SecretInput draft={draft} before={before} field={input('clientSecret', '/client_secret')} />
        <WebhookSecretInput
          isStored={before?.has_webhook_secret === true}
          isDeleted={draft.isWebhookSecretDeleted}
          onDelete={(isWebhookSecretDeleted) => setDraft({ ...draft, isWebhookSecretDeleted })}
          field={input('webhookSecret', '/webhook_secret')}
        />
        <Group justify="flex-end">
          <ActionButton type="submit" loading={isPending}>
            {submitLabel}
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

const messageAt = (problem: Problem | undefined, pointer: string): string | undefined =>
  problem?.errors.find((one) => one.pointer.startsWith(pointer))?.message;

/** Tokens belong to the client that asked for them. */
function OtherClient({ connected }: { connected: number }) {
  if (connected === 0) return null;
  return (
    <Alert color="orange" variant="light" title="Accounts have to be connected again" role="status">
      {plural(connected, 'account')} of this app got tokens for the present client id. A provider refuses to
      renew them for another one, and each integration then asks a person to sign in again.
    </Alert>
  );
}

interface SecretInputProps {
  draft: AppDraft;
  before: Schemas['OAuthApp'] | undefined;
  field: object;
}

function SecretInput({ draft, before, field }: SecretInputProps) {
  const isAgain = before !== undefined && needsSecretAgain(draft, before);
  if (before !== undefined && !isAgain) return null;
  return (
    <PasswordInput
      label={isAgain ? 'Client secret, again' : 'Client secret'}
      description={
        isAgain
          ? 'It is sent to the added origin, too, so it has to be entered again.'
          : 'Stored encrypted and never shown again. Empty for a public client.'
      }
      required={isAgain}
      {...field}
      visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the client secret', tabIndex: 0 }}
    />
  );
}

interface WebhookSecretInputProps {
  isStored: boolean;
  isDeleted: boolean;
  onDelete: (isDeleted: boolean) => void;
  field: object;
}

function WebhookSecretInput({ isStored, isDeleted, onDelete, field }: WebhookSecretInputProps) {
  return (
    <>
      <PasswordInput
        label={isStored ? 'New webhook secret' : 'Webhook secret'}
        description={
          'Only for products that sign the webhooks of all accounts with one secret, such as Exact Online. ' +
          (isStored ? 'One is stored. Leave empty to keep it.' : 'Stored encrypted and never shown again.')
        }
        {...field}
        disabled={isDeleted}
        visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the webhook secret', tabIndex: 0 }}
      />
      {isStored && (
        <Switch
          label="Delete the webhook secret: each integration has one of its own"
          checked={isDeleted}
          onChange={(event) => onDelete(event.currentTarget.checked)}
        />
      )}
    </>
  );
}
